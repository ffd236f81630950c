/**
 * Servers at rest. What must be sent upstream is sealed under the server's own uid and column, so a value moved to another
 * row does not open. What opens it is used to connect, and by `admin/` to compare with what is sent anew. No record carries a
 * secret.
 */
import { Fault } from '../base/fault.ts'
import { newId, type PolicyId, type ServerId, type ServerUid } from '../base/ids.ts'
import type { Sealer } from '../base/secret.ts'
import type { CapabilityOverride } from '../contract/capability-override.ts'
import { type AuthMode, parseWrittenOauth, type WrittenOauth } from '../contract/credentials.ts'
import type { CallLimit } from '../contract/limits-on-calls.ts'
import type { Label } from '../contract/reach.ts'
import type { DefinitionsMode } from '../contract/server.ts'
import { type Author, changedStamps, flag, fromJson, newStamps, type Stamped, stampsOf } from '../store/columns.ts'
import { endDemands } from '../store/end-demands.ts'
import type { Db, Store, Trx } from '../store/open.ts'
import type { ServerRow } from '../store/tables.ts'
import type { Deadlines, ErrorDetails, IdentityWish, ServerRecord, ServerStatus, StdioTransport } from './model.ts'
import { readRelay, relayText } from './stored-relay.ts'
import { readResources, resourcesText } from './stored-resources.ts'

export type AuthenticationStatus = ServerRow['authentication_status']

/** What is public of a server's stored credentials. */
export interface CredentialFacts {
  hasAuthCredentials: boolean
  hasClientSecret: boolean
  /** How many client secrets this server has been given. */
  clientSecretVersion: number
}

/** A server with everything that may be shown of it. `transport.env` is always empty: its values are sealed. */
export interface StoredServer extends ServerRecord, Stamped, CredentialFacts {
  /** Null where the admin sent none: told apart from an empty list, because it is echoed exactly. */
  updatedTools: readonly CapabilityOverride[] | null
  updatedPrompts: readonly CapabilityOverride[] | null
  /** Its own. Null where it has none and never had: its portals' decide alone. Empty where none is left: nobody may use it. */
  policies: readonly PolicyId[] | null
  /** What its tools do with data, as an admin says. */
  labels: readonly Label[]
  limits: readonly CallLimit[]
  /** Callers that only a bypass let in use the stored credential. */
  bypassCredential: boolean
  definitions: DefinitionsMode
  instructions: 'off' | 'on'
  sharedOauthCallback: boolean
  secureWebGateway: boolean
  /** What an admin agreed to for the shared credential beyond what is asked for first, separated by spaces. */
  approvedScope: string | null
  status: ServerStatus
  authenticationStatus: AuthenticationStatus
  error: string | null
  errorDetails: ErrorDetails | null
  lastSynced: number | null
  lastSuccessfulSync: number | null
}

/** What an admin may set at any time. */
export type ServerContent = Pick<
  StoredServer,
  | 'name'
  | 'description'
  | 'isolation'
  | 'allowPrivate'
  | 'deadlines'
  | 'updatedTools'
  | 'updatedPrompts'
  | 'policies'
  | 'definitions'
  | 'instructions'
  | 'identityWish'
  | 'sharedOauthCallback'
  | 'secureWebGateway'
> &
  // What is left out is nothing said, no limit, no credential.
  Partial<Pick<StoredServer, 'labels' | 'limits' | 'bypassCredential' | 'relay' | 'resources'>>

/** What is fixed when the server is made: another of these is another server. */
export type ServerIdentity = Pick<StoredServer, 'id' | 'hostname' | 'authType'> & {
  transport: Omit<StdioTransport, 'env'> | null
}

/** In the clear, on the way in or out of the seal. */
export interface ServerSecrets {
  /** As the REST API takes it: a bearer token, or JSON of headers or of an OAuth client. */
  authCredentials: string | null
  clientSecret: string | null
  /** The environment of a stdio child. */
  env: Readonly<Record<string, string>>
}

/** In the order in which they were made. */
export async function listServers(db: Db): Promise<StoredServer[]> {
  const rows = await db.selectFrom('servers').selectAll().orderBy('position').orderBy('uid').execute()
  return rows.map(toRecord)
}

