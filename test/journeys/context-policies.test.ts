/**
 * Searches, calls by name and code show and reach what a list and a call would, and nothing else: random policies, held against the second
 * opinion of `naive-policy`, and what the servers themselves write down. In both eras, at the portal and at one of its servers.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { guestName } from '../../src/portal/context/guest-names.ts'
import { chanceOf } from '../fuzz/chance.ts'
import { ask2026, messageOf, open2025, type RawAnswer } from '../raw-mcp.ts'
import { isListed, mayEnter, type RuleSet, randomRules } from '../support/naive-policy.ts'
import { openPolicyRoom, type PolicyRoom, SERVERS, type TestCaller } from '../support/policy-room.ts'
import { allTries, type Fate, fateOf, listsAt, mountOf, type Try, WHOLE } from '../support/surfaces.ts'

const SEED = Number(process.env.PORTICO_TEST_SEED ?? 20268)
const SETS = Number(process.env.PORTICO_TEST_SETS ?? 8)
/** Of each kind, for each caller and set. */
const TRIES = 12
const PLACES = [WHOLE, mountOf('beta')]
const MODES = {
  names: '?optimize_context=minimize_tools',
  search: '?optimize_context=search_and_execute',
  code: '?codemode=search_and_execute',
} as const
type ModeName = keyof typeof MODES
type EraName = '2025' | '2026'

/** Calls one of the portal's own tools. */
type Use = (where: Where, name: string, args: Record<string, unknown>) => Promise<RawAnswer>

interface Where {
  era: EraName
  at: string
  mode: ModeName
}

interface Client {
  caller: TestCaller
  use: Use
}

/** Some calls of it pass, and no other. */
const LOOKS: RuleSet = {
  portal: [
    {
      ...{ decision: 'bypass', include: [{ everyone: {} }], require: [], exclude: [] },
      capabilities: [
        { names: ['write', 'wipe', 'read'], arguments: [{ pointer: '/path', equals: '/safe/a' }] },
        { names: ['list'], servers: ['alpha', 'beta'] },
      ],
    },
  ],
  servers: {},
}

let room: PolicyRoom
let clients: Client[]

const OPEN: RuleSet = {
  portal: [{ decision: 'bypass', include: [{ everyone: {} }], require: [], exclude: [], capabilities: null }],
  servers: {},
}

beforeAll(async () => {
  room = await openPolicyRoom()
  await room.rewrite(OPEN)
  clients = await Promise.all(['ada@acme.test', 'bob@other.test', 'robot'].map(openClient))
})
afterAll(async () => room?.close())

async function openClient(name: string): Promise<Client> {
  const caller = await room.caller(name)
  const urlOf = ({ at, mode }: Pick<Where, 'at' | 'mode'>) => `${room.portal.url}${at}${MODES[mode]}`
  const sessions = new Map<string, Awaited<ReturnType<typeof open2025>>>()
  for (const at of PLACES) {
    for (const mode of Object.keys(MODES) as ModeName[]) {
      const url = urlOf({ at, mode })
      sessions.set(url, await open2025(url, caller.raw))
    }
  }
  return {
    caller,
    async use({ era, ...where }, name, args) {
      const [url, params] = [urlOf(where), { name, arguments: args }]
      if (era === '2026') return ask2026(url, caller.raw, 'tools/call', params)
      const session = sessions.get(url)
      if (session === undefined) throw new Error(`no session at ${url}`)
      return session.ask('tools/call', params)
    },
  }
}

interface Said {
  text: string
  isError: boolean
}

function saidIn(answer: RawAnswer): Said {
  const { result, error } = messageOf(answer)
  if (result === undefined) throw new Error(`no result: ${JSON.stringify(error)}`)
  const [{ text = '' } = {}] = (result.content ?? []) as { text?: string }[]
  return { text, isError: result.isError === true }
}

const everyWhere = (modes: readonly ModeName[]): Where[] =>
  (['2025', '2026'] as const).flatMap((era) => PLACES.flatMap((at) => modes.map((mode) => ({ era, at, mode }))))

/** What a search must find there. @returns names as they are listed */
function mayFind(rules: RuleSet, caller: TestCaller, at: string): string[] {
  const tools = listsAt(at)['tools/list'] ?? []
  return tools.flatMap(([name, thing]) => (isListed(rules, caller, thing) ? [name] : []))
}

