/** Rules in plain language, and the table of selectors, against the shapes of the REST API. */
import { describe, expect, test } from 'vitest'
import { criterion, SELECTOR_SHAPES, SELECTORS } from '../../src/contract/criteria.ts'
import { type PolicyShown, policyCreate, policyUpdate } from '../../src/contract/policy.ts'
import { capabilitiesInput } from '../../src/contract/reach.ts'
import { bodyOf, newCriterion, newDraft, openDraft, ruleOf, withPerson } from '../../web/src/rules/draft.ts'
import { joined, type Names, NO_NAMES } from '../../web/src/rules/names.ts'
import { openReach, reachOf } from '../../web/src/rules/reach-draft.ts'
import { readGroup, readRule } from '../../web/src/rules/read-rule.ts'
import { phraseOf, SELECTOR_TABLE } from '../../web/src/rules/selectors.ts'
import { suggestedId, suggestedServerId } from '../../web/src/rules/suggested-id.ts'

const NAMES: Names = { ...NO_NAMES, group: () => 'Staff', list: () => 'Partners', provider: () => 'Acme account' }

describe('the table of selectors', () => {
  test('it has each selector of the API, with each of its fields, and no other', () => {
    expect(Object.keys(SELECTOR_TABLE).sort()).toEqual([...SELECTORS].sort())
    for (const selector of SELECTORS) {
      const shape = SELECTOR_SHAPES[selector].shape as Record<string, { isOptional(): boolean }>
      const fields = SELECTOR_TABLE[selector].fields.map(({ name, isOptional = false }) => [name, isOptional])
      const wanted = Object.entries(shape).map(([name, inner]) => [name, inner.isOptional()])
      expect([selector, Object.fromEntries(fields)]).toEqual([selector, Object.fromEntries(wanted)])
    }
  })

  test.each([
    [{ email: { email: 'ada@acme.test' } }, 'whose email is ada@acme.test'],
    [{ email_domain: { domain: 'acme.test' } }, 'whose email ends in @acme.test'],
    [{ email_list: { id: 'l1' } }, 'whose email is in the list Partners'],
    [{ everyone: {} }, 'at all'],
    [{ ip: { ip: '10.0.0.0/8' } }, 'who comes from 10.0.0.0/8'],
    [{ ip_list: { id: 'l2' } }, 'who comes from an address in the list Partners'],
    [{ geo: { country_code: 'PT' } }, 'who comes from Portugal'],
    [{ group: { id: 'g1' } }, 'who is in the group Staff'],
    [{ service_token: { token_id: 't1' } }, 'who uses the service token t1'],
    [{ any_valid_service_token: {} }, 'who uses a valid service token'],
    [{ linked_app_token: { app_uid: 'a1' } }, 'who brings a token of the application a1'],
    [{ certificate: {} }, 'who shows a valid client certificate'],
    [{ common_name: { common_name: 'bot.acme' } }, 'whose certificate is of bot.acme'],
    [{ device_posture: { integration_uid: 'p1' } }, 'whose device passes the check p1'],
    [{ login_method: { id: 'i1' } }, 'who signed in with Acme account'],
    [{ auth_method: { auth_method: 'mfa' } }, 'who signed in by mfa'],
    [{ auth_context: { id: 'x', ac_id: 'c1', identity_provider_id: 'i1' } }, 'who met the context c1 of Acme account'],
    [
      { oidc: { claim_name: 'department', claim_value: 'R&D', identity_provider_id: 'i1' } },
      'whose claim “department” of Acme account is “R&D”',
    ],
    [
      { saml: { attribute_name: 'role', attribute_value: 'dev', identity_provider_id: 'i1' } },
      'whose attribute “role” of Acme account is “dev”',
    ],
    [{ azureAD: { id: 'e1', identity_provider_id: 'i1' } }, 'who is in the Entra group e1 of Acme account'],
    [{ okta: { name: 'devs', identity_provider_id: 'i1' } }, 'who is in the Okta group devs of Acme account'],
    [
      { gsuite: { email: 'devs@acme.test', identity_provider_id: 'i1' } },
      'who is in the Google group devs@acme.test of Acme account',
    ],
    [
      { 'github-organization': { name: 'acme', team: 'core', identity_provider_id: 'i1' } },
      'who is in the team core of the GitHub organisation acme by Acme account',
    ],
    [
      { external_evaluation: { evaluate_url: 'https://e.test/', keys_url: 'https://e.test/keys' } },
      'of whom the evaluator at https://e.test/ says yes',
    ],
    [{ user_risk_score: { user_risk_score: ['low', 'medium'] } }, 'whose risk is low or medium'],
    [{ cloudflare_account_member: {} }, 'who is a member of the account'],
  ])('%j is said: %s', (given, words) => {
    expect(criterion.safeParse(given).success).toBe(true)
    expect(phraseOf(given, NAMES)).toBe(words)
  })

  test('what is not filled in is a gap, and what nobody knows keeps its name', () => {
    expect(phraseOf({ email: {} }, NAMES)).toBe('whose email is …')
    expect(phraseOf({ of_tomorrow: { a: 1 } }, NAMES)).toBe('of whom of_tomorrow holds')
  })
})

