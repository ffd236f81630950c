/**
 * `/access/identity_providers`. Who may say who people are may say that somebody is an owner: so writing here is the owner's alone. A stored
 * secret follows only the place that it was given for, and people whom another place vouched for are signed out.
 */
import type { Operator } from '../base/principal.ts'
import type { PageQuery } from '../contract/envelope.ts'
import type {
  IdentityProviderShown,
  IdentityProviderTested,
  IdentityProviderWrite,
  ProviderConfig,
  ProviderType,
} from '../contract/identity-provider.ts'
import { addressesOf, isOktaAccount } from '../identity/providers/addresses.ts'
import {
  deleteProvider as dropProvider,
  endWhatCameThrough,
  insertProvider,
  listProviders as loadProviders,
  type ProviderRecord,
  readProvider,
  readProviderSecret,
  updateProvider as writeProvider,
} from '../identity/providers/provider-store.ts'
import { callbackPathOf } from '../identity/providers/providers.ts'
import { placeOf, settingsOf, vouchesForLess } from '../identity/providers/settings.ts'
import { testProvider } from '../identity/providers/test-provider.ts'
import { listPolicies } from '../policy/policy-store.ts'
import type { Db } from '../store/open.ts'
import type { AdminDeps } from './deps.ts'
import { passAllowGate, refuseDestination } from './destination-gate.ts'
import { holds } from './holds.ts'
import { pageOf } from './paging.ts'
import { conflict, forbidden, invalid, notFound, readOnly } from './refusal.ts'
import type { Call, Outcome } from './route.ts'
import { shownStamps } from './times.ts'
import { writtenFields } from './written-fields.ts'

export async function listIdentityProviders({ deps, query }: Call<unknown, PageQuery>): Promise<Outcome> {
  const page = pageOf(await loadProviders(deps.store.db), query, ({ id, name, type }) => [id, name, type])
  return { result: page.items.map((one) => show(deps, one)), info: page.info }
}

export async function getIdentityProvider({ deps, id }: Call): Promise<Outcome> {
  return { result: show(deps, await existing(deps.store.db, id)) }
}

export async function createIdentityProvider(call: Call<IdentityProviderWrite>): Promise<Outcome> {
  const { deps, body, operator, author } = call
  requireOwner(operator)
  const { config, secret } = take(deps, body)
  passAllowGate(operator, [], config.allow_private)
  const made = await deps.store.write(async (trx) => {
    if (body.type === 'onetimepin' && (await loadProviders(trx)).some(({ type }) => type === 'onetimepin')) {
      throw conflict('There is a one-time PIN already; there can be only one.')
    }
    const writing = { store: deps.store, trx, sealer: deps.sealer, author }
    const content = { name: body.name, config, clientSecret: secret ?? null }
    return existing(trx, await insertProvider(writing, body.type, content))
  })
  return {
    result: show(deps, made),
    messages: [...warningsOf(made), ...(made.type === 'onetimepin' ? await mailboxWarnings(deps) : [])],
    change: { object: 'identity_provider', id: made.id, fields: fieldsOf(body) },
  }
}

/** The configuration is replaced whole; only the secret stays where it is not sent. */
export async function updateIdentityProvider(call: Call<IdentityProviderWrite>): Promise<Outcome> {
  const { deps, id, body, operator, author } = call
  requireOwner(operator)
  const { config, secret } = take(deps, body)
  const { after, ended } = await deps.store.write(async (trx) => {
    const before = await changeable(trx, id, deps.configFile)
    if (before.type !== body.type) throw invalid('type', 'cannot change; delete the provider and create another')
    passAllowGate(operator, before.config.allow_private ?? [], config.allow_private ?? [])
    const isElsewhere = destinationOf(before.type, before.config) !== destinationOf(body.type, config)
    const mustReturn = isVouchedForAnew(before, config)
    const content = {
      ...{ name: body.name, config },
      ...(secret === undefined ? (isElsewhere ? { clientSecret: null } : {}) : { clientSecret: secret }),
    }
    await writeProvider({ store: deps.store, trx, sealer: deps.sealer, author }, id, content)
    const ended = mustReturn ? await endWhatCameThrough(deps.store, trx, { provider: id }) : null
    return { after: await existing(trx, id), ended }
  })
  return {
    result: show(deps, after),
    messages: [...warningsOf(after), ...(ended === null ? [] : [endedSentence(ended)])],
    change: { object: 'identity_provider', id, fields: fieldsOf(body) },
  }
}