/** The name that each line of an answer begins with. */
function namesIn({ text }: Said): { count: string; names: string[] } {
  const [count = '', ...lines] = text.split('\n')
  const named = lines.map((line) => /^(?:\/\*\*.*?\*\/\s*|\{"name":")?([\w-]+)(?:\(|")/.exec(line)?.[1])
  return { count, names: named.filter((name) => name !== undefined) }
}

const SEARCHES: readonly Record<string, unknown>[] = [
  { limit: 50 },
  { limit: 50, detail: 'full' },
  { limit: 50, regex: '.' },
  { limit: 50, regex: 'of (alpha|beta|gamma)', detail: 'full' },
]

/** All searches that could find everything, and one of words that some tools have. */
async function search({ caller, use }: Client, rules: RuleSet): Promise<void> {
  for (const where of everyWhere(['names', 'search', 'code'])) {
    const isCode = where.mode === 'code'
    const [tool, shown] = isCode
      ? (['portal_codemode_search', guestName] as const)
      : (['portal_query_tools', same] as const)
    const want = mayFind(rules, caller, where.at)
    const count = (found: number) => countLine(found, want.length)
    for (const input of SEARCHES) {
      const found = namesIn(saidIn(await use(where, tool, input)))
      const label = `${caller.name} ${JSON.stringify({ ...where, ...input })}`
      expect(found, label).toEqual({ count: count(want.length), names: want.map(shown) })
    }
    const writers = want.filter((name) => /(write|put|wipe)$/.test(name)).map(shown)
    const words = namesIn(saidIn(await use(where, tool, { query: 'write wipe', limit: 50 })))
    expect(words.names.sort(), `${caller.name} ${JSON.stringify(where)}: words`).toEqual(writers.sort())
    expect(words.count).toBe(count(writers.length))
    if (!isCode) continue
    const code = 'async () => (await codemode.tools()).map((tool) => tool.name)'
    expect(JSON.parse(saidIn(await use(where, tool, { code })).text)).toEqual(want.map(guestName))
    const own = saidIn(await use(where, 'portal_codemode_execute', { code: 'async () => Object.keys(codemode)' }))
    expect(JSON.parse(own.text)).toEqual(want.map(guestName))
  }
}

const same = (name: string) => name

function countLine(found: number, among: number): string {
  const tools = among === 1 ? '1 tool' : `${among} tools`
  return found === 0 ? `None of your ${tools} matches. Try other or fewer words.` : `${found} of your ${tools}:`
}

function shapeOf(answer: RawAnswer, name: string): string {
  const passing = new Set(['date', 'content-length', 'connection', 'keep-alive'])
  return JSON.stringify([
    answer.status,
    [...answer.headers].filter(([key]) => !passing.has(key)),
    answer.text.replaceAll(name, 'NAME'),
  ])
}

/** By name, or from code, whatever it is called there. */
function tryIt({ use }: Client, where: Where, { named, params }: Try): Promise<RawAnswer> {
  if (where.mode !== 'code') return use(where, 'portal_execute', { name: named, arguments: params.arguments })
  const code = `async () => codemode[${JSON.stringify(guestName(named))}](${JSON.stringify(params.arguments)})`
  return use(where, 'portal_codemode_execute', { code })
}

/** @returns what must have reached the servers by then */
async function drive(client: Client, rules: RuleSet, work: readonly (readonly [Where, Try])[]) {
  const { caller } = client
  const done: string[] = []
  const fates: Fate[] = []
  for (const [where, one] of work) {
    const seen = await tryIt(client, where, one)
    const nothing = await tryIt(client, where, { ...one, named: 'zeta_nothing' })
    const isUnknown = shapeOf(seen, nameIn(where, one)) === shapeOf(nothing, 'zeta_nothing')
    const fate = fateOf(one, rules, caller)
    const got = isUnknown
      ? 'unknown'
      : saidIn(seen).text.includes('A policy')
        ? 'told'
        : saidIn(seen).isError
          ? seen.text
          : 'done'
    expect(got, `${caller.name} ${JSON.stringify(where)}: ${one.named} ${JSON.stringify(one.params)}`).toBe(fate)
    fates.push(fate)
    if (fate === 'done') done.push(one.reaches)
  }
  return { done, fates }
}

const nameIn = ({ mode }: Where, { named }: Try) => (mode === 'code' ? guestName(named) : named)

/** Code knows tools by their public names alone, so bare ones are for calls by name. */
function triesAt(at: string, mode: ModeName): Try[] {
  const names = new Set((listsAt(at)['tools/list'] ?? []).map(([name]) => name))
  return allTries().filter(
    (one) => one.at === at && one.method === 'tools/call' && (mode === 'search' || names.has(one.named)),
  )
}

// [CONTEXT-1]
test(`no search, call by name or code finds or reaches what ${SETS} random sets of policies deny (seed ${SEED})`, async () => {
  const chance = chanceOf(SEED)
  const fates = { done: 0, unknown: 0, told: 0 }
  const places = everyWhere(['search', 'code']).map((where) => [where, triesAt(where.at, where.mode)] as const)
  for (let set = 0; set <= SETS; set++) {
    const rules = set === 0 ? LOOKS : randomRules(chance, SERVERS)
    const plans = clients.map((client) => ({
      client,
      work: Array.from({ length: TRIES }, () => {
        const [where, tries] = chance.pick(places)
        return [where, chance.pick(tries)] as const
      }),
    }))
    await room.rewrite(rules)
    room.taken()
    const reached = await Promise.all(
      plans.map(async ({ client, work }) => {
        if (!mayEnter(rules, client.caller)) {
          const [where] = work[0] ?? []
          if (where !== undefined) expect((await client.use(where, 'portal_list_servers', {})).status).toBe(403)
          return []
        }
        await search(client, rules)
        const driven = await drive(client, rules, work)
        for (const fate of driven.fates) fates[fate]++
        return driven.done
      }),
    )
    expect(room.taken(), `set ${set} of seed ${SEED}: ${JSON.stringify(rules)}`).toEqual(reached.flat().sort())
  }
  // The proof is of something only where each happens.
  expect(Math.min(fates.done, fates.unknown)).toBeGreaterThan(SETS)
  expect(fates.told).toBeGreaterThan(0)
})
