/** What real clients register with, at a whole portal: each is taken, and each redirect that it asks for leads a person to the question. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { clientOf, registerClient } from '../oauth-client.ts'
import { Person } from '../person.ts'
import { startTestPortal, type TestPortal } from '../portal.ts'
import { CLIENT_DOCUMENTS } from '../support/client-documents/index.ts'

const ADA = { email: 'ada@example.com', password: 'correct horse battery staple' }

let portal: TestPortal
let ada: Person

beforeAll(async () => {
  portal = await startTestPortal({ config: { bootstrap: ADA } })
  ada = new Person(portal.url)
  await ada.submit(await ada.open(`${portal.url}/sign-in`), '/sign-in/local', ADA)
})
afterAll(() => portal?.close())

for (const { client, body, asks } of CLIENT_DOCUMENTS.filter(({ how }) => how === 'registration')) {
  test(`${client} registers, and a person is asked about it`, async () => {
    const { id, secret } = await registerClient(portal.url, { token_endpoint_auth_method: undefined, ...body })
    expect(secret !== null).toBe(!['none', 'private_key_jwt'].includes(String(body.token_endpoint_auth_method)))
    for (const redirectUri of asks) {
      const page = await ada.open(
        clientOf(portal.url, { id, secret, redirectUri }).authorizeUrl({ scope: 'mcp offline_access' }).url,
      )
      expect([redirectUri, page.status, page.left]).toEqual([redirectUri, 200, null])
      expect(page.text).toContain(`“${String(body.client_name)}”`)
    }
  })
}