/** What hangs on it ends with it: the browser sessions and the clients of everybody who came through. */
export async function deleteIdentityProvider({ deps, id, operator }: Call): Promise<Outcome> {
  await deps.store.write(async (trx) => {
    await changeable(trx, id, deps.configFile)
    requireOwner(operator)
    await dropProvider(deps.store, trx, id)
  })
  return { result: { id }, change: { object: 'identity_provider', id, fields: [] } }
}

export async function testIdentityProvider({ deps, id }: Call): Promise<Outcome> {
  const record = await existing(deps.store.db, id)
  const clientSecret = await readProviderSecret(deps.store.db, deps.sealer, id)
  const settings = settingsOf({ ...record, clientSecret })
  const checks =
    settings === null
      ? [{ check: 'type', ok: true, message: 'PINs are mailed by the portal itself; nobody else is asked.' }]
      : await testProvider(settings, deps.egress)
  const result: IdentityProviderTested = { ok: checks.every(({ ok }) => ok), checks: [...checks] }
  return { result, change: { object: 'identity_provider', id, fields: ['test'] } }
}

/** Who could say who vouches for people could become an owner with all rights, whatever they lack now. */
function requireOwner(operator: Operator): void {
  if (holds(operator, { role: 'owner', scopes: [] })) return
  throw forbidden(
    'Who may vouch for people is settled by an owner with all rights. Use an owner token without scopes, or ask an owner.',
  )
}

interface Taken {
  config: ProviderConfig
  /** Undefined where none was sent. */
  secret: string | undefined
}

/** @throws ApiRefusal 400 where the parts do not fit together, or an address leads where a provider must not be */
function take({ egress }: Pick<AdminDeps, 'egress'>, { type, config: sent = {} }: IdentityProviderWrite): Taken {
  const { redirect_url: _, ...rest } = sent
  const { client_secret: secret, ...config } = rest as ProviderConfig & { client_secret?: string }
  if (type === 'oidc') requireWhole(config)
  if (type === 'github') requireOneGithub(config)
  if (type === 'okta' && !isOktaAccount(config.okta_account ?? '')) {
    throw invalid('config.okta_account', 'must be your Okta domain, such as "dev-123.okta.com"')
  }
  for (const { field, href, isSafe } of addressesOf(type, config)) {
    if (!isSafe) {
      throw invalid(
        `config.${field}`,
        'must begin with https://; plain http is only for a provider on this machine whose host and port stand in allow_private',
      )
    }
    refuseDestination(egress, href, config.allow_private ?? [], `config.${field}`)
  }
  return { config, secret }
}

/** Who gives the endpoints gives them all, or the issuer, from which they are found. */
function requireWhole({ issuer, auth_url, token_url, certs_url }: ProviderConfig): void {
  const given = [auth_url, token_url, certs_url].filter((url) => url !== undefined).length
  if (given !== 0 && given !== 3) {
    throw invalid('config', 'auth_url, token_url and certs_url belong together: give all three, or only the issuer')
  }
  if (given === 0 && issuer === undefined) {
    throw invalid('config.issuer', 'is required, unless auth_url, token_url and certs_url are given')
  }
}

