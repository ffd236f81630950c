/** What each kind of identity provider is asked for, and how that becomes its configuration; what is not asked for stays as it is. */
import type { IdentityProviderShown, ProviderType } from '../../../../src/contract/identity-provider.ts'
import { type Field, isOn, many, text, type Values } from '../../parts/fields.tsx'
import { SETTINGS } from '../../words/settings.ts'

const { fields: WORDS } = SETTINGS.providers

const NAME: Field = { name: 'name', ...WORDS.name, required: true }
const config = (name: string, words: { label: string; says?: string }, more: Partial<Field> = {}): Field => ({
  ...{ name, ...words, at: `config.${name}` },
  ...more,
})
const ID = config('client_id', WORDS.id, { required: true })
const SECRET = config('client_secret', WORDS.secret, { kind: 'secret' })
const DOMAINS = config('email_domains', WORDS.domains, { kind: 'lines' })
const UNKNOWN = config('allow_unknown_addresses', WORDS.unknown, { kind: 'tick' })
const CLAIMS = config('claims', WORDS.claims, { kind: 'lines' })
const SCOPES = config('scopes', WORDS.scopes, { kind: 'lines' })
const PRIVATE = config('allow_private', WORDS.private, { kind: 'lines' })
const GROUPS = config('groups', WORDS.groups)
const COMMON = [ID, SECRET, DOMAINS, UNKNOWN]

const FIELDS: Readonly<Record<ProviderType, readonly Field[]>> = {
  oidc: [config('issuer', WORDS.issuer), ...COMMON, GROUPS, CLAIMS, SCOPES, PRIVATE],
  google: [...COMMON, config('apps_domain', WORDS.apps), CLAIMS],
  azureAD: [
    config('directory_id', WORDS.directory, { required: true }),
    ...COMMON,
    config('tenant_owns_domains', WORDS.owns, { kind: 'tick' }),
    config('support_groups', WORDS.entraGroups, { kind: 'tick' }),
    CLAIMS,
  ],
  okta: [config('okta_account', WORDS.okta, { required: true }), ...COMMON, GROUPS, CLAIMS, SCOPES],
  github: [...COMMON],
  onetimepin: [],
}

/** @param hasSecret whether one is kept already */
export function fieldsOf(type: ProviderType, hasSecret: boolean): readonly Field[] {
  const own = FIELDS[type].map((field) =>
    field.name === 'client_secret' && hasSecret ? { ...field, says: WORDS.secretKept } : field,
  )
  return [NAME, ...own]
}

export function valuesOf({ name, type, config: kept }: IdentityProviderShown): Values {
  const shown = FIELDS[type].map((field) => [field.name, startOf(field, kept[field.name])] as const)
  return { ...Object.fromEntries(shown), name }
}

function startOf({ name, kind }: Field, kept: unknown) {
  if (kind === 'tick') return kept === true
  if (kind === 'lines') return Array.isArray(kept) ? kept.join('\n') : ''
  if (name === 'groups') return (kept as { claim?: string } | null | undefined)?.claim ?? ''
  return typeof kept === 'string' ? kept : ''
}

/** @param before what is kept of what the form does not ask for */
export function bodyOf(type: ProviderType, values: Values, before: Readonly<Record<string, unknown>> = {}) {
  const next: Record<string, unknown> = { ...before }
  for (const field of FIELDS[type]) {
    const value = configured(field, values, before)
    if (value === undefined) delete next[field.name]
    else next[field.name] = value
  }
  return { name: text(values, 'name'), type, config: next }
}

function configured({ name, kind }: Field, values: Values, before: Readonly<Record<string, unknown>>): unknown {
  if (kind === 'tick') return isOn(values, name) ? true : undefined
  if (kind === 'lines') return many(values, name).length === 0 ? undefined : many(values, name)
  const given = text(values, name)
  if (given === '') return undefined
  if (name !== 'groups') return given
  return { ...(before.groups as object | null | undefined), claim: given }
}
