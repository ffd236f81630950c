/**
 * Whatever the policies are, no surface lists or reaches what they deny, and every surface has what they allow: random policies, a
 * second and simple opinion of what they mean, and what the servers themselves write down.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type EventStream, openEventStream } from '../event-stream.ts'
import { chanceOf } from '../fuzz/chance.ts'
import { ask2026, messageOf, open2025, type RawAnswer, request2026, send } from '../raw-mcp.ts'
import { isListed, isNamed, mayEnter, type RuleSet, randomRules } from '../support/naive-policy.ts'
import { openPolicyRoom, type PolicyRoom, SERVERS, type TestCaller } from '../support/policy-room.ts'
import { allTries, fateOf, listsAt, mountOf, type Try, WHOLE } from '../support/surfaces.ts'
import { listen2026 as watch2026 } from '../watching.ts'

const SEED = Number(process.env.PORTICO_TEST_SEED ?? 20260)
const SETS = Number(process.env.PORTICO_TEST_SETS ?? 30)
/** Of several hundred tries, for each caller and set. */
const TRIES = 70
const AT_ONCE = 8

type Ask = (at: string, method: string, params: Record<string, unknown>) => Promise<RawAnswer>

interface Client {
  caller: TestCaller
  eras: Readonly<Record<'2025' | '2026', Ask>>
  batch(tries: readonly Try[]): Promise<RawAnswer>
  ears: readonly Ear[]
}

/** An open stream and what it must have heard. */
interface Ear {
  open(): Promise<EventStream>
  stream: EventStream | null
  /** By notification. */
  due: Map<string, number>
}

const HEARD = {
  'notifications/tools/list_changed': ['tools/list'],
  'notifications/prompts/list_changed': ['prompts/list'],
  'notifications/resources/list_changed': ['resources/list', 'resources/templates/list'],
} as const
type Heard = keyof typeof HEARD

let room: PolicyRoom
let clients: Client[]
/** What an unknown name gets, by era, place and method. */
const nothing = new Map<string, string>()

const OPEN: RuleSet = {
  portal: [{ decision: 'bypass', include: [{ everyone: {} }], require: [], exclude: [], capabilities: null }],
  servers: {},
}

beforeAll(async () => {
  room = await openPolicyRoom()
  await room.rewrite(OPEN)
  clients = await Promise.all(['ada@acme.test', 'bob@other.test', 'robot'].map(openClient))
})
afterAll(async () => {
  for (const { stream } of clients?.flatMap(({ ears }) => ears) ?? []) stream?.close()
  await room?.close()
})

async function openClient(name: string): Promise<Client> {
  const caller = await room.caller(name)
  const { url } = room.portal
  const places = [WHOLE, ...SERVERS.map(mountOf)]
  const opened = await Promise.all(places.map(async (at) => [at, await open2025(url + at, caller.raw)] as const))
  const sessions = new Map(opened)
  const old = await open2025(url + WHOLE, caller.raw, '2025-03-26')
  const listening = await open2025(url + WHOLE, caller.raw)
  return {
    caller,
    eras: {
      2025: (at, method, params) => must(sessions.get(at)).ask(method, params),
      2026: (at, method, params) => ask2026(url + at, caller.raw, method, params),
    },
    batch: (tries) =>
      send(
        url + WHOLE,
        tries.map(({ method, params }, id) => ({ jsonrpc: '2.0', id, method, params })),
        old.headers,
      ),
    ears: [
      earOf(() => openEventStream(url + WHOLE, { headers: { ...listening.headers, accept: 'text/event-stream' } })),
      earOf(() => openEventStream(url + WHOLE, listen2026(caller))),
    ],
  }
}

function listen2026({ raw }: TestCaller): RequestInit {
  const method = 'subscriptions/listen'
  const notifications = { toolsListChanged: true, promptsListChanged: true, resourcesListChanged: true }
  const headers = {
    ...{ 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
    ...{ 'mcp-protocol-version': '2026-07-28', 'mcp-method': method, ...raw.credentials },
  }
  return { method: 'POST', headers, body: JSON.stringify(request2026(method, { notifications }, 'ear')) }
}

function earOf(open: Ear['open']): Ear {
  return { open, stream: null, due: new Map() }
}

function must<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('it is not there')
  return value
}

/** What of an answer depends on neither the name that was asked for nor the clock. */
function shapeOf(answer: RawAnswer, name: string): string {
  const passing = new Set(['date', 'content-length', 'mcp-session-id', 'connection', 'keep-alive'])
  const headers = [...answer.headers].filter(([key]) => !passing.has(key))
  return JSON.stringify([answer.status, headers, answer.text.replaceAll(JSON.stringify(name).slice(1, -1), 'NAME')])
}

