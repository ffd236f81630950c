/** An OAuth client that was registered by hand, as fields of a form: what each kind is asked for, from and into what the REST API takes. */
import type { ServerShown, ServerUpdate } from '../../../../src/contract/server.ts'
import { type Field, isOn, text, type Values } from '../../parts/fields.tsx'
import { CLIENT as SAYS } from '../../words/credentials.ts'

type Summary = NonNullable<ServerShown['auth_config_summary']>
type Mode = Summary['auth_mode']
type Method = keyof typeof SAYS.methods

const METHODS: Readonly<Record<Exclude<Mode, 'dcr'>, readonly Method[]>> = {
  manual: ['client_secret_basic', 'client_secret_post', 'none'],
  client_credentials: ['client_secret_basic', 'client_secret_post', 'private_key_jwt'],
  enterprise: ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'],
}
const ALGORITHMS = ['ES256', 'ES384', 'EdDSA', 'RS256', 'PS256']
const CONFIG = ['issuer', 'authorization_endpoint', 'token_endpoint', 'revocation_endpoint', 'resource'] as const

const modeOf = (values: Values): Mode => text(values, 'mode') as Mode
const isWritten = (values: Values): boolean => modeOf(values) !== 'dcr'
const isManual = (values: Values): boolean => modeOf(values) === 'manual'
const isEnterprise = (values: Values): boolean => modeOf(values) === 'enterprise'

/** Each kind has its own choice. */
function methodOf(values: Values): Method | undefined {
  const mode = modeOf(values)
  return mode === 'dcr' ? undefined : (text(values, `method_${mode}`) as Method)
}

const hasKey = (values: Values): boolean => methodOf(values) === 'private_key_jwt'
const hasSecret = (values: Values): boolean => isWritten(values) && methodOf(values) !== 'none' && !hasKey(values)

const optionsOf = <Value extends string>(words: Readonly<Record<Value, string>>, values: readonly Value[]) =>
  values.map((value) => [value, words[value]] as const)

/**
 * @param kept what is said where a secret is stored, or null
 * @param providers the identity providers that there are
 */
export function fieldsOf(kept: string | null, providers: readonly (readonly [string, string])[]): readonly Field[] {
  const secret = kept === null ? {} : { says: kept }
  const endpoint = (name: string, words: { label: string; says: string }, shows: Field['shows'] & object): Field => ({
    ...{ name, ...words, shows, at: `auth_credentials.config.${name}` },
  })
  const registered = (name: string): string => `auth_credentials.registration_info.${name}`
  // What the API finds out for the other kinds has to be written for the one that people come back for.
  const needed = { required: true, shows: isManual }
  return [
    { name: 'mode', ...SAYS.mode, kind: 'choice', options: Object.entries(SAYS.modes) },
    { ...{ name: 'client_id', ...SAYS.id, required: true, shows: isWritten }, at: registered('client_id') },
    ...(Object.keys(METHODS) as (keyof typeof METHODS)[]).map((mode): Field => {
      const method = { name: `method_${mode}`, ...SAYS.method, kind: 'choice' as const }
      const shows = (values: Values) => modeOf(values) === mode
      return {
        ...method,
        shows,
        options: optionsOf(SAYS.methods, METHODS[mode]),
        at: registered('token_endpoint_auth_method'),
      }
    }),
    { ...{ name: 'client_secret', ...SAYS.secret, ...secret, kind: 'secret', shows: hasSecret } },
    {
      ...{
        name: 'private_key',
        ...SAYS.key,
        ...secret,
        kind: 'lines',
        isSecret: true,
        shows: hasKey,
        at: 'client_secret',
      },
    },
    {
      ...{ name: 'signing_algorithm', ...SAYS.algorithm, kind: 'choice', shows: hasKey },
      ...{
        at: registered('signing_algorithm'),
        options: [['', SAYS.algorithmAny], ...ALGORITHMS.map((one) => [one, one] as const)],
      },
    },
    { name: 'key_id', ...SAYS.keyId, shows: hasKey, at: registered('key_id') },
    { ...endpoint('authorization_endpoint', SAYS.authorization, isManual), ...needed },
    { ...endpoint('token_endpoint', SAYS.token, isManual), ...needed },
    {
      ...endpoint('token_endpoint', SAYS.token, (values) => isWritten(values) && !isManual(values)),
      name: 'other_token_endpoint',
    },
    endpoint('issuer', SAYS.issuer, isWritten),
    endpoint('revocation_endpoint', SAYS.revocation, isManual),
    endpoint('resource', SAYS.resource, isWritten),
    {
      ...{ name: 'identity_provider', ...SAYS.provider, kind: 'choice', shows: isEnterprise },
      options: [['', SAYS.providerAny], ...providers],
    },
    { name: 'scope', ...SAYS.scope, shows: isWritten, at: registered('scope') },
    { name: 'shared', ...SAYS.shared, kind: 'tick', shows: isManual, at: 'is_shared_oauth_callback_enabled' },
  ]
}

export function valuesOf(summary: Summary, isShared: boolean): Values {
  const { auth_mode: mode, config = {}, registration_info: info = {} } = summary
  const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')
  const method = textOf(info.token_endpoint_auth_method)
  const methods = (Object.keys(METHODS) as (keyof typeof METHODS)[]).map(
    (one) => [`method_${one}`, one === mode && method !== '' ? method : (METHODS[one][0] ?? '')] as const,
  )
  const token = textOf(config.token_endpoint)
  return {
    ...{ mode, ...Object.fromEntries(methods), client_secret: '', private_key: '', shared: isShared },
    ...Object.fromEntries(CONFIG.map((name) => [name, textOf(config[name])])),
    ...{ token_endpoint: token, other_token_endpoint: token, identity_provider: textOf(config.identity_provider) },
    ...Object.fromEntries(
      ['client_id', 'scope', 'signing_algorithm', 'key_id'].map((name) => [name, textOf(info[name])]),
    ),
  }
}

/** Those that are given. */
function given(entries: readonly (readonly [string, string])[]): Record<string, string> {
  return Object.fromEntries(entries.filter(([, value]) => value !== ''))
}

/** @param before of what is kept of what the form does not ask for */
export function bodyOf(values: Values, before: Summary): ServerUpdate {
  const mode = modeOf(values)
  if (mode === 'dcr') return { auth_credentials: JSON.stringify({ auth_mode: mode }) }
  const isKey = hasKey(values)
  const named = (names: readonly string[]) => names.map((name) => [name, text(values, name)] as const)
  const config = {
    ...given(named(isManual(values) ? CONFIG : ['issuer', 'resource'])),
    ...(isManual(values) ? {} : given([['token_endpoint', text(values, 'other_token_endpoint')]])),
    ...(isEnterprise(values) ? given(named(['identity_provider'])) : {}),
  }
  const uris = mode === 'manual' ? before.registration_info?.redirect_uris : undefined
  const registration_info = {
    ...{ client_id: text(values, 'client_id'), token_endpoint_auth_method: methodOf(values) },
    ...given(named(isKey ? ['scope', 'signing_algorithm', 'key_id'] : ['scope'])),
    ...(uris === undefined ? {} : { redirect_uris: uris }),
  }
  const secret = isKey ? text(values, 'private_key') : hasSecret(values) ? text(values, 'client_secret') : ''
  return {
    auth_credentials: JSON.stringify({ auth_mode: mode, config, registration_info }),
    ...(secret === '' ? {} : { client_secret: secret }),
    ...(isManual(values) ? { is_shared_oauth_callback_enabled: isOn(values, 'shared') } : {}),
  }
}
