import { describe, expect, test } from 'vitest'
import { ada, callWith, factsOf, prepared, stored, tool } from '../../test/policies.ts'
import { openCel } from './cel.ts'
import { decide } from './decide.ts'
import type { Capability, Policy } from './model.ts'
import { prepareEntry } from './reach.ts'
import { prepare } from './rule-book.ts'

const everyone = [{ everyone: {} }]
const facts = factsOf(ada)
const reaching = (decision: string, ...capabilities: unknown[]): Policy =>
  prepared([stored('p', decision, { include: everyone, extra: { capabilities } })])[0] as Policy
const asked = (capability: Capability, input: Record<string, unknown> | null = null) => ({
  ...{ serverId: capability.serverId, capability, call: input === null ? null : callWith(input) },
})
const letsIn = (policy: Policy, capability: Capability, input: Record<string, unknown> | null = null) =>
  decide([policy], facts, asked(capability, input)).allow

describe('an entry covers what all that it says holds of', () => {
  const readOnly = { readOnlyHint: true, destructiveHint: false, idempotentHint: false, openWorldHint: true }
  const rows: readonly (readonly [entry: object, covered: readonly Capability[], others: readonly Capability[]])[] = [
    [{ servers: ['files'] }, [tool('read')], [tool('read', { serverId: 'mail' })]],
    [{ kinds: ['tool', 'prompt'] }, [tool('a'), tool('a', { kind: 'prompt' })], [tool('a', { kind: 'resource' })]],
    [{ names: ['read', 'list'] }, [tool('read'), tool('list')], [tool('Read'), tool('read_all'), tool('files_read')]],
    [{ patterns: ['delete_.*'] }, [tool('delete_'), tool('delete_all')], [tool('undelete_all'), tool('delete_a\nb')]],
    [{ patterns: ['get|list_[a-z]+'] }, [tool('get'), tool('list_files')], [tool('getter'), tool('list_')]],
    [{ names: ['read'], patterns: ['r.*'] }, [tool('read')], [tool('run')]],
    // What is not said counts as the more dangerous.
    [{ annotations: { readOnlyHint: true } }, [tool('a', { annotations: readOnly })], [tool('a')]],
    [{ annotations: { destructiveHint: true } }, [tool('a')], [tool('a', { annotations: readOnly })]],
    [
      { labels: ['reads_private', 'sends_out'] },
      [tool('a', { labels: ['sends_out', 'reads_private'] })],
      [tool('a', { labels: ['sends_out'] }), tool('a')],
    ],
    [
      { kinds: ['resource'], patterns: ['file:///safe/.*'] },
      [tool('file:///safe/a', { kind: 'resource' })],
      [tool('file:///safe/a')],
    ],
  ]
  for (const [entry, covered, others] of rows) {
    test(JSON.stringify(entry), () => {
      const policy = reaching('allow', entry)
      for (const one of covered) expect(letsIn(policy, one), one.name).toBe(true)
      for (const one of others) expect(letsIn(policy, one), one.name).toBe(false)
    })
  }
  test('any of several entries is enough', () => {
    const policy = reaching('allow', { names: ['a'] }, { names: ['b'] })
    expect([letsIn(policy, tool('a')), letsIn(policy, tool('b')), letsIn(policy, tool('c'))]).toEqual([
      true,
      true,
      false,
    ])
  })
  test('who may use one thing of a server may enter for it, and no other server', () => {
    const policy = reaching('allow', { servers: ['files'], names: ['a'] })
    expect(decide([policy], facts).allow).toBe(true)
    expect(decide([policy], facts, { serverId: 'files', capability: null, call: null }).allow).toBe(true)
    expect(decide([policy], facts, { serverId: 'mail', capability: null, call: null }).allow).toBe(false)
  })
  test('a deny of one thing keeps nobody out of the rest', () => {
    const open = prepared([stored('open', 'allow', { include: everyone })])[0] as Policy
    const both = [reaching('deny', { names: ['drop'] }), open]
    expect(decide(both, facts).allow).toBe(true)
    expect(decide(both, facts, asked(tool('read'))).allow).toBe(true)
    expect(decide(both, facts, asked(tool('drop')))).toMatchObject({ allow: false, rule: 'p', because: 'policy' })
  })
})