async function shapeOfNothing({ eras }: Client, era: '2025' | '2026', { at, method, params, named }: Try) {
  const key = [era, at, method, named.includes('://')].join()
  const known = nothing.get(key)
  if (known !== undefined) return known
  const name = named.includes('://') ? 'zeta://nowhere' : 'zeta_nothing'
  const asked = JSON.parse(JSON.stringify(params).replaceAll(JSON.stringify(named), JSON.stringify(name)))
  const shape = shapeOf(await eras[era](at, method, asked), name)
  nothing.set(key, shape)
  return shape
}

/** All pages of one list. */
async function listed(ask: Ask, at: string, method: string): Promise<string[]> {
  const all: string[] = []
  for (let cursor: unknown; ; ) {
    const { result = {} } = messageOf(await ask(at, method, cursor === undefined ? {} : { cursor }))
    const { nextCursor, ...rest } = result
    const items = (rest.tools ?? rest.prompts ?? rest.resources ?? rest.resourceTemplates) as Record<string, string>[]
    all.push(...items.map(({ uri, uriTemplate, name }) => uri ?? uriTemplate ?? name ?? ''))
    if (nextCursor === undefined) return all.filter((name) => !name.startsWith('portal_'))
    cursor = nextCursor
  }
}

function namesFor(rules: RuleSet, caller: TestCaller, at: string, method: string): string[] {
  const things = listsAt(at)[method] ?? []
  return things.flatMap(([name, thing]) => (isListed(rules, caller, thing) ? [name] : []))
}

/** @returns what must have reached the servers by then */
async function drive(client: Client, rules: RuleSet, tries: readonly Try[]): Promise<string[]> {
  const done: string[] = []
  const work = tries.map((one, index) => ({ one, era: index % 2 === 0 ? ('2025' as const) : ('2026' as const) }))
  while (work.length > 0) {
    await Promise.all(
      work.splice(0, AT_ONCE).map(async ({ one, era }) => {
        const answer = await client.eras[era](one.at, one.method, one.params)
        const fate = fateOf(one, rules, client.caller)
        expect(await fateSeen(client, era, one, answer), describeTry(one, era, client)).toBe(fate)
        if (fate === 'done') done.push(one.reaches)
      }),
    )
  }
  return done
}

const describeTry = ({ at, method, params }: Try, era: string, { caller }: Client) =>
  `${caller.name} in ${era} at ${at}: ${method} ${JSON.stringify(params)}`

async function fateSeen(client: Client, era: '2025' | '2026', one: Try, answer: RawAnswer): Promise<string> {
  if (shapeOf(answer, one.named) === (await shapeOfNothing(client, era, one))) return 'unknown'
  return fateIn(messageOf(answer))
}

function fateIn({ result, error }: ReturnType<typeof messageOf>): string {
  if (result !== undefined && result.isError !== true) return 'done'
  const told = error?.message ?? JSON.stringify(result)
  return told.includes('A policy') ? 'told' : told
}

async function driveLists({ eras, caller }: Client, rules: RuleSet): Promise<void> {
  for (const era of ['2025', '2026'] as const) {
    const answer = await eras[era](WHOLE, 'tools/call', { name: 'portal_list_servers', arguments: {} })
    const { structuredContent } = messageOf(answer).result ?? {}
    const { servers } = structuredContent as { servers: { id: string }[] }
    const want = SERVERS.filter((id) => isNamed(rules, caller, id))
    expect(
      servers.map(({ id }) => id),
      `${caller.name} in ${era}: servers`,
    ).toEqual(want)
  }
  for (const at of [WHOLE, ...SERVERS.map(mountOf)]) {
    for (const method of Object.keys(listsAt(at))) {
      const want = namesFor(rules, caller, at, method)
      for (const era of ['2025', '2026'] as const) {
        expect(await listed(eras[era], at, method), `${caller.name} in ${era} at ${at}: ${method}`).toEqual(want)
      }
    }
  }
}

/** What may be heard of is what may be read, each URI by itself. */
async function driveSubscriptions({ caller }: Client, rules: RuleSet, tries: readonly Try[]): Promise<void> {
  const reads = new Map(
    tries.filter(({ at, method }) => at === WHOLE && method === 'resources/read').map((one) => [one.named, one]),
  )
  const want = [...reads.values()].filter((one) => fateOf(one, rules, caller) === 'done').map(({ named }) => named)
  const { acknowledged, stream } = await watch2026(`${room.portal.url}${WHOLE}`, caller.raw.credentials, [
    ...reads.keys(),
  ])
  stream.close()
  expect(acknowledged(), `${caller.name} listens`).toEqual(want)
}

