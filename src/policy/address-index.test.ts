import { expect, test } from 'vitest'
import { bot, factsOf, nobody, prepared, signedIn, stored } from '../../test/policies.ts'
import { openAddressIndex, possibleFor } from './address-index.ts'
import { decide, decideMet, openNotes, TO_ENTER } from './decide.ts'
import { expandNotes } from './expand-notes.ts'

const of = (...emails: string[]) => emails.map((email) => ({ email: { email } }))
const at = (domain: string) => [{ email_domain: { domain } }]

const policies = prepared([
  stored('eve', 'deny', { include: of('eve@evil.test') }),
  stored('acme', 'allow', {
    include: [...at('acme.test'), ...of('ada@acme.test')],
    require: [{ geo: { country_code: 'PT' } }],
  }),
  stored('ours', 'deny', { include: [{ okta: { name: 'left', identity_provider_id: 'idp' } }] }),
  stored('evil', 'deny', { include: at('evil.test') }),
  stored('ada', 'allow', { include: of('ada@acme.test', 'bob@acme.test') }),
  stored('gate', 'bypass', { include: of('ada@acme.test'), exclude: [{ everyone: {} }] }),
])
const index = openAddressIndex(policies)

/** The bypass is looked at before any other. */
const all = [5, 0, 1, 2, 3, 4]
const callers = [
  { who: 'a person of two kinds of rules', facts: factsOf(signedIn({ groups: [] })), places: [5, 1, 2, 4] },
  { who: 'another of the domain', facts: factsOf(signedIn({}, 'zoe@acme.test')), places: [1, 2] },
  { who: 'whom no rule names', facts: factsOf(signedIn({}, 'ada@elsewhere.test')), places: [2] },
  { who: 'whose address is not known', facts: factsOf(signedIn({}, null)), places: all },
  { who: 'a service token', facts: factsOf(bot), places: all },
  { who: 'who did not sign in', facts: factsOf(nobody), places: all },
]
for (const { who, facts, places } of callers) {
  test(`the rules that may speak of ${who}, in the order of the walk and each once`, () => {
    expect(index.places(policies, facts)).toEqual(places)
    const isPossible = possibleFor(facts)
    expect(all.filter((place) => isPossible(policies[place] as (typeof policies)[number]))).toEqual(places)
  })
}

test('an index of other rules passes over none: they are all looked at', () => {
  expect(openAddressIndex(policies.slice(1)).places(policies, factsOf(signedIn({})))).toBeUndefined()
  const others = [...policies]
  expect(
    decide(others, factsOf(signedIn({}, 'eve@evil.test')), TO_ENTER, { index: openAddressIndex([]) }),
  ).toMatchObject({
    allow: false,
    rule: 'eve',
  })
})

test('a walk by the index judges no other rule, and what is told of them is the same', () => {
  const facts = factsOf(signedIn({ groups: [] }))
  const judged: string[] = []
  const met = ({ id }: { id: string }): boolean => {
    judged.push(id)
    return id === 'ada'
  }
  const places = index.places(policies, facts)
  const notes = openNotes()
  expect(decideMet(policies, TO_ENTER, { facts, met }, { places, notes })).toMatchObject({ allow: true, rule: 'ada' })
  expect(judged).toEqual(['gate', 'acme', 'ours', 'ada'])
  const missed = { reached: 'yes', met: false }
  expect(expandNotes(policies, facts, TO_ENTER, notes)).toEqual([
    ...[missed, missed, missed, missed],
    { reached: 'yes', met: true },
    missed,
  ])
})

test('what the walk ended before is unasked, and what is looked at first is not', () => {
  const facts = factsOf(signedIn({ groups: ['left'] }))
  for (const by of [{}, { index }]) {
    const notes = openNotes()
    expect(decide(policies, facts, TO_ENTER, { ...by, notes }).rule).toBe('ours')
    const noted = expandNotes(policies, facts, TO_ENTER, notes)
    expect(noted.map(({ reached }) => reached)).toEqual(['yes', 'yes', 'yes', 'unasked', 'unasked', 'yes'])
    expect(noted.map(({ met }) => met)).toEqual([false, false, true, null, null, false])
  }
})