/** By the public id. */
export async function readServer(db: Db, id: string): Promise<StoredServer | undefined> {
  const row = await db.selectFrom('servers').selectAll().where('id', '=', id).executeTakeFirst()
  return row && toRecord(row)
}

/**
 * For connections, and for comparing; never for showing.
 *
 * @returns undefined when there is no such server
 * @throws Fault `store-unavailable` when a stored seal does not open: the key is missing or the row was moved
 */
export async function readServerSecrets(db: Db, sealer: Sealer, uid: ServerUid): Promise<ServerSecrets | undefined> {
  const row = await db
    .selectFrom('servers')
    .select(['auth_credentials_sealed', 'client_secret_sealed', 'env_sealed'])
    .where('uid', '=', uid)
    .executeTakeFirst()
  if (row === undefined) return undefined
  const env = openColumn(sealer, uid, 'env', row.env_sealed)
  return {
    authCredentials: openColumn(sealer, uid, 'auth_credentials', row.auth_credentials_sealed),
    clientSecret: openColumn(sealer, uid, 'client_secret', row.client_secret_sealed),
    env: env === null ? {} : fromJson(env),
  }
}

export interface NewServer {
  identity: ServerIdentity
  content: ServerContent
  secrets: ServerSecrets
  authenticationStatus: AuthenticationStatus
}

/** A server that is made again under an old id gets a new uid and inherits nothing. */
export async function insertServer(
  store: Store,
  trx: Trx,
  made: NewServer,
  by: { author: Author; sealer: Sealer },
): Promise<ServerUid> {
  const now = store.clock.now()
  const uid = newId<ServerUid>(now)
  const last = await trx
    .selectFrom('servers')
    .select((eb) => eb.fn.max('position').as('position'))
    .executeTakeFirst()
  const { identity } = made
  await trx
    .insertInto('servers')
    .values({
      uid,
      id: identity.id,
      hostname: identity.hostname,
      auth_type: identity.authType,
      auth_mode: identity.authType === 'oauth' ? authModeOf(made.secrets.authCredentials) : null,
      transport: identity.transport === null ? null : transportText(identity.transport),
      ...contentColumns(made.content),
      ...sealColumns(by.sealer, uid, made.secrets),
      client_secret_version: made.secrets.clientSecret === null ? 0 : 1,
      definitions_pinned_at: null,
      status: 'waiting',
      authentication_status: made.authenticationStatus,
      position: (last?.position ?? 0) + 1,
      ...newStamps(now, by.author),
    })
    .execute()
  await store.versions.bump(trx, 'servers')
  return uid
}

export interface ServerChange {
  content: ServerContent
  /** Only the members that change; null forgets what was stored. */
  secrets: Partial<ServerSecrets>
  /** Set where the credential changed: what was learned with the old one no longer holds. */
  authenticationStatus?: AuthenticationStatus
}

export async function updateServer(
  store: Store,
  trx: Trx,
  uid: ServerUid,
  by: { change: ServerChange; author: Author; sealer: Sealer },
): Promise<void> {
  const { change } = by
  const renewed = change.authenticationStatus
  const newSecret = typeof change.secrets.clientSecret === 'string'
  await trx
    .updateTable('servers')
    .set((eb) => ({
      ...contentColumns(change.content),
      ...sealColumns(by.sealer, uid, change.secrets),
      ...(change.secrets.authCredentials === undefined
        ? {}
        : {
            auth_mode: eb
              .case()
              .when('auth_type', '=', 'oauth')
              .then(authModeOf(change.secrets.authCredentials))
              .else(null)
              .end(),
          }),
      ...(newSecret ? { client_secret_version: eb('client_secret_version', '+', 1) } : {}),
      ...(renewed === undefined ? {} : { authentication_status: renewed, status: 'waiting' as const }),
      ...changedStamps(store.clock.now(), by.author),
    }))
    .where('uid', '=', uid)
    .execute()
  // What another credential saw is not what this one sees.
  if (renewed !== undefined) await forgetInventories(store, trx, uid)
  await store.versions.bump(trx, 'servers')
}