describe('arguments: true, false, or not known', () => {
  type Truths = Readonly<Record<'holds' | 'fails' | 'unknown', readonly unknown[]>>
  const ABSENT = Symbol('absent')
  const rows: readonly (readonly [condition: object, truths: Truths])[] = [
    [{ equals: 5 }, { holds: [5], fails: [6, -5, 5.5], unknown: ['5', [5], null, true, { a: 5 }, 2 ** 60, ABSENT] }],
    [{ equals: 'a' }, { holds: ['a'], fails: ['A', 'b', ''], unknown: [0, ['a'], 'a\u200b', '\uff41', ABSENT] }],
    [{ equals: '\u00e9' }, { holds: ['\u00e9'], fails: ['e'], unknown: ['e\u0301', ABSENT] }],
    [{ equals: true }, { holds: [true], fails: [false], unknown: ['true', 1, null, ABSENT] }],
    [{ equals: null }, { holds: [null], fails: [], unknown: ['', 0, false, {}, ABSENT] }],
    [
      { equals: { a: [1] } },
      { holds: [{ a: [1] }], fails: [{ a: [2] }, { a: [1, 2] }, { b: [1] }], unknown: [{ A: [1] }, {}, ABSENT] },
    ],
    [{ one_of: ['a', 'b', 3] }, { holds: ['a', 'b', 3], fails: ['c', 4], unknown: [true, ['a'], null, ABSENT] }],
    [
      { matches: 'a+' },
      { holds: ['a', 'aaa'], fails: ['ab', 'ba', '', 'a\n'], unknown: [['a'], 1, 'a\u0000', 'e\u0301', ABSENT] },
    ],
    [
      { range: { min: 1, max: 3 } },
      { holds: [1, 2.5, 3], fails: [0, 3.01, -1], unknown: ['2', [2], true, null, ABSENT] },
    ],
    [{ range: { min: 1 } }, { holds: [1, 2 ** 52], fails: [0], unknown: [2 ** 60, Number.POSITIVE_INFINITY, ABSENT] }],
    [{ present: true }, { holds: [null, false, '', 0, []], fails: [ABSENT], unknown: [] }],
    [{ absent: true }, { holds: [ABSENT], fails: [null, false, '', 0, []], unknown: [] }],
  ]
  const inputOf = (value: unknown) => (value === ABSENT ? {} : { x: value })
  for (const [condition, { holds, fails, unknown }] of rows) {
    const entry = { names: ['run'], arguments: [{ pointer: '/x', ...condition }] }
    const [allow, deny] = [reaching('allow', entry), reaching('deny', entry)]
    const open = prepared([stored('open', 'allow', { include: everyone })])[0] as Policy
    const passes = (value: unknown) => letsIn(allow, tool('run'), inputOf(value))
    const isDenied = (value: unknown) => !decide([deny, open], facts, asked(tool('run'), inputOf(value))).allow
    test(JSON.stringify(condition), () => {
      for (const value of holds) expect([passes(value), isDenied(value)], String(value)).toEqual([true, true])
      for (const value of fails) expect([passes(value), isDenied(value)], String(value)).toEqual([false, false])
      // Doubt counts against the caller either way.
      for (const value of unknown) expect([passes(value), isDenied(value)], String(value)).toEqual([false, true])
    })
  }

  test('while listing, what hangs on arguments is listed, and said to hang on them', () => {
    const entry = { names: ['run'], arguments: [{ pointer: '/x', equals: 1 }] }
    expect(decide([reaching('allow', entry)], facts, asked(tool('run')))).toMatchObject({ allow: true, maybe: true })
    const refused = decide([reaching('allow', entry)], facts, asked(tool('run'), { x: 2 }))
    expect(refused).toMatchObject({ allow: false, because: 'arguments' })
  })

  test('a missing value is harmless where the rule says so', () => {
    const entry = {
      names: ['run'],
      arguments: [
        { pointer: '/force', present: true },
        { pointer: '/force', equals: true },
      ],
    }
    const open = prepared([stored('open', 'allow', { include: everyone })])[0] as Policy
    const allows = (input: Record<string, unknown>) =>
      decide([reaching('deny', entry), open], facts, asked(tool('run'), input)).allow
    expect([allows({}), allows({ force: false }), allows({ force: true }), allows({ force: 'true' })]).toEqual([
      true,
      true,
      false,
      false,
    ])
  })

  test('a pointer finds own members alone', () => {
    for (const pointer of [
      '/constructor',
      '/__proto__',
      '/toString/name',
      '/list/length',
      '/list/-',
      '/list/00',
      '/list/1e0',
      '/text/0',
    ]) {
      const policy = reaching('allow', { arguments: [{ pointer, present: true }] })
      expect(letsIn(policy, tool('run'), { list: [1, 2], text: 'abc' }), pointer).toBe(false)
    }
    const escaped = reaching('allow', { arguments: [{ pointer: '/a~1b/~01', equals: 1 }] })
    expect(letsIn(escaped, tool('run'), { 'a/b': { '~1': 1 } })).toBe(true)
  })
})