/** An account is a number at one GitHub: its API must be of the same one. */
function requireOneGithub({ auth_url, token_url, api_url }: ProviderConfig): void {
  const given = [auth_url, token_url, api_url].filter((url) => url !== undefined).length
  if (given !== 0 && given !== 3) {
    throw invalid(
      'config',
      'auth_url, token_url and api_url belong together: give all three for GitHub Enterprise Server',
    )
  }
}

/** Where a secret goes, and for which client. */
function destinationOf(type: ProviderType, config: ProviderConfig): string {
  return JSON.stringify([placeOf(type, config), config.client_id ?? null])
}

/** Whether somebody else vouches for people, or what was said of them would not be said any more: what came of it ends. */
function isVouchedForAnew(before: ProviderRecord, config: ProviderConfig): boolean {
  const [was, is] = [before.config, config].map((one) => settingsOf({ ...before, config: one, clientSecret: null }))
  const isElsewhere =
    JSON.stringify(placeOf(before.type, before.config)) !== JSON.stringify(placeOf(before.type, config))
  return isElsewhere || (was != null && is != null && vouchesForLess(was, is))
}

function fieldsOf(body: IdentityProviderWrite): readonly string[] {
  const { config = {}, has_client_secret: _, callback_url: __, read_only: ___, ...rest } = body
  return [...writtenFields(rest), ...writtenFields(config).map((name) => `config.${name}`)]
}

function warningsOf({ type, config, hasClientSecret }: ProviderRecord): string[] {
  if (type === 'onetimepin') return []
  const domains = config.email_domains ?? (config.apps_domain === undefined ? [] : [config.apps_domain])
  const isOpenToAll = type === 'github' || (type === 'google' && config.apps_domain === undefined)
  return [
    ...(hasClientSecret || type === 'oidc'
      ? []
      : [
          'There is no client_secret, or it was forgotten because the provider changed: send it, or nobody can sign in here.',
        ]),
    ...(domains.length > 0
      ? []
      : ['email_domains is empty: people come in without an address, so no policy about addresses matches them.']),
    ...(isOpenToAll && (domains.length === 0 || config.allow_unknown_addresses)
      ? ['Anybody in the world who has an account there can sign in here, and a policy for everyone lets them in.']
      : []),
  ]
}

function endedSentence({ sessions, grants }: { sessions: number; grants: number }): string {
  return `The provider vouches for people in another way now, so they sign in anew: ${sessions} browser sessions and ${grants} authorizations of clients were ended.`
}

function show({ issuer }: Pick<AdminDeps, 'issuer'>, record: ProviderRecord): IdentityProviderShown {
  const { id, name, type, config, hasClientSecret } = record
  return {
    ...{ id, name, type, config: { ...config } },
    has_client_secret: hasClientSecret,
    ...(type === 'onetimepin' ? {} : { callback_url: `${issuer()}${callbackPathOf(id)}` }),
    ...shownStamps(record),
  }
}

async function existing(db: Db, id: string): Promise<ProviderRecord> {
  const provider = await readProvider(db, id)
  if (provider === undefined) throw notFound('identity provider', id)
  return provider
}

async function changeable(db: Db, id: string, file: string | null): Promise<ProviderRecord> {
  const provider = await existing(db, id)
  if (provider.origin === 'file') throw readOnly('identity provider', id, file)
  return provider
}

/** Whoever has a mailbox can have a PIN, so a policy that lets in everyone who is signed in then lets in the world. */
async function mailboxWarnings({ store }: Pick<AdminDeps, 'store'>): Promise<string[]> {
  const wide = (await listPolicies(store.db)).filter(
    ({ decision, include, require }) =>
      decision === 'allow' && require.length === 0 && include.some((criterion) => Object.hasOwn(criterion, 'everyone')),
  )
  return wide.map(
    ({ name }) =>
      `Anybody who has a mailbox can sign in by PIN now, and the policy "${name}" lets in everyone who is signed in. Narrow it, for example to your email_domain.`,
  )
}
