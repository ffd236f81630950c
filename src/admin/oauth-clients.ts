/** `/access/oauth`: clients that an admin writes down, those that introduced themselves, and the rules for the latter. */
import { digest, newSecret } from '../base/secret.ts'
import type { PageQuery } from '../contract/envelope.ts'
import type {
  OauthClientCreate,
  OauthClientShown,
  OauthClientUpdate,
  OauthConfiguration,
} from '../contract/oauth-client.ts'
import {
  type ClientRecord,
  deleteClient,
  insertClient,
  listClients,
  readClient,
  type StoredMetadata,
  updateClient,
} from '../identity/oauth/clients/client-store.ts'
import { faultOfEntry } from '../identity/oauth/clients/policy.ts'
import { readClientPolicy, saveClientPolicy } from '../identity/oauth/clients/policy-keeper.ts'
import { type ClientMetadata, normaliseRegistration } from '../identity/oauth/clients/registration.ts'
import type { Db, Store } from '../store/open.ts'
import { pageOf } from './paging.ts'
import { ApiRefusal, conflict, invalid, notFound } from './refusal.ts'
import type { Call, Outcome } from './route.ts'
import { shownTime, shownTimeOrNull } from './times.ts'
import { writtenFields } from './written-fields.ts'

export async function listOauthClients({ deps, query }: Call<unknown, PageQuery>): Promise<Outcome> {
  const all = (await listClients(deps.store)).map(show)
  const named = query.name === undefined ? all : all.filter(({ client_name: name }) => name === query.name)
  const page = pageOf(named, query, (client) => [client.id, client.client_name, ...client.redirect_uris])
  return { result: page.items, info: page.info }
}

export async function getOauthClient({ deps, id }: Call): Promise<Outcome> {
  return { result: show(await existing(deps.store, deps.store.db, id)) }
}

export async function createOauthClient({ deps, body, operator }: Call<OauthClientCreate>): Promise<Outcome> {
  const metadata = metadataOf({ token_endpoint_auth_method: 'none', ...body })
  const secret = secretFor(metadata)
  const kept: StoredMetadata = { ...metadata, ...(secret === null ? {} : { client_secret: digest(secret) }) }
  const { store } = deps
  const id = await store.write((trx) =>
    insertClient(store, trx, { kind: 'admin', metadata: kept, createdBy: operator.name }),
  )
  return {
    result: { ...show(await existing(store, store.db, id)), ...(secret === null ? {} : { client_secret: secret }) },
    change: { object: 'oauth_client', id, fields: writtenFields(body) },
  }
}

export async function updateOauthClient({ deps, id, body }: Call<OauthClientUpdate>): Promise<Outcome> {
  const { store } = deps
  const secret = await store.write(async (trx) => {
    const before = await existing(store, trx, id)
    if (before.kind !== 'admin') {
      throw conflict('This client introduced itself, and only it can change what it said. Delete it, or leave it.')
    }
    const { client_secret: kept, ...old } = before.metadata
    const metadata = metadataOf({ ...old, ...settingsIn(body) })
    const needs = secretFor(metadata)
    const fresh = kept === undefined || body.rotate_client_secret === true ? needs : null
    const next = fresh === null ? kept : digest(fresh)
    await updateClient(trx, id, {
      ...metadata,
      ...(needs === null || next === undefined ? {} : { client_secret: next }),
    })
    return fresh
  })
  return {
    result: { ...show(await existing(store, store.db, id)), ...(secret === null ? {} : { client_secret: secret }) },
    change: { object: 'oauth_client', id, fields: writtenFields(body) },
  }
}

/** With all that people let it do: its tokens end on every replica at once. */
export async function deleteOauthClient({ deps, id }: Call): Promise<Outcome> {
  const { store } = deps
  const grants = await store.write(async (trx) => {
    await existing(store, trx, id)
    return deleteClient(store, trx, id)
  })
  return { result: { id, grants_revoked: grants }, change: { object: 'oauth_client', id, fields: [] } }
}

export async function getOauthConfiguration({ deps }: Call): Promise<Outcome> {
  return { result: (await readClientPolicy(deps.store.db)) ?? {} }
}

/** Replaces the whole: what is left out is no rule any more. */
export async function putOauthConfiguration({ deps, body }: Call<OauthConfiguration>): Promise<Outcome> {
  const { store } = deps
  refuseUselessUris(body, '')
  if (body.device_authorization !== undefined) {
    throw invalid('device_authorization', 'is a setting of each portal; set it in oauth_configuration there')
  }
  await store.write((trx) => saveClientPolicy(store, trx, body as Parameters<typeof saveClientPolicy>[2]))
  return {
    result: (await readClientPolicy(store.db)) ?? {},
    change: { object: 'oauth_configuration', id: 'organization', fields: writtenFields(body) },
  }
}

/** @throws ApiRefusal 400 for an entry that could never match, or would match more than it shows */
export function refuseUselessUris(configuration: OauthConfiguration, prefix: string): void {
  for (const [at, entry] of (configuration.dynamic_client_registration?.allowed_uris ?? []).entries()) {
    const fault = faultOfEntry(entry)
    if (fault !== null) throw invalid(`${prefix}dynamic_client_registration.allowed_uris.${at}`, fault)
  }
}

/** @throws ApiRefusal 400 */
function metadataOf(body: object): ClientMetadata {
  const normalised = normaliseRegistration(body, null, 'admin')
  if (!('error' in normalised)) return normalised.metadata
  const { error_description: text } = normalised
  throw new ApiRefusal('invalid', text)
}

function settingsIn(body: OauthClientUpdate): object {
  const fields = [
    ...(['client_name', 'redirect_uris', 'grant_types', 'token_endpoint_auth_method'] as const),
    ...(['token_endpoint_auth_signing_alg', 'jwks', 'jwks_uri'] as const),
  ]
  return Object.fromEntries(fields.flatMap((name) => (body[name] === undefined ? [] : [[name, body[name]]])))
}

function secretFor({ token_endpoint_auth_method: method }: ClientMetadata): string | null {
  return method === 'client_secret_basic' || method === 'client_secret_post' ? newSecret('ptcs') : null
}

function show(client: ClientRecord): OauthClientShown {
  const { client_secret: _secret, registration_access_token: _token, ...metadata } = client.metadata
  const { response_types: _types, application_type: _type, client_name = '', ...rest } = metadata
  return {
    ...{ id: client.id, client_id: client.id, kind: client.kind, client_name },
    ...rest,
    created_at: shownTime(client.createdAt),
    created_by: client.createdBy,
    last_used_at: shownTimeOrNull(client.lastUsedAt),
    expires_at: shownTimeOrNull(client.expiresAt),
  }
}

async function existing(store: Store, db: Db, id: string): Promise<ClientRecord> {
  const client = await readClient(store, db, id)
  if (client === undefined) throw notFound('OAuth client', id)
  return client
}