/** Its mappings, inventories and toggles go with it. */
export async function deleteServer(store: Store, trx: Trx, uid: ServerUid): Promise<void> {
  await trx.deleteFrom('servers').where('uid', '=', uid).execute()
  await endDemands(store, trx, 'server_uid', uid)
  await store.versions.bump(trx, 'servers')
  await store.versions.bump(trx, 'portals')
  await store.versions.bump(trx, 'inventories')
}

/** What a sync or a live connection learned. Members that are left out stay. */
export interface ServerState {
  status?: ServerStatus
  authenticationStatus?: AuthenticationStatus
  error?: string | null
  errorDetails?: ErrorDetails | null
  lastSynced?: number
  lastSuccessfulSync?: number
}

/** Not a change by an admin: `modified_at` stays. */
export async function updateServerState(store: Store, trx: Trx, uid: ServerUid, state: ServerState): Promise<void> {
  const columns: Partial<Omit<ServerRow, 'position'>> = {}
  if (state.status !== undefined) columns.status = state.status
  if (state.authenticationStatus !== undefined) columns.authentication_status = state.authenticationStatus
  if (state.error !== undefined) columns.error = state.error
  if (state.errorDetails !== undefined) columns.error_details = state.errorDetails && JSON.stringify(state.errorDetails)
  if (state.lastSynced !== undefined) columns.last_synced = state.lastSynced
  if (state.lastSuccessfulSync !== undefined) columns.last_successful_sync = state.lastSuccessfulSync
  if (Object.keys(columns).length === 0) return
  await trx.updateTable('servers').set(columns).where('uid', '=', uid).execute()
  await store.versions.bump(trx, 'servers')
}

/** Beside the sealed text, so that what must not be opened need not be. */
function authModeOf(credentials: string | null): AuthMode {
  const written = credentials === null ? null : parseWrittenOauth(credentials)
  return written === null || typeof written === 'string' ? 'dcr' : written.auth_mode
}

async function forgetInventories(store: Store, trx: Trx, uid: ServerUid): Promise<void> {
  await trx.deleteFrom('inventories').where('server_uid', '=', uid).execute()
  await store.versions.bump(trx, 'inventories')
}

type SealedColumn = 'auth_credentials' | 'client_secret' | 'env'

function sealColumns(sealer: Sealer, uid: ServerUid, secrets: Partial<ServerSecrets>) {
  const seal = (column: SealedColumn, plain: string | null): string | null =>
    plain === null ? null : sealer.seal(plain, `servers/${uid}/${column}`)
  const { authCredentials, clientSecret, env } = secrets
  return {
    ...(authCredentials === undefined ? {} : { auth_credentials_sealed: seal('auth_credentials', authCredentials) }),
    ...(clientSecret === undefined ? {} : { client_secret_sealed: seal('client_secret', clientSecret) }),
    ...(env === undefined ? {} : { env_sealed: seal('env', JSON.stringify(env)) }),
  }
}

function openColumn(sealer: Sealer, uid: ServerUid, column: SealedColumn, sealed: string | null): string | null {
  if (sealed === null) return null
  const plain = sealer.open(sealed, `servers/${uid}/${column}`)
  if (plain !== undefined) return plain
  throw new Fault(
    'store-unavailable',
    'A stored credential does not open with the encryption keys at hand. Start with the key that sealed it, or set the credential anew.',
    `servers/${uid}/${column}`,
  )
}

function contentColumns(content: ServerContent) {
  return {
    name: content.name,
    description: content.description,
    isolation: content.isolation,
    allow_private: JSON.stringify(content.allowPrivate),
    deadlines: content.deadlines && deadlinesText(content.deadlines),
    definitions: content.definitions,
    instructions: content.instructions,
    ...identityColumns(content.identityWish),
    updated_tools: JSON.stringify(content.updatedTools),
    updated_prompts: JSON.stringify(content.updatedPrompts),
    policies: JSON.stringify(content.policies),
    labels: listText(content.labels),
    limits: listText(content.limits),
    relay: relayText(content.relay),
    resources: resourcesText(content.resources),
    bypass_credential: flag(content.bypassCredential ?? false),
    is_shared_oauth_callback_enabled: flag(content.sharedOauthCallback),
    secure_web_gateway: flag(content.secureWebGateway),
  }
}