describe('a path under a directory', () => {
  const policy = reaching('allow', { arguments: [{ pointer: '/path', under: '/safe' }] })
  for (const path of [
    '/safe',
    '/safe/a',
    '/safe/a/b.txt',
    '/safe/with space/x',
    '/safe/.hidden',
    '/safe/a..b',
    '/safe/\u00e9',
  ])
    test(`${JSON.stringify(path)} is let in`, () => {
      expect(letsIn(policy, tool('read'), { path })).toBe(true)
    })
  const SHAPES: readonly unknown[] = [
    ...[
      '/etc/passwd',
      '/',
      '',
      'safe/a',
      './safe/a',
      '../safe',
      '/safer/a',
      '/saf',
      '/safe_/a',
      '/SAFE/a',
      '/Safe/a',
      '//safe/a',
    ],
    ...[
      '/safe/../etc',
      '/safe/..',
      '/safe/.',
      '/safe/./a',
      '/safe//a',
      '/safe/',
      '/safe/a/',
      '/safe/a/../../etc',
      '/safe/...',
    ],
    ...[
      '/safe\\..\\etc',
      '\\safe\\a',
      '/safe/a\\b',
      'C:/safe/a',
      '/safe/a:stream',
      'file:///safe/a',
      '/safe/%2e%2e/etc',
      '/safe/%2f',
    ],
    ...[
      '/safe/a%00',
      '/safe/a\0',
      '/safe/a\n',
      ' /safe/a',
      '/safe/a ',
      '/safe/a.',
      '/safe/ /a',
      '/safe/\t',
      '/safe/a\u200b',
    ],
    ...[
      '/safe/\u2024\u2024/etc',
      '/safe/\uff0e\uff0e/etc',
      '/safe\uff0fa',
      '/safe\u2215a',
      '/safe/\u2215etc',
      '/safe/e\u0301',
    ],
    ...[
      '/\u017fafe/a',
      '/safe/\u202egnp',
      '/safe/~root',
      '/safe/$HOME',
      '/safe/*',
      '/safe/a;b',
      '/safe/a|b',
      '~/safe',
      '/safe/\ud800',
    ],
    ...[
      ['/safe/a'],
      ['/safe/a', '/etc'],
      { path: '/safe/a' },
      7,
      true,
      null,
      '/safe/a?x',
      '/safe/a#b',
      '/safe/a"b',
      `/safe/${'a'.repeat(5000)}`,
    ],
  ]
  test('there are at least sixty ways to try', () => {
    expect(new Set(SHAPES.map((shape) => JSON.stringify(shape))).size).toBeGreaterThanOrEqual(60)
  })
  for (const path of SHAPES)
    test(`${JSON.stringify(path).slice(0, 40)} is not`, () => {
      expect(letsIn(policy, tool('read'), { path })).toBe(false)
    })
  test('a missing path is not', () => {
    expect(letsIn(policy, tool('read'), {})).toBe(false)
  })
  test('a deny of a directory bites on every disguise of a path in it', () => {
    const open = prepared([stored('open', 'allow', { include: everyone })])[0] as Policy
    const secret = [reaching('deny', { arguments: [{ pointer: '/path', under: '/secret' }] }), open]
    const isDenied = (path: unknown) => !decide(secret, facts, asked(tool('read'), { path })).allow
    for (const path of [
      '/secret',
      '/secret/a',
      '/SECRET/a',
      '/a/../secret/b',
      '//secret/a',
      '/secret\\a',
      '/\uff53ecret/a',
      ['/secret/a'],
    ])
      expect(isDenied(path), String(path)).toBe(true)
    expect(isDenied('/public/a')).toBe(false)
  })
})

describe('the flow of data', () => {
  const policy = reaching('deny', { flow: { window: '1h' } })
  const open = prepared([stored('open', 'allow', { include: everyone })])[0] as Policy
  const sends = tool('send', { labels: ['sends_out'] })
  const decided = (completes: boolean | null, capability = sends) => {
    const flow = completes === null ? null : { completes: (windowMs: number) => windowMs === 3_600_000 && completes }
    return decide([policy, open], facts, { serverId: 'files', capability, call: callWith({}, { flow }) })
  }
  test('the call that would complete all three is denied, and no other', () => {
    expect(decided(true)).toMatchObject({ allow: false, because: 'flow' })
    expect(decided(false).allow).toBe(true)
  })
  test('where nobody knows what was called before, a call with a label is denied and one without is not', () => {
    expect(decided(null).allow).toBe(false)
    expect(decided(null, tool('send')).allow).toBe(true)
  })
})

