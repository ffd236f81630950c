/** What real clients register with, and their documents, at a whole portal: each is taken, and each redirect that it asks for leads a person to the question. */
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { localCertificate, trustIt } from '../certificate.ts'
import { clientOf, registerClient } from '../oauth-client.ts'
import { Person } from '../person.ts'
import { startTestPortal, type TestPortal } from '../portal.ts'
import { CLIENT_DOCUMENTS } from '../support/client-documents/index.ts'

const ADA = { email: 'ada@example.com', password: 'correct horse battery staple' }

let portal: TestPortal
let ada: Person

/** Where documents are published: its path is the place in the table. */
let publisher: Server
let at: string

beforeAll(async () => {
  trustIt()
  publisher = createServer(localCertificate, (request, response) => {
    const { body = {} } = CLIENT_DOCUMENTS[Number(request.url?.slice(1))] ?? {}
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ ...body, client_id: `${at}${request.url}` }))
  })
  await new Promise<void>((resolve) => publisher.listen(0, '127.0.0.1', resolve))
  const { port } = publisher.address() as AddressInfo
  at = `https://localhost:${port}`
  portal = await startTestPortal({ config: { bootstrap: ADA, allowedDocuments: [{ host: 'localhost', port }] } })
  ada = new Person(portal.url)
  await ada.submit(await ada.open(`${portal.url}/sign-in`), '/sign-in/local', ADA)
})
afterAll(async () => {
  await portal?.close()
  publisher?.closeAllConnections()
  publisher?.close()
})

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

for (const [place, { client, how, body, asks }] of CLIENT_DOCUMENTS.entries()) {
  if (how !== 'document') continue
  test(`${client} is known by its document, and a person is asked about it`, async () => {
    for (const redirectUri of asks) {
      const known = clientOf(portal.url, { id: `${at}/${place}`, secret: null, redirectUri })
      const page = await ada.open(known.authorizeUrl({ scope: 'mcp offline_access' }).url)
      expect([redirectUri, page.status, page.left]).toEqual([redirectUri, 200, null])
      expect(page.text).toContain(`“${String(body.client_name)}”`)
      // Its host is proven, and it is not the one of the name.
      expect(page.text).toContain(new URL(at).host)
    }
  })
}