/** Each member of a batch is judged by itself. */
async function driveBatch(client: Client, rules: RuleSet, tries: readonly Try[]): Promise<string[]> {
  const answers = JSON.parse((await client.batch(tries)).text) as ReturnType<typeof messageOf>[]
  return tries.flatMap((one, index) => {
    const fate = fateOf(one, rules, client.caller)
    const seen = fateIn(must(answers[index]))
    const unknown = /^(Unknown|Resource not found)/.test(seen) ? 'unknown' : seen
    expect(unknown, describeTry(one, 'a batch', client)).toBe(fate)
    return fate === 'done' ? [one.reaches] : []
  })
}

/** Who may not be here hears one answer to everything, and what was open is closed. */
async function driveShut({ eras, ears, caller }: Client, tries: readonly Try[]): Promise<void> {
  for (const { at, method, params } of tries.slice(0, 12)) {
    for (const era of ['2025', '2026'] as const) {
      expect((await eras[era](at, method, params)).status, `${caller.name} in ${era}: ${method}`).toBe(403)
    }
  }
  for (const ear of ears) {
    await ear.stream?.ended
    ear.stream = null
  }
}

/** What each open stream must have heard after the change, and that it has. */
async function heed({ ears, caller }: Client, before: RuleSet, now: RuleSet): Promise<void> {
  for (const ear of ears) {
    if (ear.stream === null) continue
    for (const [notification, methods] of Object.entries(HEARD)) {
      const changed = methods.some((method) => {
        const [was, is] = [before, now].map((rules) => namesFor(rules, caller, WHOLE, method).join())
        return was !== is
      })
      if (changed) ear.due.set(notification, (ear.due.get(notification) ?? 0) + 1)
    }
    await ear.stream.until(() => isHeard(ear))
  }
}

function isHeard(ear: Ear): boolean {
  return Object.keys(HEARD).every(
    (notification) => heardBy(ear, notification as Heard) >= (ear.due.get(notification) ?? 0),
  )
}

function heardBy({ stream }: Ear, notification: Heard): number {
  return stream?.messages.filter(({ method }) => method === notification).length ?? 0
}

/** Nothing more than was due: what is not the caller's is not even hinted at. */
function heardNoMore({ ears, caller }: Client): void {
  for (const ear of ears) {
    if (ear.stream === null) continue
    for (const notification of Object.keys(HEARD)) {
      const heard = heardBy(ear, notification as Heard)
      expect(heard, `${caller.name} heard ${notification}`).toBe(ear.due.get(notification) ?? 0)
    }
  }
}

async function listen({ ears }: Client): Promise<void> {
  for (const ear of ears) {
    if (ear.stream !== null) continue
    ear.due = new Map()
    ear.stream = await ear.open()
    expect(ear.stream.status).toBe(200)
  }
}

// [SURFACE-1]
test(`no surface lists or reaches what ${SETS} random sets of policies deny, and each has what they allow (seed ${SEED})`, async () => {
  const chance = chanceOf(SEED)
  const all = allTries()
  let before = OPEN
  const fates = { shut: 0, done: 0, unknown: 0, told: 0 }
  for (const client of clients) await listen(client)
  for (let set = 0; set < SETS; set++) {
    const rules = randomRules(chance, SERVERS)
    const plans = clients.map((client) => ({
      client,
      tries: Array.from({ length: TRIES }, () => chance.pick(all)),
      batch: Array.from({ length: 8 }, () => chance.pick(all.filter(({ at }) => at === WHOLE))),
    }))
    await room.rewrite(rules)
    room.taken()
    const reached = await Promise.all(
      plans.map(async ({ client, tries, batch }) => {
        if (!mayEnter(rules, client.caller)) {
          fates.shut++
          await driveShut(client, tries)
          return []
        }
        await heed(client, before, rules)
        await driveLists(client, rules)
        await driveSubscriptions(client, rules, all)
        const done = [...(await drive(client, rules, tries)), ...(await driveBatch(client, rules, batch))]
        for (const one of tries) fates[fateOf(one, rules, client.caller)]++
        heardNoMore(client)
        await listen(client)
        return done
      }),
    )
    expect(room.taken(), `set ${set} of seed ${SEED}: ${JSON.stringify(rules)}`).toEqual(reached.flat().sort())
    before = rules
  }
  // The proof is of something only where each happens often.
  expect(Math.min(fates.done, fates.unknown)).toBeGreaterThan(SETS * 10)
  expect(Math.min(fates.shut, fates.told)).toBeGreaterThan(SETS / 10)
})