const rule = { decision: 'allow', include: [{ everyone: {} }], require: [], exclude: [], extra: {} }
const ada = { email: { email: 'ada@acme.test' } }
const staff = { group: { id: 'g1' } }
const abroad = { geo: { country_code: 'DE' } }

describe('a rule in words', () => {
  test.each([
    [rule, ['Lets in everybody who is signed in.']],
    [{ ...rule, decision: 'deny' }, ['Keeps out everybody.']],
    [{ ...rule, decision: 'bypass' }, ['Lets in, without asking who they are, everybody.']],
    [{ ...rule, decision: 'non_identity' }, ['Lets in service tokens: all of them.']],
    [{ ...rule, include: [] }, ['Lets in nobody yet.']],
    [
      { ...rule, include: [ada, { email_domain: { domain: 'acme.test' } }], require: [staff], exclude: [abroad] },
      [
        'Lets in anybody whose email is ada@acme.test or whose email ends in @acme.test, if it is also somebody who is in the group Staff, but not anybody who comes from Germany.',
      ],
    ],
    [
      {
        ...rule,
        decision: 'deny',
        include: [ada],
        extra: { capabilities: [{ servers: ['github'], kinds: ['tool'], names: ['delete_repo'] }] },
      },
      ['Keeps out anybody whose email is ada@acme.test.', 'Speaks only of the tool delete_repo of github.'],
    ],
    [
      {
        ...rule,
        extra: {
          capabilities: [
            { annotations: { destructiveHint: true }, labels: ['sends_out'] },
            { patterns: ['read_.*'], arguments: [{ pointer: '/path', under: '/safe' }] },
          ],
        },
      },
      [
        'Lets in everybody who is signed in.',
        'Speaks only of everything, where it may destroy things and it sends data out or names like read_.*, where the argument /path is a path in or below /safe.',
      ],
    ],
    [
      {
        ...rule,
        extra: {
          approval_required: true,
          approval_groups: [{ approvals_needed: 1, email_addresses: ['bo@acme.test', 'cy@acme.test'] }],
          purpose_justification_required: true,
          purpose_justification_prompt: 'What for?',
          step_up: { auth_method: ['mfa', 'hwk'], max_age: '15m' },
          valid_until: '2027-01-01T00:00:00Z',
        },
      },
      [
        'Lets in everybody who is signed in.',
        'Asks for approval before each call: 1 of bo@acme.test and cy@acme.test.',
        'Asks what for before each call: “What for?”.',
        'They must have signed in by mfa or hwk within the last 15m; who has not is asked to do it again.',
        'Holds until 2027-01-01T00:00:00Z.',
      ],
    ],
    [
      { ...rule, extra: { mfa_config: { allowed_authenticators: ['totp', 'security_key'], session_duration: '8h' } } },
      [
        'Lets in everybody who is signed in.',
        'They must have signed in with a one-time code or a security key within the last 8h; who has not is asked to do it again.',
      ],
    ],
    [{ ...rule, extra: { mfa_config: {} } }, ['Lets in everybody who is signed in.']],
    [
      { ...rule, extra: { mfa_config: { mfa_disabled: true, session_duration: '1h' } } },
      ['Lets in everybody who is signed in.'],
    ],
  ])('%#', (given, sentences) => {
    expect(readRule(given, NAMES)).toEqual(sentences)
  })

  test.each([
    [{ pointer: '/a', equals: 1 }, 'the argument /a is 1'],
    [{ pointer: '/a', equals: 'x' }, 'the argument /a is "x"'],
    [{ pointer: '/a', one_of: ['x', 2, true] }, 'the argument /a is "x", 2 or true'],
    [{ pointer: '/a', matches: 'x.*' }, 'the argument /a matches x.*'],
    [{ pointer: '/a', range: { min: 0, max: 9 } }, 'the argument /a lies between 0 and 9'],
    [{ pointer: '/a', range: { max: 9 } }, 'the argument /a is at most 9'],
    [{ pointer: '/a', range: { min: 3 } }, 'the argument /a is at least 3'],
    [{ pointer: '/a', present: true }, 'the argument /a is given'],
    [{ pointer: '', absent: true }, 'the arguments as a whole is not given'],
  ])('of arguments: %j', (condition, words) => {
    const capabilities = [{ names: ['send'], arguments: [condition] }]
    expect(capabilitiesInput.safeParse(capabilities).success).toBe(true)
    expect(readRule({ ...rule, extra: { capabilities } }, NAMES)[1]).toBe(`Speaks only of send, where ${words}.`)
  })

  test('an entry that narrows nothing is told as one that does not', () => {
    const capabilities = [{ names: ['send'] }, {}]
    expect(readRule({ ...rule, extra: { capabilities } }, NAMES)[1]).toBe('Speaks of everything.')
  })

  test('a group says whom it holds, and a list of words is joined as people do', () => {
    expect(readGroup({ include: [ada], require: [], exclude: [] }, NAMES)).toBe('Anybody whose email is ada@acme.test.')
    expect([joined([], 'or'), joined(['a'], 'or'), joined(['a', 'b', 'c'], 'and')]).toEqual(['', 'a', 'a, b and c'])
  })
})

