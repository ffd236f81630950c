/** Ways around an approval, and ways in which what waits could harm others. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type OpenClient, openAskedClient } from '../asked-clients.ts'
import { APPROVAL, type DemandRoom, giveWord, linkIn, openDemandRoom, try2026 } from '../demand-room.ts'
import { bearer } from '../raw-mcp.ts'
import { json, modern, result, type ScriptedServer, startScripted } from '../scripted-server.ts'

const MCP = '/access/ai-controls/mcp'
const DUMB = { elicitation: null }

let room: DemandRoom
let policy: string
const open: OpenClient[] = []
let slow: ScriptedServer
/** Lets the calls go that are under way at the slow server. */
const held: (() => void)[] = []

beforeAll(async () => {
  slow = await startScripted(
    modern((seen, response) => {
      held.push(() => json(response, result(seen, { resultType: 'complete', content: [] })))
    }),
  )
  room = await openDemandRoom({ limits: { connect_turn: 10_000, connect_wait: 60_000 } })
  policy = await room.guard(APPROVAL)
  const everybody = await room.api<{ id: string }>('POST', '/access/policies', {
    ...{ name: 'All', decision: 'allow', include: [{ everyone: {} }] },
  })
  await room.api('POST', `${MCP}/servers`, {
    ...{ id: 'slow', name: 'Slow', hostname: `${slow.origin}/mcp`, auth_type: 'unauthenticated' },
    policies: [everybody.id],
  })
  await room.api('POST', `${MCP}/servers/slow/sync`)
  const servers = ['handbook', 'ledger', 'slow'].map((id) => ({ server_id: id }))
  await room.api('PUT', `${MCP}/portals/default`, { servers })
})
afterAll(async () => {
  for (const go of held.splice(0)) go()
  await room?.close()
  await slow?.close()
})
afterEach(async () => {
  for (const client of open.splice(0)) await client.close()
})

let count = 0
async function fresh() {
  count++
  const email = `attacker-${count}@acme.test`
  const token = await room.home.portal.userToken(email)
  return { email, entry: `attack ${count}`, token, caller: bearer(token) }
}
const call = (entry: string) => ({ name: 'ledger_post', arguments: { entry } })
const posted = (entry: string) => room.ledger.posted.filter((one) => one === entry).length

/** A client of 2025 whose call waits, and the page that it waits for. */
async function waiting(token: string, entry: string) {
  const asked = Promise.withResolvers<string>()
  const client = await openAskedClient('SDK v2 of 2025', {
    ...{ url: `${room.url}/mcp`, token },
    answer: ({ url = '' }) => {
      asked.resolve(url)
      return 'accept'
    },
  })
  open.push(client)
  const done = client.call('ledger_post', { entry })
  done.catch(() => {})
  return { url: await asked.promise, done }
}

test('calls that wait for approval take no place among those that are under way', async () => {
  await room.api('PUT', `${MCP}/servers/ledger`, { limits: [{ per: 'all', concurrency: 1 }] })
  const { token, entry } = await fresh()
  const { url, done } = await waiting(token, entry)
  const other = await fresh()
  const counted = await try2026(room.url, other.caller, { name: 'ledger_count', arguments: {} }, DUMB)
  expect(counted).toMatchObject({ isError: false })
  await giveWord(room.ada, url, 'approve')
  expect(await done).toMatchObject({ isError: false })
  expect(posted(entry)).toBe(1)
  await room.api('PUT', `${MCP}/servers/ledger`, { limits: [] })
})

test('an approval is not used up by a call that finds no place among those under way', async () => {
  await room.api('PUT', `${MCP}/portals/default`, { limits: [{ per: 'all', concurrency: 1 }] })
  const { caller, entry } = await fresh()
  const other = await fresh()
  const asked = await try2026(room.url, caller, call(entry), DUMB)
  await giveWord(room.ada, linkIn(asked.text), 'approve')
  const slowly = try2026(room.url, other.caller, { name: 'slow_echo', arguments: {} }, DUMB)
  await expect.poll(() => held.length).toBe(1)
  const refused = await try2026(room.url, caller, call(entry), DUMB)
  expect(refused).toMatchObject({ isError: true, text: expect.stringContaining('1 call at a time') })
  expect((await room.rows('method=tools/call'))[0]).toMatchObject({ outcome: 'refused', error: 'limited' })
  held.pop()?.()
  await slowly
  expect(await try2026(room.url, caller, call(entry), DUMB)).toMatchObject({ isError: false })
  expect(posted(entry)).toBe(1)
  await room.api('PUT', `${MCP}/portals/default`, { limits: [] })
})

test('what is asked for under a policy that is gone waits for nobody', async () => {
  const { caller, entry } = await fresh()
  const passing = await room.guard(APPROVAL)
  const asked = await try2026(room.url, caller, call(entry), DUMB)
  policy = await room.guard(APPROVAL)
  await room.api('DELETE', `/access/policies/${passing}`)
  expect((await room.ada.open(linkIn(asked.text))).text).not.toContain('value="approve"')
})

test('who is the only one who could agree is told so, and nothing waits', async () => {
  const { email, entry, caller } = await fresh()
  await room.change(policy, {
    ...APPROVAL,
    approval_groups: [{ approvals_needed: 1, email_addresses: [email] }],
  })
  const told = await try2026(room.url, caller, call(entry))
  await room.change(policy, APPROVAL)
  expect(told).toMatchObject({ kind: null, isError: true, text: expect.stringContaining('too few who could') })
  expect(posted(entry)).toBe(0)
})

test('a call whose token is revoked while it waits is not made, whoever agreed', async () => {
  const { email, entry } = await fresh()
  const made = await room.api<{ id: string; token: string }>('POST', '/tokens/access', { email, portal: 'default' })
  const { url, done } = await waiting(made.token, entry)
  await room.api('DELETE', `/tokens/access/${made.id}`)
  await room.ada.submit(await room.ada.open(url), new URL(url).pathname, { word: 'approve' }).catch(() => undefined)
  await done.catch(() => {})
  expect(posted(entry)).toBe(0)
})

test('what nobody could read whole is put to nobody', async () => {
  const { caller } = await fresh()
  const entry = `${'x'.repeat(65_536)} and pay`
  const told = await try2026(room.url, caller, call(entry))
  expect(told).toMatchObject({ kind: null, isError: true, text: expect.stringContaining('65536 characters') })
  expect(posted(entry)).toBe(0)
})

test('what looks like nothing is shown on the page', async () => {
  const { caller } = await fresh()
  const asked = await try2026(room.url, caller, call('/srv/a\u3164\u034f\u{e0101}\u115f'), DUMB)
  const page = await room.ada.open(linkIn(asked.text))
  expect(page.text).toContain('/srv/a\\u3164\\u034f\\udb40\\udd01\\u115f')
})

test('what is asked of a server that is gone waits for nobody', async () => {
  const { caller, entry } = await fresh()
  const asked = await try2026(room.url, caller, call(entry), DUMB)
  const link = linkIn(asked.text)
  await room.api('PUT', `${MCP}/portals/default`, { servers: [{ server_id: 'handbook' }] })
  await room.api('DELETE', `${MCP}/servers/ledger`)
  expect((await room.ada.open(room.url)).text).not.toContain(new URL(link).pathname)
  const page = await room.ada.open(link)
  expect(page.text).not.toContain('value="approve"')
})
