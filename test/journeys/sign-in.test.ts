/** A person signs in, a client gets tokens, and what becomes of them: the portal's authorization server from outside, on both databases. */
import { expect, test } from 'vitest'
import { letIn, registerClient } from '../oauth-client.ts'
import { Person } from '../person.ts'
import { startTestPortal } from '../portal.ts'

const ADA = { email: 'ada@example.com', password: 'correct horse battery staple' }

test('a person signs in with a password, lets a client in, and its token opens the portal', async () => {
  const portal = await startTestPortal({ config: { bootstrap: ADA } })
  try {
    const client = await registerClient(portal.url)
    const { tokens } = await letIn(new Person(portal.url), client, ADA)
    expect(tokens).toMatchObject({ token_type: 'Bearer', expires_in: 900 })
    console.log(tokens)
  } finally {
    await portal.close()
  }
})
