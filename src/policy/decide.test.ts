import { describe, expect, test } from 'vitest'
import { ada, bot, factsOf, type PolicyParts, prepared, stored } from '../../test/policies.ts'
import type { ServerUid } from '../base/ids.ts'
import type { Principal } from '../base/principal.ts'
import { compileAccess } from './compile.ts'
import { openCoverage } from './coverage.ts'
import { decide } from './decide.ts'
import type { Policy } from './model.ts'

function policy(id: string, decision: string, parts: PolicyParts): Policy {
  return prepared([stored(id, decision, parts)])[0] as Policy
}

const everyone = { everyone: {} }
const isAda = { email: { email: 'Ada@Acme.Test' } }
const acme = { email_domain: { domain: 'acme.test' } }
const evil = { email_domain: { domain: 'evil.test' } }
const anyBot = { any_valid_service_token: {} }
const future = { moon_phase: { phase: 'full' } }

const cases: { when: string; who: Principal; policies: Policy[]; then: { allow: boolean; rule: string | null } }[] = [
  { when: 'no policy exists', who: ada, policies: [], then: { allow: false, rule: null } },
  {
    when: 'an allow includes everyone',
    who: ada,
    policies: [policy('p', 'allow', { include: [everyone] })],
    then: { allow: true, rule: 'p' },
  },
  {
    when: 'an allow includes everyone and the caller is a service token',
    who: bot,
    policies: [policy('p', 'allow', { include: [everyone] })],
    then: { allow: false, rule: null },
  },
  {
    when: 'a non_identity includes any valid service token',
    who: bot,
    policies: [policy('p', 'non_identity', { include: [anyBot] })],
    then: { allow: true, rule: 'p' },
  },
  {
    when: 'a non_identity includes everyone and the caller is a person',
    who: ada,
    policies: [policy('p', 'non_identity', { include: [everyone] })],
    then: { allow: false, rule: null },
  },
  {
    when: 'a non_identity names another service token',
    who: bot,
    policies: [policy('p', 'non_identity', { include: [{ service_token: { token_id: 's2' } }] })],
    then: { allow: false, rule: null },
  },
  {
    when: 'a non_identity stands below a deny',
    who: bot,
    policies: [policy('d', 'deny', { include: [everyone] }), policy('p', 'non_identity', { include: [anyBot] })],
    then: { allow: true, rule: 'p' },
  },
  {
    when: 'an address is spelled in another case',
    who: ada,
    policies: [policy('p', 'allow', { include: [isAda] })],
    then: { allow: true, rule: 'p' },
  },
  {
    when: 'a deny stands above an allow and both match',
    who: ada,
    policies: [policy('d', 'deny', { include: [acme] }), policy('p', 'allow', { include: [everyone] })],
    then: { allow: false, rule: 'd' },
  },
  {
    when: 'an allow stands above a deny and both match',
    who: ada,
    policies: [policy('p', 'allow', { include: [everyone] }), policy('d', 'deny', { include: [acme] })],
    then: { allow: true, rule: 'p' },
  },
  {
    when: 'one of two includes matches',
    who: ada,
    policies: [policy('p', 'allow', { include: [evil, acme] })],
    then: { allow: true, rule: 'p' },
  },
  {
    when: 'one of two requires fails',
    who: ada,
    policies: [policy('p', 'allow', { include: [everyone], require: [acme, evil] })],
    then: { allow: false, rule: null },
  },
  {
    when: 'an exclude matches',
    who: ada,
    policies: [policy('p', 'allow', { include: [everyone], exclude: [isAda] })],
    then: { allow: false, rule: null },
  },
  {
    when: 'the include is one that this program does not know',
    who: ada,
    policies: [policy('p', 'allow', { include: [future] })],
    then: { allow: false, rule: null },
  },
  {
    when: 'an unknown criterion stands in exclude',
    who: ada,
    policies: [policy('p', 'allow', { include: [everyone], exclude: [future] })],
    then: { allow: false, rule: null },
  },
  {
    when: 'an unknown criterion stands in require',
    who: ada,
    policies: [policy('p', 'allow', { include: [everyone], require: [future] })],
    then: { allow: false, rule: null },
  },
  {
    when: 'a deny includes an unknown criterion',
    who: ada,
    policies: [policy('d', 'deny', { include: [future] }), policy('p', 'allow', { include: [everyone] })],
    then: { allow: false, rule: 'd' },
  },
  {
    when: 'a decision is one that this program does not know',
    who: ada,
    policies: [policy('x', 'quarantine', { include: [everyone] }), policy('p', 'allow', { include: [everyone] })],
    then: { allow: false, rule: 'x' },
  },
  {
    when: 'a criterion is malformed',
    who: ada,
    policies: [policy('p', 'allow', { include: [{}, { email: 'ada@acme.test' }, { everyone: {}, ip: {} }] })],
    then: { allow: false, rule: null },
  },
  {
    when: 'a criterion is named like a member of every object',
    who: ada,
    policies: [policy('p', 'allow', { include: [{ constructor: {} }, { toString: {} }] })],
    then: { allow: false, rule: null },
  },
  {
    when: 'the domain stands in the local part',
    who: { ...ada, email: '"a@acme.test"@evil.test' },
    policies: [policy('p', 'allow', { include: [acme] })],
    then: { allow: false, rule: null },
  },
]

for (const { when, who, policies, then } of cases) {
  test(`decide: ${when}`, () => {
    expect(decide(policies, factsOf(who))).toMatchObject(then)
  })
}

describe('a server is reached only if the portal and the server allow', () => {
  const open = [policy('open', 'allow', { include: [everyone] })]
  const closed = [policy('closed', 'deny', { include: [everyone] })]
  const uid = 'srv' as ServerUid
  const rows = [
    { portal: open, server: null, then: { allow: true, rule: 'open' } },
    // It had policies of its own, and none is left.
    { portal: open, server: [], then: { allow: false, rule: null } },
    { portal: [], server: null, then: { allow: false, rule: null } },
    { portal: open, server: open, then: { allow: true, rule: 'open' } },
    { portal: open, server: closed, then: { allow: false, rule: 'closed' } },
    { portal: closed, server: open, then: { allow: false, rule: 'closed' } },
    { portal: [], server: open, then: { allow: false, rule: null } },
  ]
  for (const { portal, server, then } of rows) {
    const name = (list: Policy[] | null) => (list === null ? 'never had any' : (list[0]?.id ?? 'no policy'))
    // [GATE-5]
    test(`portal: ${name(portal)}, server: ${name(server)}`, () => {
      const gates = [{ uid, id: 'srv', policies: server }]
      const access = compileAccess({ portal, gates, coverage: openCoverage(portal, [server]) }, factsOf(ada))
      expect(access.servers.get(uid)).toMatchObject(then)
    })
  }
})
