import { describe, expect, test } from 'vitest'
import { ada, callWith, factsOf, prepared, stored, tool } from '../../test/policies.ts'
import { openCel } from './cel.ts'
import { compileAccess } from './compile.ts'
import { openCoverage } from './coverage.ts'
import { decide } from './decide.ts'
import { explain } from './explain.ts'
import type { Criterion, Policy } from './model.ts'
import { preparePattern } from './patterns.ts'
import { prepare } from './rule-book.ts'

/** Far more than each needs, and far less than what an unbounded one would take: the machine may be busy. */
const SOON_MS = 5000

function soon<T>(work: () => T): T {
  const begun = performance.now()
  const result = work()
  expect(performance.now() - begun).toBeLessThan(SOON_MS)
  return result
}

const everyone = [{ everyone: {} }]

describe('ten thousand rules', () => {
  const sources = Array.from({ length: 10_000 }, (_, at) =>
    stored(`p${at}`, at % 3 === 0 ? 'deny' : 'allow', {
      include: [{ email: { email: `user${at}@acme.test` } }, { group: { id: `g${at % 50}` } }],
      extra: at % 10 === 0 ? { capabilities: [{ servers: ['files'], patterns: [`(get|list)_${at}_[a-z]+`] }] } : {},
    }),
  )
  const groups = Array.from({ length: 50 }, (_, at) => ({
    ...{ id: `g${at}`, name: `g${at}`, require: [], exclude: [] },
    include: [{ email: { email: `nobody${at}@acme.test` } }] as Criterion[],
  }))
  test('are prepared, decided, covered and explained in bounded time', { timeout: 60_000 }, () => {
    const policies = soon(() => prepared(sources, { groups }))
    const facts = factsOf(ada)
    expect(soon(() => decide(policies, facts, { serverId: 'files', capability: tool('a'), call: null })).allow).toBe(
      false,
    )
    const coverage = openCoverage(policies, [])
    const access = soon(() => compileAccess({ portal: policies, gates: [], coverage }, facts))
    const scopes = soon(() => Array.from({ length: 20 }, (_, at) => coverage.scopeOf(tool(`get_${at}0_a`))))
    for (const scope of scopes) expect(access.of(scope, tool('a')).allow).toBe(false)
    expect(soon(() => explain(policies, facts)).rules).toHaveLength(10_000)
  })
})

test('groups in groups, a thousand deep and ten wide at each of eight floors, are prepared and judged in bounded time', () => {
  const deep = Array.from({ length: 1000 }, (_, at) => ({
    ...{ id: `deep${at}`, name: 'deep', require: [], exclude: [] },
    include: [at === 0 ? { everyone: {} } : { group: { id: `deep${at - 1}` } }],
  }))
  const wide = Array.from({ length: 8 }, (_, floor) =>
    Array.from({ length: 10 }, (_, at) => ({
      ...{ id: `wide${floor}-${at}`, name: 'wide', require: [], exclude: [] },
      include: Array.from({ length: 10 }, (_, inner) =>
        floor === 0 ? { geo: { country_code: 'PT' } } : { group: { id: `wide${floor - 1}-${inner}` } },
      ),
    })),
  ).flat()
  const groups = [...deep, ...wide]
  const names = ['deep999', 'deep7', 'wide7-0']
  const policies = soon(() =>
    prepared(
      names.map((id) => stored(id, 'allow', { include: [{ group: { id } }] })),
      { groups },
    ),
  )
  const allows = (policy: Policy, country: string) => soon(() => decide([policy], factsOf(ada, { country })).allow)
  const [tooDeep, deepEnough, broad] = policies as [Policy, Policy, Policy]
  expect([allows(tooDeep, 'PT'), allows(deepEnough, 'PT')]).toEqual([false, true])
  expect([allows(broad, 'PT'), allows(broad, 'DE')]).toEqual([true, false])
  expect(soon(() => explain([broad], factsOf(ada))).decision.allow).toBe(false)
})

test('values a thousand deep are compared to an end', () => {
  const nest = (depth: number): unknown => (depth === 0 ? 1 : { a: [nest(depth - 1)] })
  const extra = { capabilities: [{ arguments: [{ pointer: '/x', equals: nest(100) }] }] }
  const [policy] = prepared([stored('p', 'allow', { include: everyone, extra })])
  const question = (x: unknown) => ({ serverId: 'files', capability: tool('run'), call: callWith({ x }) })
  expect(soon(() => decide([policy as Policy], factsOf(ada), question(nest(1000))).allow)).toBe(false)
  expect(soon(() => decide([policy as Policy], factsOf(ada), question(nest(100))).allow)).toBe(false)
})

describe('patterns that other engines never finish', () => {
  const text = `${'a'.repeat(50_000)}!`
  const patterns = [
    ...[
      '(a+)+$',
      '(a|a)*$',
      '(a|aa)+$',
      '(.*a){20}',
      '([a-zA-Z]+)*$',
      '^(([a-z])+.)+[A-Z]([a-z])+$',
      '(a*)*b',
      '(?:a?){50}a{50}',
    ],
    ...['.*.*.*=.*', '(a+){10}$', '(x+x+)+y'],
  ]
  for (const pattern of patterns)
    test(pattern, () => {
      const prepared = soon(() => preparePattern(pattern))
      if (typeof prepared !== 'string') expect(soon(() => prepared.matches(text))).not.toBe(true)
    })
  test('one that is too large, or has what is not linear, is no pattern', () => {
    const wrong = ['(', 'a{1001}', '[a-z]{1,1000}[a-z]{1,1000}[a-z]{1,1000}', '(?=a)', '(a)\\1', 'a'.repeat(501)]
    for (const pattern of wrong) expect(typeof preparePattern(pattern), pattern).toBe('string')
  })
})

describe('expressions that would run long, or fill the stack', () => {
  const cel = openCel()
  const expressions = [
    ...['args.l.all(a, args.l.all(b, args.l.all(c, a + b != c)))', 'args.l.map(a, args.l).all(b, b == args.l)'],
    ...[
      'args.l.exists(a, args.l.map(b, b) == a)',
      `${'('.repeat(900)}true${')'.repeat(900)}`,
      `${'!'.repeat(1900)}true`,
    ],
    ...[
      `${'args.l + '.repeat(200)}args.l == []`,
      'args.s.matches("(a+)+$")',
      `[${'1,'.repeat(900)}1].all(x, x in args.l)`,
    ],
  ]
  for (const expression of expressions)
    test(expression.slice(0, 60), () => {
      const extra = { capabilities: [{ expression }] }
      const policy = soon(() => prepare(stored('p', 'allow', { include: everyone, extra }), undefined, cel))
      const input = { l: new Array(1500).fill(1), s: 'a'.repeat(60_000) }
      const question = { serverId: 'files', capability: tool('run'), call: callWith(input) }
      soon(() => decide([policy], factsOf(ada), question))
    })
})
