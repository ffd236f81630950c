import { describe, expect, test } from 'vitest'
import { ada, bot, callWith, factsOf, NOW, nobody, prepared, stored, tool } from '../../test/policies.ts'
import { explain } from './explain.ts'

const everyone = [{ everyone: {} }]
const finance = [{ email_domain: { domain: 'finance.test' } }]
const inPortugal = [{ geo: { country_code: 'PT' } }]

test('each rule that was come to says which criterion was true, false or not known, and why', () => {
  const policies = prepared([
    stored('abroad', 'deny', { include: inPortugal, exclude: finance }),
    stored('later', 'allow', { include: everyone }),
  ])
  const { decision, rules } = explain(policies, factsOf(ada))
  expect(decision).toMatchObject({ allow: false, rule: 'abroad' })
  expect(rules[0]).toMatchObject({ verdict: 'matched', reached: 'yes', inForce: 'yes' })
  expect(rules[0]?.criteria).toMatchObject([
    { part: 'include', truth: 'unknown', counts: true },
    { part: 'exclude', truth: false, counts: false },
  ])
  expect(rules[0]?.criteria[0]?.why).toContain('no address to tell the country from')
  expect(rules[1]).toMatchObject({ verdict: 'skipped', reached: 'unasked', criteria: [] })
})

test('a deny that speaks of this capability and not of this call is not held against the caller, and says so', () => {
  const extra = { capabilities: [{ names: ['read'], arguments: [{ pointer: '/path', under: '/secret' }] }] }
  const policies = prepared([
    stored('secret', 'deny', { include: everyone, extra }),
    stored('all', 'allow', { include: everyone }),
  ])
  const question = { serverId: 'files', capability: tool('read'), call: callWith({ path: '/safe' }) }
  const { decision, rules } = explain(policies, factsOf(ada), question)
  expect(decision).toMatchObject({ allow: true, rule: 'all' })
  expect(rules[0]).toMatchObject({ verdict: 'skipped', reached: 'passed', criteria: [] })
})

describe('of a no, the nearest miss is the policy that lacks least', () => {
  test('one criterion is less than two', () => {
    const policies = prepared([
      stored('two', 'allow', { include: finance, require: inPortugal }),
      stored('one', 'allow', { include: everyone, require: inPortugal }),
    ])
    const { nearest, wouldChange } = explain(policies, factsOf(ada, { country: 'DE' }))
    expect(nearest).toMatchObject({ policy: 'one', short: 1, missing: [{ part: 'require', truth: false }] })
    expect(wouldChange.join(' ')).toContain('wanted: PT; the request came from DE')
  })
  test('a deny above it stands in the way, and is named', () => {
    const policies = prepared([
      stored('no', 'deny', { include: everyone }),
      stored('yes', 'allow', { include: everyone }),
    ])
    const { nearest, wouldChange } = explain(policies, factsOf(ada))
    expect(nearest).toMatchObject({
      policy: 'yes',
      missing: [],
      also: ['the policy "no" before it keeps them out'],
    })
    expect(wouldChange).toEqual([
      'The policy "no" of this application would have to make an exception of them in "exclude", or be taken away. It keeps them out because its "include" is met (speaks of everyone).',
      'The policy "yes" of this application would let them in if it stood before "no": the first that matches decides.',
    ])
  })
  test('what the call is called with stands in the way', () => {
    const extra = { capabilities: [{ names: ['read'], arguments: [{ pointer: '/path', under: '/safe' }] }] }
    const policies = prepared([stored('safe', 'allow', { include: everyone, extra })])
    const question = { serverId: 'files', capability: tool('read'), call: callWith({ path: '/etc' }) }
    const { nearest, rules } = explain(policies, factsOf(ada), question)
    expect(nearest?.also).toEqual(['it speaks of calls with other arguments'])
    expect(rules[0]).toMatchObject({ verdict: 'missed', reached: 'passed' })
  })
  test('its time', () => {
    const extra = { valid_until: new Date(NOW - 1).toISOString() }
    const theirs = stored('theirs', 'allow', { include: finance })
    const trace = explain(prepared([stored('over', 'allow', { include: everyone, extra }), theirs]), factsOf(ada))
    const after = explain(prepared([theirs, stored('over', 'allow', { include: everyone, extra })]), factsOf(ada))
    expect(after.nearest?.policy).toBe('over')
    expect(trace.rules[0]).toMatchObject({ inForce: 'over', verdict: 'missed' })
    expect(trace.nearest?.also).toEqual(['its time is over'])
  })
  test('where no policy lets in such callers, that is what is said', () => {
    const policies = prepared([stored('people', 'allow', { include: everyone })])
    for (const [caller, words] of [
      [bot, 'service tokens'],
      [nobody, 'did not sign in'],
    ] as const) {
      const { nearest, wouldChange } = explain(policies, factsOf(caller))
      expect(nearest).toBeNull()
      expect(wouldChange.join(' ')).toContain(words)
    }
    expect(explain([], factsOf(ada), undefined, 'the portal team').wouldChange).toEqual([
      'No policy of the portal team lets in people: attach one with the decision "allow" that includes them.',
    ])
  })
})

