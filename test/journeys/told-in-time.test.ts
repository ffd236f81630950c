/** A running portal whose shared account at a server is taken back there: the admins' webhook knows before anybody asks them. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Person } from '../person.ts'
import { startTestPortal, type TestPortal } from '../portal.ts'
import { connectAs } from '../support/oauth-upstream/connect.ts'
import type { OauthUpstream } from '../support/oauth-upstream/model.ts'
import { callOnce } from '../support/oauth-upstream/room.ts'
import { startOauthUpstream } from '../support/oauth-upstream/start.ts'
import { isSigned, type Receiver, startReceiver } from '../webhook-room.ts'

const MCP = '/access/ai-controls/mcp'

let portal: TestPortal
let upstream: OauthUpstream
let receiver: Receiver
beforeAll(async () => {
  portal = await startTestPortal()
  upstream = await startOauthUpstream()
  receiver = await startReceiver()
})
afterAll(async () => {
  await portal?.close()
  await upstream?.close()
  await receiver?.close()
})

async function must<T>(method: string, path: string, body?: unknown): Promise<T> {
  const answer = await portal.api<T>(method, path, body)
  expect(answer.body.errors).toEqual([])
  return answer.body.result
}

// [NOTICE-8]
test('a shared account that is taken back is told of at the first call that meets it, signed, in the audit too, and once', async () => {
  const hook = { name: 'On call', url: receiver.url, allow_private: [receiver.place] }
  const { secret } = await must<{ secret: string }>('POST', '/webhooks', hook)
  const server = { id: 'notes', name: 'Notes', hostname: upstream.url, auth_type: 'oauth' }
  await must('POST', `${MCP}/servers`, server)
  await must('PUT', `${MCP}/portals/default`, { servers: [{ server_id: 'notes', on_behalf: false }] })
  const { url: link } = await must<{ url: string }>('POST', `${MCP}/servers/notes/authorize`, {})
  const done = await connectAs(new Person(portal.url), { link, account: 'robot' })
  expect([done.status, done.text]).toEqual([200, expect.stringContaining('used for everyone')])
  await must('POST', `${MCP}/servers/notes/sync`)
  const [token, other] = [await portal.userToken('ada@acme.test'), await portal.userToken('bob@acme.test')]
  expect(await callOnce(portal.url, token, 'notes_whoami')).toEqual({ text: 'robot', problem: null })
  expect(receiver.received).toEqual([])

  upstream.revoke('robot')
  for (const one of [token, other]) expect((await callOnce(portal.url, one, 'notes_whoami')).text).toBeNull()
  await receiver.until(1)
  const [got] = receiver.received
  if (got === undefined) throw new Error('nothing came')
  expect(isSigned(got, secret)).toBe(true)
  expect(JSON.parse(got.body)).toMatchObject({
    type: 'connection.needs_reauth',
    data: { server: { id: 'notes', name: 'Notes' }, connection: { owner: 'admin' }, reason: 'revoked' },
  })
  const rows = await must<object[]>('GET', `${MCP}/logs?method=connection.needs_reauth&phase=ended`)
  expect(rows).toMatchObject([{ server: 'notes', change: { object: 'connection', fields: ['revoked'] } }])
  expect(receiver.received).toHaveLength(1)
  for (const one of upstream.secrets) expect(got.body).not.toContain(one)
})
