/**
 * Who may hear that a resource changed: whoever may read it, at each moment. What may not be read, or is not there, is unknown in the same
 * bytes; what is taken away is not told any more, and not followed at its server either.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { AuditRow } from '../../src/audit/event.ts'
import { LIMITS } from '../../src/config/limits.ts'
import { startTestPortal, type TestPortal } from '../portal.ts'
import { ask2026, bearer, messageOf, open2025 } from '../raw-mcp.ts'
import { startWatchedServer, type WatchedServer } from '../watched-server.ts'
import { type Listener, listen2026, type Session2025, session2025 } from '../watching.ts'

const MCP = '/access/ai-controls/mcp'
const ONE = 'watched://book/one'
const TWO = 'watched://book/two'
const PAGE = 'watched://book/one/page/7'
const PATIENCE = { timeout: 10_000, interval: 20 }
const ERAS = ['modern', 'legacy'] as const

let portal: TestPortal
let everybody: string
let token: string
let quiet: WatchedServer
const servers = new Map<string, WatchedServer>()
const open: { stream: { close(): void } }[] = []
let people = 0

beforeAll(async () => {
  portal = await startTestPortal()
  for (const era of ERAS) servers.set(era, await startWatchedServer(era))
  quiet = await startWatchedServer('modern', 0, false)
  await portal.furnish([...ERAS.map((id) => ({ id, url: found(id).url })), { id: 'quiet', url: quiet.url }])
  everybody = await policy({ name: 'Everybody', decision: 'allow', include: [{ everyone: {} }] })
})
beforeEach(async () => {
  await decide(everybody)
  token = await portal.userToken(`person-${people++}@acme.test`)
})
afterEach(async () => {
  for (const { stream } of open.splice(0)) stream.close()
  // Who is gone is followed for nobody.
  for (const server of servers.values()) await expect.poll(() => server.listened(), PATIENCE).toEqual([])
})
afterAll(async () => {
  await portal?.close()
  await Promise.all([...servers.values(), quiet].map((server) => server?.stop()))
})

const found = (era: string) => servers.get(era) as WatchedServer
const at = (server: string) => `${portal.url}/p/default/s/${server}/mcp`
const opened = <T extends Listener | Session2025>(one: T): T => {
  open.push(one)
  return one
}
const listen = async (server: string, uris: readonly unknown[]) => opened(await listen2026(at(server), token, uris))
const session = async (server: string) => opened(await session2025(at(server), token))

async function must<T>(method: string, path: string, body?: unknown): Promise<T> {
  const answer = await portal.api<T>(method, path, body)
  if (!answer.body.success) throw new Error(`${method} ${path}: ${JSON.stringify(answer.body)}`)
  return answer.body.result
}
const policy = async (body: Record<string, unknown>) =>
  (await must<{ id: string }>('POST', '/access/policies', body)).id
const decide = (...policies: string[]) => must('PUT', `${MCP}/portals/default`, { policies })
const denied = (...names: string[]) =>
  policy({
    ...{ name: `No ${names.join()}`, decision: 'deny', include: [{ everyone: {} }] },
    ...{ capabilities: [{ kinds: ['resource', 'template'], names }] },
  })

describe.each(ERAS)('at a server that is %s', (server) => {
  // [SUB-2]
  test('what is forbidden and what is unknown are the same bytes as in a read, and the same silence in a listen', async () => {
    await decide(await denied(ONE, 'watched://note/{name}'), everybody)
    const ada = await session(server)
    const without = (text: string, uri: string) => text.replaceAll(uri, 'URI')
    const answers = new Set<string>()
    for (const uri of [ONE, 'watched://book/none', 'watched://note/a', 'other://thing'])
      for (const method of ['resources/subscribe', 'resources/unsubscribe', 'resources/read'])
        answers.add(without((await ada.ask(method, { uri })).text, uri))
    expect(answers.size).toBe(1)
    expect([...answers][0]).toContain('-32002')
    const bob = await listen(server, [ONE, 'watched://book/none', 'watched://note/a', TWO, 7, null])
    expect(bob.acknowledged()).toEqual([TWO])
    expect(found(server).listened()).toEqual([TWO])
  })

  // [SUB-2] [SUB-6]
  test('a deny ends what was followed, at the server too, and no frame comes after it', async () => {
    const [ada, bob] = [await session(server), await listen(server, [ONE, TWO])]
    for (const uri of [ONE, TWO]) await ada.ask('resources/subscribe', { uri })
    const change = () => {
      for (const uri of [ONE, TWO]) found(server).change(uri)
    }
    change()
    await Promise.all([ada.untilTold(2), bob.untilTold(2)])
    await decide(await denied(ONE), everybody)
    // From the very next message on, whoever still listens there.
    change()
    await Promise.all([ada.untilTold(3), bob.untilTold(3)])
    await expect.poll(() => found(server).listened(), PATIENCE).toEqual([TWO])
    change()
    await Promise.all([ada.untilTold(4), bob.untilTold(4)])
    for (const { told } of [ada, bob]) expect(told().slice(2)).toEqual([TWO, TWO])
    await decide(everybody)
    await expect.poll(() => found(server).listened(), PATIENCE).toEqual([ONE, TWO])
    found(server).change(ONE)
    await Promise.all([ada.untilTold(5), bob.untilTold(5)])
    expect([ada.told()[4], bob.told()[4]]).toEqual([ONE, ONE])
  })

  // [SUB-6]
  test('what its caller switches off is not followed, and is again when it is switched on', async () => {
    const url = `${portal.url}/mcp`
    const ada = opened(await session2025(url, token))
    // Both servers have it, and the first one of the portal is its owner.
    if (server === 'legacy') await must('PUT', `${MCP}/portals/default`, { servers: [{ server_id: 'legacy' }] })
    try {
      await ada.ask('resources/subscribe', { uri: ONE })
      await expect.poll(() => found(server).listened(), PATIENCE).toEqual([ONE])
      const toggle = (action: string) =>
        ada.ask('tools/call', {
          name: 'portal_toggle_single_server',
          arguments: { server_id: server, action },
        })
      await toggle('untoggle')
      await expect.poll(() => found(server).listened(), PATIENCE).toEqual([])
      await toggle('toggle')
      await expect.poll(() => found(server).listened(), PATIENCE).toEqual([ONE])
      found(server).change(ONE)
      await ada.untilTold(1)
      expect(new Set(ada.told())).toEqual(new Set([ONE]))
    } finally {
      const all = [...ERAS, 'quiet'].map((server_id) => ({ server_id }))
      await must('PUT', `${MCP}/portals/default`, { servers: all })
    }
  })

  test('a server that is taken out of the portal is not followed any more', async () => {
    const bob = await listen(server, [ONE])
    expect(found(server).listened()).toEqual([ONE])
    const rest = [...ERAS, 'quiet'].filter((id) => id !== server).map((server_id) => ({ server_id }))
    await must('PUT', `${MCP}/portals/default`, { servers: rest })
    try {
      await expect.poll(() => found(server).listened(), PATIENCE).toEqual([])
      found(server).change(ONE)
      expect(bob.told()).toEqual([])
    } finally {
      await must('PUT', `${MCP}/portals/default`, { servers: [...ERAS, 'quiet'].map((server_id) => ({ server_id })) })
    }
  })

  // [SUB-6]
  test('a resource that is held for an admin is not followed, nor told of', async () => {
    const bob = await listen(server, [TWO, PAGE])
    expect(found(server).listened().sort()).toEqual([PAGE, TWO].sort())
    await must('PUT', `${MCP}/servers/${server}`, { definitions: 'hold_changed' })
    found(server).redescribe(PAGE)
    await must('POST', `${MCP}/servers/${server}/sync`)
    await expect.poll(() => found(server).listened(), PATIENCE).toEqual([TWO])
    for (const uri of [PAGE, TWO]) found(server).change(uri)
    await bob.untilTold(1)
    expect(bob.told()).toEqual([TWO])
    await must('PUT', `${MCP}/servers/${server}`, { definitions: 'auto' })
    await must('POST', `${MCP}/servers/${server}/sync`)
  })

  // [SUB-6]
  test('what a policy wants others to agree to is not told to who cannot be asked, and nobody is asked', async () => {
    const asking = await policy({
      ...{ name: 'With approval', decision: 'allow', include: [{ everyone: {} }], approval_required: true },
      approval_groups: [{ approvals_needed: 1, email_addresses: ['boss@acme.test'] }],
      capabilities: [{ kinds: ['resource'], names: [ONE] }],
    })
    const [ada, before] = [await session(server), await listen(server, [ONE])]
    await ada.ask('resources/subscribe', { uri: ONE })
    await decide(asking, everybody)
    await expect.poll(() => found(server).listened(), PATIENCE).toEqual([])
    expect((await listen(server, [ONE, TWO])).acknowledged()).toEqual([TWO])
    const { error } = messageOf(await ada.ask('resources/subscribe', { uri: ONE }))
    expect(error?.message).toContain('Nothing was done.')
    found(server).change(ONE)
    expect([ada.told(), before.told()]).toEqual([[], []])
    expect(await must('GET', '/access/approvals?status=pending')).toEqual([])
  })

  // [SUB-6]
  test('each URI is a deed of its own in the audit, as a read of it would be', async () => {
    const ada = await session(server)
    await ada.ask('resources/subscribe', { uri: TWO })
    await listen(server, [ONE, 'watched://none'])
    const actor = `person-${people - 1}@acme.test`
    const rows = await must<AuditRow[]>('GET', `${MCP}/logs?${new URLSearchParams({ phase: 'ended', actor })}`)
    const subscribed = rows.filter(({ method }) => method === 'resources/subscribe')
    const told = subscribed.map(({ capability, outcome, server }) => [capability, outcome, server])
    expect(told.sort()).toEqual(
      [
        [ONE, 'answered', server],
        [TWO, 'answered', server],
        ['watched://none', 'refused', undefined],
      ].sort(),
    )
    const listened = rows.find(({ method }) => method === 'subscriptions/listen')
    expect(subscribed.filter(({ parent }) => parent === listened?.deed)).toHaveLength(2)
  })
})

// [SUB-2]
test('what is below a resource is told by its name to who may read that as well, and else as the resource itself', async () => {
  const [ada, bob] = [await session('legacy'), await listen('legacy', [ONE])]
  await ada.ask('resources/subscribe', { uri: ONE })
  found('legacy').change(PAGE, ONE)
  await Promise.all([ada.untilTold(1), bob.untilTold(1)])
  expect([ada.told(), bob.told()]).toEqual([[PAGE], [PAGE]])
  await decide(await denied(PAGE), everybody)
  found('legacy').change(PAGE, ONE)
  // Of what no server of theirs lists, they hear as little.
  await Promise.all([ada.untilTold(2), bob.untilTold(2)])
  found('legacy').change(`${ONE}/unlisted`, ONE)
  await Promise.all([ada.untilTold(3), bob.untilTold(3)])
  expect([ada.told(), bob.told()]).toEqual([
    [PAGE, ONE, ONE],
    [PAGE, ONE, ONE],
  ])
})

// [SUB-1]
test('that resources can be subscribed to is declared exactly where one of the caller’s servers says so', async () => {
  const declared = async (server: string) => {
    const { opened } = await open2025(at(server), bearer(token))
    const discovered = messageOf(await ask2026(at(server), bearer(token), 'server/discover')).result
    const resources = [messageOf(opened).result, discovered].map(
      (result) => (result?.capabilities as { resources?: unknown } | undefined)?.resources,
    )
    expect(resources[0]).toEqual(resources[1])
    return resources[0]
  }
  for (const era of ERAS) expect(await declared(era)).toEqual({ listChanged: true, subscribe: true })
  expect(await declared('quiet')).toEqual({ listChanged: true })
  const ada = await session('quiet')
  expect(messageOf(await ada.ask('resources/subscribe', { uri: ONE })).error).toMatchObject({ code: -32602 })
  expect((await listen('quiet', [ONE])).acknowledged()).toEqual([])
  expect(quiet.asked()).toBe(0)
})

test('a session has so many subscriptions and no more, and a listener its first ones', async () => {
  const most = LIMITS.resource_subscriptions.value
  const uris = Array.from({ length: most + 1 }, (_, i) => `watched://note/${i}`)
  const ada = await session('legacy')
  for (const uri of uris.slice(0, most)) {
    const { result } = messageOf(await ada.ask('resources/subscribe', { uri }))
    expect(result).toEqual({})
  }
  const last = uris.at(-1)
  expect(messageOf(await ada.ask('resources/subscribe', { uri: last })).error?.message).toContain(`${most} resources`)
  // Once more is none more, and one less is room for another.
  expect(messageOf(await ada.ask('resources/subscribe', { uri: uris[0] })).result).toEqual({})
  await ada.ask('resources/unsubscribe', { uri: uris[0] })
  expect(messageOf(await ada.ask('resources/subscribe', { uri: last })).result).toEqual({})
  expect((await listen('modern', [...uris, ...uris])).acknowledged()).toEqual(uris.slice(0, most))
})

test('a server that says nothing keeps no listener waiting for longer, and nobody else', async () => {
  const silent = await startWatchedServer('legacy')
  try {
    await portal.furnish([{ id: 'silent', url: silent.url }])
    const servers = [...ERAS, 'quiet', 'silent'].map((server_id) => ({ server_id }))
    await must('PUT', `${MCP}/portals/default`, { servers })
    silent.fallSilent()
    const waiting = listen('silent', [ONE])
    expect((await listen('modern', [ONE])).acknowledged()).toEqual([ONE])
    expect((await waiting).acknowledged()).toEqual([])
    const ada = await session('silent')
    expect(messageOf(await ada.ask('resources/subscribe', { uri: ONE })).result).toEqual({})
  } finally {
    await must('PUT', `${MCP}/portals/default`, { servers: [...ERAS, 'quiet'].map((server_id) => ({ server_id })) })
    await silent.stop()
  }
})

test('what a session wants ends with the session', async () => {
  const ada = await session('modern')
  await ada.ask('resources/subscribe', { uri: ONE })
  expect(found('modern').listened()).toEqual([ONE])
  await fetch(at('modern'), { method: 'DELETE', headers: ada.headers })
  await ada.stream.ended
  await expect.poll(() => found('modern').listened(), PATIENCE).toEqual([])
})
