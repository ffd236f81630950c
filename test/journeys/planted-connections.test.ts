/**
 * Every kind of credential that the portal holds at servers, at servers that repeat what they were shown wherever a text can stand. What
 * was planted is then looked for in all that the portal keeps, says and sends, in each form in which it may be written. In the result
 * of a call that succeeds only the live token is looked for, as it is: the rest is its server's own word to the caller.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DATABASE_KINDS, dumpPostgres } from '../databases.ts'
import { ask2026, bearer, open2025 } from '../raw-mcp.ts'
import { CALL_WAYS, type CallWay, TOKEN_WAYS } from '../support/echoing/model.ts'
import type { Secret } from '../support/echoing/planted.ts'
import { CONNECTED, openPlantedRoom, type PlantedRoom } from '../support/echoing/room.ts'
import { everyGet } from '../support/every-get.ts'

const KINDS = [
  ...['access_token', 'assertion', 'caller_token', 'client_assertion', 'client_secret', 'code', 'code_verifier'],
  ...['id_token', 'link', 'pasted', 'private_key', 'provider_secret', 'refresh_token', 'registration_access_token'],
  ...['state', 'webhook_secret'],
]

describe.each(DATABASE_KINDS)('on %s', (kind) => {
  const answers: string[] = []
  let room: PlantedRoom
  let url: string

  beforeAll(async () => {
    room = await openPlantedRoom(kind)
    url = `${room.parts.portal.url}/mcp`
    for (const id of CONNECTED) await room.connect(id)
    await room.paste()
    await room.connectShared()
    await room.sync()
    await room.listed(['company'], new Map())
    for (const way of ['good', ...CALL_WAYS] as const) await callAll(way)
    await renew()
    await tellTokens()
    await listTokens()
    await end()
  }, 240_000)
  afterAll(() => room?.close())

  /** In both eras, with progress and log messages asked for. */
  async function callAll(way: CallWay): Promise<void> {
    room.all({ callWay: way })
    const session = await open2025(url, bearer(room.token))
    await session.ask('logging/setLevel', { level: 'debug' })
    for (const id of room.servers.keys()) {
      const params = { name: `${id}_ask`, arguments: {} }
      const _meta = { progressToken: 'p', 'io.modelcontextprotocol/logLevel': 'debug' }
      answers.push((await ask2026(url, bearer(room.token), 'tools/call', { ...params, _meta })).text)
      answers.push((await session.ask('tools/call', { ...params, _meta: { progressToken: 'q' } })).text)
    }
    room.all({ callWay: 'good' })
  }

  function endAccess(): void {
    for (const one of room.servers.values()) one.endAccess()
  }

  /** In mid-call, and where the authorization server goes wrong in every way. */
  async function renew(): Promise<void> {
    endAccess()
    await callAll('JSON-RPC error')
    for (const way of TOKEN_WAYS) {
      room.all({ tokenWay: way })
      endAccess()
      await callAll('good')
      await room.connect('own')
      await room.sync()
    }
    room.all({ tokenWay: 'good' })
    for (const id of CONNECTED) await room.connect(id)
    await room.connectShared()
    await callAll('good')
  }

  /** What is shown of an account is the server's word too. */
  async function tellTokens(): Promise<void> {
    room.all({ tellsTokens: true })
    for (const id of CONNECTED) await room.connect(id)
    await room.connectShared()
    endAccess()
    await callAll('good')
  }

  async function listTokens(): Promise<void> {
    room.all({ listsEcho: true })
    const before = new Map(CONNECTED.map((id) => [id as string, room.lists(id)]))
    await room.sync()
    for (const id of CONNECTED) await room.connect(id)
    await room.listed(CONNECTED, before)
    const session = await open2025(url, bearer(room.token))
    answers.push(session.opened.text, await room.tools(), (await session.ask('tools/list')).text)
    await callAll('good')
  }

  async function end(): Promise<void> {
    await room.alice.open(room.parts.portal.url)
    room.all({ tokenWay: 'error' })
    const page = await room.alice.open(`${room.parts.portal.url}/connect/older`)
    await room.alice.submit(page, '/connect/older/disconnect')
  }

  /** What stands in a text, by the names of the texts. */
  function leaksIn(texts: Iterable<readonly [string, string]>, which?: (secret: Secret) => boolean): unknown[] {
    return [...texts]
      .map(([name, text]) => [name, room.planted.in(text, which)] as const)
      .filter(([, found]) => found.length > 0)
  }

  test('the servers were shown, and gave, every kind of credential, and calls came through', () => {
    expect([...new Set([...room.planted.all.values()].map((one) => one.kind))].sort()).toEqual(KINDS)
    expect(answers.filter((text) => text.includes('"done"')).length).toBeGreaterThan(30)
    expect(answers.filter((text) => text.includes('[redacted]')).length).toBeGreaterThan(60)
  })

  // [CRED-6] [CRED-8]
  test('no answer to an MCP client of either era holds one', () => {
    expect(leaksIn(answers.map((text) => [text, text] as const))).toEqual([])
  })

  test('no page, address or cookie that the portal sends holds one', () => {
    const { alice, admin } = room
    expect(alice.seen.length).toBeGreaterThan(60)
    const seen = [...alice.seen, ...admin.seen]
    // Who opened a link has it, and the form of its page carries it on.
    const which = (one: Secret) => one.kind !== 'link'
    expect(
      leaksIn(
        seen.map((text) => [text, text] as const),
        which,
      ),
    ).toEqual([])
  })

  // [CRED-3] [CRED-8]
  test('no answer of the API holds one', async () => {
    const all = await everyAnswer()
    for (const end of ['/connections', '/deliveries', '/logs', '/webhooks', '/servers/own'])
      expect([end, [...all.keys()].some((path) => path.endsWith(end))]).toEqual([end, true])
    expect(leaksIn(all)).toEqual([])
  })

  /** What is live has no end: as far as it shows rows. */
  async function firstRows({ body }: Response): Promise<string> {
    let text = ''
    const decoder = new TextDecoder()
    for await (const chunk of body ?? []) {
      text += decoder.decode(chunk, { stream: true })
      if (text.includes('event: row')) break
    }
    return text
  }

  /** Of all GET routes, with everything that there is in the place of names in braces. */
  async function everyAnswer(): Promise<Map<string, string>> {
    const { portal } = room.parts
    const headers = { authorization: `Bearer ${room.ownerToken()}` }
    const ask = async (path: string) => {
      const isLive = path.endsWith('/logs/stream')
      const response = await fetch(`${portal.url}${path}${isLive ? '?after=0' : ''}`, { headers })
      const body = isLive ? await firstRows(response) : await response.text()
      return JSON.stringify([...response.headers]) + body
    }
    const known = new Map<string, string>()
    for (const one of await everyGet(portal.url, { ask }))
      known.set(one, await ask(one.endsWith('/logs') ? `${one}?limit=1000` : one))
    return known
  }

  test('no command prints one', async () => {
    const commands = [['logs'], ['logs', '--json'], ['logs', '--csv'], ['doctor'], ['webhooks', 'list']]
    commands.push(['servers', 'list'], ['servers', 'list', '--json'])
    for (const id of room.servers.keys())
      commands.push(['servers', 'show', id], ['servers', 'show', id, '--json'], ['servers', 'connections', id])
    for (const argv of commands) {
      const out = await room.portico(...argv)
      expect([argv, out.length > 20, room.planted.in(out)]).toEqual([argv, true, []])
    }
  })

  // [CRED-1] [CRED-8]
  test('no other place is told one, and each side of a server only what is its own', async () => {
    const { elsewhere, receiver } = room.parts
    const told = (id: string, seen: readonly object[], isOwn: (one: Secret) => boolean) =>
      leaksIn(
        seen.map((request) => [`${id}: ${JSON.stringify(request).slice(0, 200)}`, JSON.stringify(request)] as const),
        (one) => !isOwn(one),
      )
    for (const [id, { mcp, issuerSite }] of room.servers) {
      expect(told(id, mcp.seen, ({ server, knows }) => server === id && knows === 'both')).toEqual([])
      expect(told(id, issuerSite.seen, ({ server, knows }) => server === id && knows !== 'nobody')).toEqual([])
    }
    await receiver.until(1)
    expect(told('webhook', receiver.received, () => false)).toEqual([])
    expect(elsewhere.seen).toEqual([])
  })

  // [CRED-2] [CRED-8]
  test('nothing that is written down holds one: log, audit, database and backup', async () => {
    const { portal, database } = room.parts
    expect(await room.portico('backup', 'b.portico')).toContain('keep a copy')
    await portal.end('SIGTERM')
    const places = new Map([['log', portal.output()]])
    places.set('backup', gunzipSync(readFileSync(join(dirname(portal.data), 'b.portico'))).toString('latin1'))
    for (const file of filesOf(portal.data)) places.set(file, readFileSync(file, 'latin1'))
    if (database !== null) places.set('dump', await dumpPostgres(database))
    const holding = [...places].filter(([, text]) => text.includes('Server older')).map(([place]) => place)
    expect(holding.length).toBeGreaterThan(1)
    if (database !== null) expect(holding).toContain('dump')
    expect(leaksIn(places)).toEqual([])
  })
})

function filesOf(dir: string): string[] {
  return readdirSync(dir).flatMap((name) => {
    const path = join(dir, name)
    if (statSync(path).isDirectory()) return filesOf(path)
    return statSync(path).isFile() ? [path] : []
  })
}