describe('expressions', () => {
  const cel = openCel()
  const decided = (expression: string, input: Record<string, unknown>, decision = 'allow') => {
    const source = stored('p', decision, { include: everyone, extra: { capabilities: [{ expression }] } })
    const open = prepared([stored('open', 'allow', { include: everyone })])[0] as Policy
    const policy = prepare(source, undefined, cel)
    return decide(decision === 'deny' ? [policy, open] : [policy], facts, asked(tool('run'), input)).allow
  }
  const rows: readonly (readonly [expression: string, input: Record<string, unknown>, then: boolean])[] = [
    ['args.amount < 100.0', { amount: 7 }, true],
    ['args.amount < 100.0', { amount: 700 }, false],
    ['args.to.all(one, one.endsWith("@acme.test"))', { to: ['a@acme.test'] }, true],
    ['args.to.all(one, one.endsWith("@acme.test"))', { to: ['a@acme.test', 'b@evil.test'] }, false],
    ['args.from == principal.email', { from: 'ada@acme.test' }, true],
    ['tool.name == "run" && tool.server == "files"', {}, true],
    ['under(args.path, "/safe")', { path: '/safe/a' }, true],
    ['under(args.path, "/safe")', { path: '/safe/../etc' }, false],
    ['args.name.matches("^a+$")', { name: 'aaa' }, true],
  ]
  for (const [expression, input, then] of rows)
    test(`${expression} of ${JSON.stringify(input)}: ${then}`, () => {
      expect(decided(expression, input)).toBe(then)
    })
  test('what fails, is no boolean or cannot be told is unknown: closed in an allow and in a deny', () => {
    const doubtful: [string, Record<string, unknown>][] = [
      ['args.amount < 100.0', {}],
      ['args.amount < 100.0', { amount: '7' }],
      ['args.amount', { amount: 7 }],
      ['args.constructor == 1', {}],
      ['args["__proto__"] == 1', {}],
      ['"staff" in principal.groups', {}],
      ['args.name == "a"', { name: 'a\u200b' }],
      ['args.amount == 1', { amount: 2 ** 60 }],
      ['args.l.all(x, x == 1)', { l: new Array(5000).fill(1) }],
      ['no such thing (', {}],
      ['args.l.all(a, args.l.all(b, a == b))', { l: [1] }],
      ['args.name.matches(args.pattern)', { name: 'a', pattern: '(a+)+$' }],
    ]
    for (const [expression, input] of doubtful) {
      expect(decided(expression, input), expression).toBe(false)
      expect(decided(expression, input, 'deny'), expression).toBe(false)
    }
  })
  test('without an evaluator an expression covers nothing in an allow and everything in a deny', () => {
    const open = prepared([stored('open', 'allow', { include: everyone })])[0] as Policy
    const entry = { expression: 'true' }
    expect(letsIn(reaching('allow', entry), tool('run'), {})).toBe(false)
    expect(decide([reaching('deny', entry), open], facts, asked(tool('run'), {})).allow).toBe(false)
  })
})

test('an entry that cannot be read says why, covers nothing in an allow and everything in a deny', () => {
  const unreadable: unknown[] = [
    ...[
      null,
      {},
      'files',
      { servers: 'files' },
      { moons: ['full'] },
      { patterns: ['('] },
      { patterns: ['(?=a)'] },
      { names: [] },
    ],
    ...[
      { arguments: [{ pointer: 'path', present: true }] },
      { arguments: [{ pointer: '/a', equals: 1, matches: 'a' }] },
    ],
    ...[
      { arguments: [{ pointer: '/a', under: 'safe' }] },
      { arguments: [{ pointer: '/a', looks_like: 1 }] },
      { labels: ['new'] },
    ],
    ...[{ patterns: ['[a-z]{1,1000}[a-z]{1,1000}[a-z]{1,1000}'] }, { flow: { window: 'long' } }],
  ]
  const open = prepared([stored('open', 'allow', { include: everyone })])[0] as Policy
  for (const entry of unreadable) {
    expect(typeof prepareEntry(entry, { expressions: null }), JSON.stringify(entry)).toBe('string')
    expect(letsIn(reaching('allow', entry), tool('run'))).toBe(false)
    expect(decide([reaching('deny', entry), open], facts, asked(tool('run'))).allow).toBe(false)
  }
  for (const capabilities of [[], {}, 'all', 7]) {
    const [allow, deny] = ['allow', 'deny'].map((word) =>
      prepare(stored('p', word, { include: everyone, extra: { capabilities } })),
    )
    expect(letsIn(allow as Policy, tool('run'))).toBe(false)
    expect(decide([deny as Policy, open], facts, asked(tool('run'))).allow).toBe(false)
  }
})
