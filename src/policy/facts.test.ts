import { describe, expect, test } from 'vitest'
import type { GrantId, ServiceTokenId } from '../base/ids.ts'
import type { Principal } from '../base/principal.ts'
import { prepareCriterion } from './criteria.ts'
import { type Answers, askedBy, openFacts } from './facts.ts'
import type { Policy } from './model.ts'

const NOW = 1_800_000_000_000
const clock = { now: () => NOW, elapsed: () => 0 }
const bot: Principal = {
  ...{ kind: 'service', id: 't1' as ServiceTokenId, name: 'bot', clientId: 'abc.access', grant: 't1' as GrantId },
}
const from = { ip: '203.0.113.9', certificate: null }

const NO_LOOKUPS = { group: () => undefined, list: () => undefined }
function policyOf(...criteria: object[]): Policy {
  const include = criteria.map((json) => prepareCriterion(json as Record<string, unknown>, NO_LOOKUPS as never))
  const rest = { require: [], exclude: [], reach: null, terms: null, from: null, until: null }
  return { ...{ id: 'p' as Policy['id'], name: 'P', decision: 'allow' }, include, ...rest }
}
const EVALUATOR = { external_evaluation: { evaluate_url: 'https://e.test/', keys_url: 'https://e.test/keys' } }

describe('what a set of policies looks at', () => {
  test.each([
    [{ everyone: {} }, false, 0],
    [{ email: { email: 'ada@acme.test' } }, false, 0],
    [{ geo: { country_code: 'PT' } }, true, 0],
    [{ ip: { ip: '10.0.0.0/8' } }, true, 0],
    [{ certificate: {} }, true, 0],
    // It is told where the request comes from: its answer is of there alone.
    [EVALUATOR, true, 1],
  ])('%j', (criterion, origin, external) => {
    const asked = askedBy([policyOf(criterion)])
    expect([asked.origin, asked.external.length]).toEqual([origin, external])
  })

  test('names one evaluator once, however many rules ask it', () => {
    expect(askedBy([policyOf(EVALUATOR, EVALUATOR), policyOf(EVALUATOR)]).external).toHaveLength(1)
  })
})

describe('gathered facts', () => {
  const open = (answers: Answers) => {
    const asked: unknown[] = []
    const countryOf = (ip: string) => {
      asked.push(ip)
      return 'PT'
    }
    return { asked, facts: openFacts({ clock, countryOf, evaluate: () => Promise.resolve(answers) }) }
  }
  const answered: Answers = { answers: new Map([['https://e.test/ https://e.test/keys', true]]), until: NOW + 5000 }

  test('hold for ever, and cost no look, where no policy looks outside', () => {
    const { facts, asked } = open(answered)
    const gathered = facts.gather(bot, from, askedBy([policyOf({ everyone: {} })]))
    expect(gathered).toMatchObject({ until: Number.POSITIVE_INFINITY, facts: { country: null } })
    expect(asked).toEqual([])
  })

  test('hold for a minute where a country is looked at: the file of countries may be another then', () => {
    const gathered = open(answered).facts.gather(bot, from, askedBy([policyOf({ geo: { country_code: 'PT' } })]))
    expect(gathered).toMatchObject({ until: NOW + 60_000, facts: { country: 'PT' } })
  })

  test('hold no longer than what evaluators said', async () => {
    const gathered = await open(answered).facts.gather(bot, from, askedBy([policyOf(EVALUATOR)]))
    expect(gathered.until).toBe(NOW + 5000)
    expect([...gathered.facts.external.values()]).toEqual([true])
  })
})
