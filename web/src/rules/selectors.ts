/**
 * Every selector of a rule, as one table: what it is called, which fields it has, and how a sentence says it. A phrase goes on from
 * "anybody": `whose email is ada@acme.test`, `who comes from Portugal`.
 */
import type { Selector } from '../../../src/contract/criteria.ts'
import { joined, type Names, orGap, textOf } from './names.ts'

export type FieldKind = 'text' | 'group' | 'email-list' | 'ip-list' | 'service-token' | 'provider' | 'risks'

export interface Field {
  name: string
  label: string
  says: string
  kind: FieldKind
  isOptional?: true
}

export type Family = 'People' | 'Sign-in' | 'Place' | 'Machines' | 'Other'

export type Value = Readonly<Record<string, unknown>>

export interface SelectorRow {
  title: string
  family: Family
  fields: readonly Field[]
  phrase(value: Value, names: Names): string
}

const text = (name: string, label: string, says: string): Field => ({ name, label, says, kind: 'text' })
const chosen = (kind: FieldKind, name: string, label: string, says: string): Field => ({ name, label, says, kind })
const optional = (field: Field): Field => ({ ...field, isOptional: true })
const PROVIDER = chosen('provider', 'identity_provider_id', 'Identity provider', 'The provider that said so.')

const at = (value: Value, name: string): string => orGap(textOf(value[name]))
const quoted = (value: Value, name: string): string => `“${at(value, name)}”`
const providerOf = (value: Value, names: Names, name = 'identity_provider_id'): string =>
  orGap(names.provider(textOf(value[name])))

const COUNTRIES = new Intl.DisplayNames('en', { type: 'region', fallback: 'code' })
function countryOf(code: string): string {
  return /^[A-Z]{2}$/.test(code) ? (COUNTRIES.of(code) ?? code) : orGap(code)
}

const OF_PEOPLE = {
  email: {
    ...{ title: 'Email', family: 'People' },
    fields: [text('email', 'Email address', 'One person, such as ada@acme.com.')],
    phrase: (value) => `whose email is ${at(value, 'email')}`,
  },
  email_domain: {
    ...{ title: 'Email domain', family: 'People' },
    fields: [text('domain', 'Domain', 'What stands behind the @, such as acme.com.')],
    phrase: (value) => `whose email ends in @${at(value, 'domain').replace(/^@/, '')}`,
  },
  email_list: {
    ...{ title: 'Email list', family: 'People' },
    fields: [chosen('email-list', 'id', 'List', 'A list of type EMAIL.')],
    phrase: (value, names) => `whose email is in the list ${orGap(names.list(textOf(value.id)))}`,
  },
  everyone: {
    ...{ title: 'Everyone', family: 'People' },
    fields: [],
    phrase: () => 'at all',
  },
  group: {
    ...{ title: 'Group of rules', family: 'People' },
    fields: [chosen('group', 'id', 'Group', 'Criteria that are kept under one name.')],
    phrase: (value, names) => `who is in the group ${orGap(names.group(textOf(value.id)))}`,
  },
  user_risk_score: {
    ...{ title: 'Risk score', family: 'People' },
    fields: [chosen('risks', 'user_risk_score', 'Risk', 'Any of these.')],
    phrase: ({ user_risk_score: scores }) =>
      `whose risk is ${orGap(joined(Array.isArray(scores) ? scores.map(textOf) : [], 'or'))}`,
  },
} satisfies Partial<Record<Selector, SelectorRow>>

const OF_SIGN_IN = {
  login_method: {
    ...{ title: 'Identity provider', family: 'Sign-in' },
    fields: [chosen('provider', 'id', 'Identity provider', 'Who signed them in.')],
    phrase: (value, names) => `who signed in with ${providerOf(value, names, 'id')}`,
  },
  auth_method: {
    ...{ title: 'Sign-in method', family: 'Sign-in' },
    fields: [text('auth_method', 'Method', 'As RFC 8176 names it, such as mfa, hwk or pwd.')],
    phrase: (value) => `who signed in by ${at(value, 'auth_method')}`,
  },
  auth_context: {
    ...{ title: 'Authentication context', family: 'Sign-in' },
    fields: [
      text('id', 'Context id', 'Its id at the provider.'),
      text('ac_id', 'Context', 'Its acrs value, such as c1.'),
      PROVIDER,
    ],
    phrase: (value, names) => `who met the context ${at(value, 'ac_id')} of ${providerOf(value, names)}`,
  },
  oidc: {
    ...{ title: 'OIDC claim', family: 'Sign-in' },
    fields: [
      text('claim_name', 'Claim', 'Its name, such as department.'),
      text('claim_value', 'Value', 'What it must be, or one of what it lists.'),
      PROVIDER,
    ],
    phrase: (value, names) =>
      `whose claim ${quoted(value, 'claim_name')} of ${providerOf(value, names)} is ${quoted(value, 'claim_value')}`,
  },
  saml: {
    ...{ title: 'SAML attribute', family: 'Sign-in' },
    fields: [
      text('attribute_name', 'Attribute', 'Its name at the provider.'),
      text('attribute_value', 'Value', 'What it must be.'),
      PROVIDER,
    ],
    phrase: (value, names) =>
      `whose attribute ${quoted(value, 'attribute_name')} of ${providerOf(value, names)} is ${quoted(value, 'attribute_value')}`,
  },
  azureAD: {
    ...{ title: 'Entra group', family: 'Sign-in' },
    fields: [text('id', 'Group id', 'The object id of the group in Microsoft Entra.'), PROVIDER],
    phrase: (value, names) => `who is in the Entra group ${at(value, 'id')} of ${providerOf(value, names)}`,
  },
  okta: {
    ...{ title: 'Okta group', family: 'Sign-in' },
    fields: [text('name', 'Group', 'The name of the group at Okta.'), PROVIDER],
    phrase: (value, names) => `who is in the Okta group ${at(value, 'name')} of ${providerOf(value, names)}`,
  },
  gsuite: {
    ...{ title: 'Google group', family: 'Sign-in' },
    fields: [text('email', 'Group', 'The address of the group at Google Workspace.'), PROVIDER],
    phrase: (value, names) => `who is in the Google group ${at(value, 'email')} of ${providerOf(value, names)}`,
  },
  'github-organization': {
    ...{ title: 'GitHub organisation', family: 'Sign-in' },
    fields: [
      text('name', 'Organisation', 'As it is called in GitHub’s addresses.'),
      optional(text('team', 'Team', 'Only this team of it; leave empty for all.')),
      PROVIDER,
    ],
    phrase: (value, names) => {
      const team = textOf(value.team)
      const of = team === '' ? '' : `the team ${team} of `
      return `who is in ${of}the GitHub organisation ${at(value, 'name')} by ${providerOf(value, names)}`
    },
  },
} satisfies Partial<Record<Selector, SelectorRow>>