describe('a draft', () => {
  const stamps = { created_at: '', created_by: '', modified_at: '', modified_by: '', origin: 'api', updated_at: '' }
  const capabilities = [
    {
      servers: ['github'],
      kinds: ['tool'],
      names: ['send'],
      patterns: ['a.*'],
      annotations: { readOnlyHint: false },
      labels: ['sends_out'],
      arguments: [
        { pointer: '/a', equals: '1' },
        { pointer: '/b', equals: { c: [1] } },
        { pointer: '/c', one_of: ['x', 'true', 2] },
        { pointer: '/d', matches: 'x' },
        { pointer: '/e', under: '/safe' },
        { pointer: '/f', range: { min: -1, max: 2.5 } },
        { pointer: '/g', present: true },
        { pointer: '/h', absent: true },
      ],
      expression: 'true',
      flow: { window: '1h' },
    },
  ] as const
  const shown = {
    ...stamps,
    id: 'p1',
    name: 'Some',
    decision: 'allow',
    include: [ada, { everyone: {} }],
    require: [staff],
    exclude: [],
    reusable: true,
    app_count: 2,
    capabilities,
    session_duration: '24h',
    mfa_config: { mfa_disabled: true },
  } as unknown as PolicyShown

  test('opened and written again it says what the policy said, also what the form has no field for', () => {
    const body = bodyOf(openDraft(shown), shown)
    const { name, decision, include, require, exclude, session_duration, mfa_config } = shown
    expect(body).toEqual({
      ...{ name, decision, include, require, exclude, capabilities, session_duration, mfa_config },
    })
    expect(policyUpdate.safeParse(body).error).toBeUndefined()
    expect(reachOf(openReach(JSON.parse(JSON.stringify(capabilities[0]))))).toEqual(capabilities[0])
  })

  test('what it no longer has is taken away by name, so that the stored policy does not keep it', () => {
    const draft = { ...openDraft(shown), reach: [], extra: { session_duration: null } }
    expect(bodyOf(draft, shown)).toMatchObject({ capabilities: null, session_duration: null, mfa_config: null })
  })

  test('an entry that says nothing is not dropped, which would make the rule one of everything', () => {
    const draft = { ...openDraft(shown), reach: [openReach({})] }
    const body = bodyOf(draft, shown)
    expect(body.capabilities).toEqual([{}])
    expect(policyUpdate.safeParse(body).success).toBe(false)
  })

  test('a new one becomes a body that the API takes, without optional fields that are empty', () => {
    const include = [newCriterion('github-organization', { name: 'acme', team: '', identity_provider_id: 'i1' })]
    const body = bodyOf({ ...newDraft(), name: ' Devs ', include })
    expect(policyCreate.parse(body)).toMatchObject({
      name: 'Devs',
      include: [{ 'github-organization': { name: 'acme', identity_provider_id: 'i1' } }],
    })
  })

  test('a person is added to a part once', () => {
    const draft = withPerson(openDraft(shown), 'exclude', 'bo@acme.test')
    expect(ruleOf(draft).exclude).toEqual([{ email: { email: 'bo@acme.test' } }])
    expect(withPerson(draft, 'exclude', 'bo@acme.test')).toBe(draft)
  })
})

describe('an id that is proposed', () => {
  test.each([
    ['Health Ledger!', 'health-ledger'],
    ['Ärzte_Süd', 'arzte_sud'],
    ['__ -- ', ''],
    [`${'long '.repeat(6)}-tail`, 'long-long-long-long-long-long-ta'],
  ])('%s becomes %j', (name, id) => expect(suggestedId(name)).toBe(id))

  test.each([
    ['mcp-servers/everything', 'everything'],
    ['acme/github-mcp-server', 'github'],
    ['https://ledger.example.com/', 'ledger-example-com'],
    ['MCP Server', 'mcp-server'],
    ['', ''],
  ])('for a server, %s becomes %j', (name, id) => expect(suggestedServerId(name)).toBe(id))
})