describe('what would change a no is said in whole sentences', () => {
  const arguments_ = [{ pointer: '/path', under: '/safe' }]
  const reading = { serverId: 'files', capability: tool('read'), call: callWith({ path: '/etc' }) }
  test.each([
    [
      'nothing speaks of them',
      stored('p', 'allow', { include: finance }),
      'nothing in its "include" is met (wanted: an address at finance.test itself; the caller has ada@acme.test)',
    ],
    [
      'a require that is not met',
      stored('p', 'allow', { include: everyone, require: inPortugal }),
      'its "require" is not met (wanted: PT; the request came from DE)',
    ],
    [
      'an exclude that strikes',
      stored('p', 'allow', { include: everyone, exclude: [{ geo: { country_code: 'DE' } }] }),
      'its "exclude" makes an exception of them (wanted: DE; the request came from DE)',
    ],
    [
      'other arguments',
      stored('p', 'allow', {
        include: everyone,
        extra: { capabilities: [{ names: ['read'], arguments: arguments_ }] },
      }),
      'it speaks of calls with other arguments',
    ],
    [
      'other things',
      stored('p', 'allow', { include: everyone, extra: { capabilities: [{ names: ['write'] }] } }),
      'it speaks of other things than this',
    ],
    [
      'a time to come',
      stored('p', 'allow', { include: everyone, extra: { valid_from: new Date(NOW + 1).toISOString() } }),
      'its time has not come',
    ],
  ])('%s', (_, policy, because) => {
    const { wouldChange } = explain(prepared([policy]), factsOf(ada, { country: 'DE' }), reading, 'the portal team')
    expect(wouldChange).toEqual([
      `The policy "p" of the portal team comes closest to letting them in, and does not, because ${because}.`,
    ])
  })

  test('a deny that cannot be told says that this counts against them', () => {
    const { wouldChange } = explain(prepared([stored('abroad', 'deny', { include: inPortugal })]), factsOf(ada))
    expect(wouldChange).toEqual([
      'The policy "abroad" of this application would have to make an exception of them in "exclude", or be taken away. It keeps them out because its "include" is met (wanted: PT; there is no address to tell the country from, which counts against them).',
      'No policy of this application lets in people: attach one with the decision "allow" that includes them.',
    ])
  })
})

test('a policy that cannot be enforced says so', () => {
  const policies = prepared([stored('apart', 'allow', { include: everyone, extra: { isolation_required: true } })])
  const { decision, rules } = explain(policies, factsOf(ada))
  expect(decision).toMatchObject({ allow: false, rule: 'apart' })
  expect(rules[0]?.says).toContain('isolation_required')
})

test('of a yes nothing is missing', () => {
  const trace = explain(prepared([stored('open', 'allow', { include: everyone })]), factsOf(ada))
  expect(trace).toMatchObject({ decision: { allow: true }, nearest: null, wouldChange: [] })
})
