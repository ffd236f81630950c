/** What is explained is what a call gets: random policies, real calls, and the explanation of each. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { chanceOf } from '../fuzz/chance.ts'
import { ask2026, messageOf, type RawAnswer } from '../raw-mcp.ts'
import { randomRules } from '../support/naive-policy.ts'
import { openPolicyRoom, type PolicyRoom, SERVERS, type TestCaller } from '../support/policy-room.ts'
import { allTries, type Try, WHOLE } from '../support/surfaces.ts'

const SEED = Number(process.env.PORTICO_TEST_SEED ?? 4711)
const SETS = 12
const TRIES = 12

const KINDS: Readonly<Record<string, string>> = {
  'tools/call': 'tool',
  'prompts/get': 'prompt',
  'resources/read': 'resource',
}
const tries = allTries().filter(({ at, method }) => at === WHOLE && method in KINDS)

let room: PolicyRoom
let callers: TestCaller[]

beforeAll(async () => {
  room = await openPolicyRoom()
  callers = await Promise.all(['ada@acme.test', 'bob@other.test', 'robot'].map((name) => room.caller(name)))
})
afterAll(() => room?.close())

function askOf({ named, method, params }: Try, { name, kind }: TestCaller) {
  return {
    ...(kind === 'user' ? { user: name } : { service_token: name }),
    ...{ capability: named, kind: KINDS[method], ip: '127.0.0.1' },
    ...(params.arguments === undefined ? {} : { arguments: params.arguments }),
  }
}

function isDone(answer: RawAnswer): boolean {
  if (answer.status !== 200) return false
  const { result } = messageOf(answer)
  return result !== undefined && result.isError !== true
}

interface Explained {
  verdict: string
  says: string
  would_change: string[]
  levels: { verdict: string; rule: string | null; rules: { policy: string; verdict: string }[] }[]
}

interface Overview {
  tools: { server: string; name: string; verdict: string; decided_by: { policy: string | null }[] }[]
}

const offered = { some: 0, none: 0 }

/** What the overview of a caller does not deny is what that caller lists; and one of its rows is what the explanation says of it. */
async function expectOverviewIsList({ name, kind, raw }: TestCaller, about: string, at: number): Promise<void> {
  const who = kind === 'user' ? { user: name } : { service_token: name }
  const query = new URLSearchParams({ ...who, ip: '127.0.0.1', per_page: '1000' } as Record<string, string>)
  const path = `/access/ai-controls/mcp/portals/default/access?${query}`
  const { tools } = (await room.portal.api<Overview>('GET', path)).body.result
  const answer = await ask2026(room.portal.url + WHOLE, raw, 'tools/list')
  const result = answer.status === 200 ? messageOf(answer).result : undefined
  const listed = ((result?.tools ?? []) as { name: string }[]).map((tool) => tool.name)
  const may = tools.filter(({ verdict }) => verdict !== 'denied').map((tool) => tool.name)
  expect(may.sort(), about).toEqual(listed.filter((tool) => !tool.startsWith('portal_')).sort())
  offered[may.length === 0 ? 'none' : 'some']++

  const one = tools[at % tools.length]
  const ask = { ...who, ip: '127.0.0.1', capability: one?.name, kind: 'tool' }
  const why = (await room.portal.api<Explained>('POST', '/access/policy-explanations', ask)).body.result
  const refusing = why.levels.filter(({ verdict }) => verdict === 'denied')
  // The portal's policies come first; what the server's say after a no of theirs decides nothing.
  const says = (refusing.length > 0 ? refusing.slice(0, 1) : why.levels).map(({ rule }) => rule)
  expect([one?.verdict, one?.decided_by.map(({ policy }) => policy)], `${about}: ${one?.name}`).toEqual([
    why.verdict,
    says,
  ])
}

// [EXPLAIN-2] [EXPLAIN-3]
test(`the explanation of ${SETS} random sets of policies is what calls get, and names the rule in the audit (seed ${SEED})`, async () => {
  const chance = chanceOf(SEED)
  const seen = { allowed: 0, denied: 0 }
  for (let set = 0; set < SETS; set++) {
    await room.rewrite(randomRules(chance, SERVERS))
    for (const caller of callers) {
      await expectOverviewIsList(caller, `set ${set}: ${caller.name}`, set)
      for (let count = 0; count < TRIES; count++) {
        const one = chance.pick(tries)
        const about = `set ${set}: ${caller.name} ${one.method} ${JSON.stringify(one.params)}`
        const answer = await ask2026(room.portal.url + WHOLE, caller.raw, one.method, one.params)
        const { status, body } = await room.portal.api<Explained>(
          'POST',
          '/access/policy-explanations',
          askOf(one, caller),
        )
        expect(status, `${about}: ${JSON.stringify(body.errors)}`).toBe(200)
        const { verdict, levels, says, would_change } = body.result
        expect(verdict, `${about}: ${says} — ${answer.status} ${answer.text}`).toBe(
          isDone(answer) ? 'allowed' : 'denied',
        )
        if (verdict === 'denied') expect(would_change.length, about).toBeGreaterThan(0)
        for (const { rule, rules, verdict } of levels.filter(({ rule }) => rule !== null))
          expect(rules.find(({ policy }) => policy === rule)?.verdict, `${about}: ${verdict}`).toBe('matched')
        seen[verdict as keyof typeof seen]++
      }
    }
  }
  // Chance must have tried both.
  expect(Math.min(seen.allowed, seen.denied)).toBeGreaterThan(40)
  expect(Math.min(offered.some, offered.none)).toBeGreaterThan(2)
}, 120_000)