function listText(list: readonly unknown[] = []): string | null {
  return list.length === 0 ? null : JSON.stringify(list)
}

function identityColumns(wish: IdentityWish | null) {
  const claims = wish === null || wish.claims.length === 0 ? null : JSON.stringify(wish.claims)
  return { identity_header: wish?.header ?? null, identity_claims: claims }
}

function transportText({ type, command, args, cwd }: Omit<StdioTransport, 'env'>): string {
  return JSON.stringify(cwd === undefined ? { type, command, args } : { type, command, args, cwd })
}

function deadlinesText({ idleSeconds, totalSeconds }: Deadlines): string {
  return JSON.stringify({ idleSeconds, totalSeconds })
}

function toRecord(row: Omit<ServerRow, 'position'>): StoredServer {
  return {
    uid: row.uid as ServerUid,
    id: row.id as ServerId,
    name: row.name,
    description: row.description,
    hostname: row.hostname,
    authType: row.auth_type,
    authMode: row.auth_mode,
    isolation: row.isolation,
    allowPrivate: fromJson(row.allow_private),
    deadlines: row.deadlines === null ? null : fromJson(row.deadlines),
    transport: row.transport === null ? null : { ...fromJson<Omit<StdioTransport, 'env'>>(row.transport), env: {} },
    updatedTools: fromJson(row.updated_tools),
    updatedPrompts: fromJson(row.updated_prompts),
    policies: fromJson(row.policies),
    labels: row.labels === null ? [] : fromJson(row.labels),
    limits: row.limits === null ? [] : fromJson(row.limits),
    bypassCredential: row.bypass_credential === 1,
    definitions: row.definitions,
    instructions: row.instructions,
    identityWish: toIdentityWish(row),
    relay: readRelay(row.relay),
    resources: readResources(row.resources),
    sharedOauthCallback: row.is_shared_oauth_callback_enabled === 1,
    secureWebGateway: row.secure_web_gateway === 1,
    approvedScope: row.approved_scope,
    hasAuthCredentials: row.auth_credentials_sealed !== null,
    hasClientSecret: row.client_secret_sealed !== null,
    clientSecretVersion: row.client_secret_version,
    status: row.status,
    authenticationStatus: row.authentication_status,
    error: row.error,
    errorDetails: row.error_details === null ? null : fromJson(row.error_details),
    lastSynced: row.last_synced,
    lastSuccessfulSync: row.last_successful_sync,
    ...stampsOf(row),
  }
}

function toIdentityWish(row: Omit<ServerRow, 'position'>): IdentityWish | null {
  const { identity_header: header, identity_claims: claims } = row
  return header === null ? null : { header, claims: claims === null ? [] : fromJson(claims) }
}

/**
 * The OAuth client that an admin wrote down, as it may be shown: it holds no secret.
 *
 * @returns null where the server has none, or its seal does not open
 */
export async function readWrittenOauth(db: Db, sealer: Sealer, uid: ServerUid): Promise<WrittenOauth | null> {
  const secrets = await readServerSecretsIfOpen(db, sealer, uid)
  if (secrets === null || secrets.authCredentials === null) return null
  const parsed = parseWrittenOauth(secrets.authCredentials)
  return typeof parsed === 'string' ? null : parsed
}

/** An admin's word that the shared credential may have all these scopes. Not a change of what the server is: `modified_at` stays. */
export async function approveScope(store: Store, trx: Trx, uid: ServerUid, scope: string | null): Promise<void> {
  await trx.updateTable('servers').set({ approved_scope: scope }).where('uid', '=', uid).execute()
  await store.versions.bump(trx, 'servers')
}

/** For comparing with what is sent anew: one server whose key is lost must not keep the others from being shown or mended. */
export async function readServerSecretsIfOpen(db: Db, sealer: Sealer, uid: ServerUid): Promise<ServerSecrets | null> {
  try {
    return (await readServerSecrets(db, sealer, uid)) ?? null
  } catch (error) {
    if (error instanceof Fault) return null
    throw error
  }
}