const OF_PLACES = {
  ip: {
    ...{ title: 'IP range', family: 'Place' },
    fields: [text('ip', 'Address or range', 'Such as 192.0.2.7, 10.0.0.0/8 or 2001:db8::/32.')],
    phrase: (value) => `who comes from ${at(value, 'ip')}`,
  },
  ip_list: {
    ...{ title: 'IP list', family: 'Place' },
    fields: [chosen('ip-list', 'id', 'List', 'A list of type IP.')],
    phrase: (value, names) => `who comes from an address in the list ${orGap(names.list(textOf(value.id)))}`,
  },
  geo: {
    ...{ title: 'Country', family: 'Place' },
    fields: [text('country_code', 'Country', 'Two capital letters of ISO 3166-1, such as PT.')],
    phrase: (value) => `who comes from ${countryOf(textOf(value.country_code))}`,
  },
} satisfies Partial<Record<Selector, SelectorRow>>

const OF_MACHINES = {
  service_token: {
    ...{ title: 'Service token', family: 'Machines' },
    fields: [chosen('service-token', 'token_id', 'Service token', 'One bot.')],
    phrase: (value, names) => `who uses the service token ${orGap(names.serviceToken(textOf(value.token_id)))}`,
  },
  any_valid_service_token: {
    ...{ title: 'Any service token', family: 'Machines' },
    fields: [],
    phrase: () => 'who uses a valid service token',
  },
  linked_app_token: {
    ...{ title: 'Token of an application', family: 'Machines' },
    fields: [text('app_uid', 'Application', 'The id of the application whose token is brought.')],
    phrase: (value) => `who brings a token of the application ${at(value, 'app_uid')}`,
  },
  certificate: {
    ...{ title: 'Client certificate', family: 'Machines' },
    fields: [],
    phrase: () => 'who shows a valid client certificate',
  },
  common_name: {
    ...{ title: 'Common name', family: 'Machines' },
    fields: [text('common_name', 'Common name', 'Of the client certificate.')],
    phrase: (value) => `whose certificate is of ${at(value, 'common_name')}`,
  },
  device_posture: {
    ...{ title: 'Device posture', family: 'Machines' },
    fields: [
      text('integration_uid', 'Check', 'The id of the posture check.'),
      optional(text('account_id', 'Account', 'Where the check is kept; leave empty for this one.')),
    ],
    phrase: (value) => `whose device passes the check ${at(value, 'integration_uid')}`,
  },
} satisfies Partial<Record<Selector, SelectorRow>>

const OF_OTHERS = {
  external_evaluation: {
    ...{ title: 'External evaluation', family: 'Other' },
    fields: [
      text('evaluate_url', 'Evaluator', 'The URL that is asked about each caller.'),
      text('keys_url', 'Its keys', 'The URL of the keys that sign its answers.'),
    ],
    phrase: (value) => `of whom the evaluator at ${at(value, 'evaluate_url')} says yes`,
  },
  cloudflare_account_member: {
    ...{ title: 'Account member', family: 'Other' },
    fields: [optional(text('account_id', 'Account', 'Leave empty for this one.'))],
    phrase: (value) => {
      const account = textOf(value.account_id)
      return account === '' ? 'who is a member of the account' : `who is a member of the account ${account}`
    },
  },
} satisfies Partial<Record<Selector, SelectorRow>>

export const SELECTOR_TABLE: Readonly<Record<Selector, SelectorRow>> = {
  ...OF_PEOPLE,
  ...OF_SIGN_IN,
  ...OF_PLACES,
  ...OF_MACHINES,
  ...OF_OTHERS,
}

export const FAMILIES: readonly Family[] = ['People', 'Sign-in', 'Place', 'Machines', 'Other']
export const RISKS = ['low', 'medium', 'high', 'unscored']

export function isSelector(name: string): name is Selector {
  return Object.hasOwn(SELECTOR_TABLE, name)
}

/** One criterion as the API has it: an object with one key. */
export type Criterion = Readonly<Record<string, unknown>>

/** @returns its selector and what stands behind it */
export function openCriterion(criterion: Criterion): { selector: string; value: Value } {
  const [selector = '', value] = Object.entries(criterion).find(([, value]) => value !== undefined) ?? []
  return { selector, value: typeof value === 'object' && value !== null ? (value as Value) : {} }
}

/** @returns `whose email is ada@acme.test` */
export function phraseOf(criterion: Criterion, names: Names): string {
  const { selector, value } = openCriterion(criterion)
  // A newer server may know one that this console does not.
  return isSelector(selector) ? SELECTOR_TABLE[selector].phrase(value, names) : `of whom ${selector} holds`
}
