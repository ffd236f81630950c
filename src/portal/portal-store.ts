/** Portals at rest, each with the servers behind it in the order that the admin sent. */
import { newId, type PolicyId, type PortalId, type PortalUid, type ServerUid } from '../base/ids.ts'
import type { CapabilityOverride } from '../contract/capability-override.ts'
import type { CallLimit } from '../contract/limits-on-calls.ts'
import { type Author, changedStamps, flag, fromJson, newStamps, type Stamped, stampsOf } from '../store/columns.ts'
import { endDemands } from '../store/end-demands.ts'
import type { Db, Store, Trx } from '../store/open.ts'
import type { PortalRow, PortalServerRow } from '../store/tables.ts'

export type CodeMode = PortalRow['code_mode']
export type ContextMode = PortalRow['optimize_context']

/** One server as one portal shows it. */
export interface ServerMapping {
  serverUid: ServerUid
  /** Hides what no override enables. */
  defaultDisabled: boolean
  /** Each user connects with their own credential; otherwise everyone uses the server's admin credential. */
  onBehalf: boolean
  /** Null where the admin sent none: told apart from an empty list, because it is echoed exactly. */
  updatedTools: readonly CapabilityOverride[] | null
  updatedPrompts: readonly CapabilityOverride[] | null
}

export interface PortalRecord extends Stamped {
  uid: PortalUid
  id: PortalId
  /** Lower case; the Host under which the portal is served at `/mcp`. */
  hostname: string
  name: string
  description: string | null
  codeMode: CodeMode
  /** Of clients that do not say it themselves. */
  contextMode: ContextMode
  secureWebGateway: boolean
  /** In order; a caller must pass these and the server's own. */
  policies: readonly PolicyId[]
  /** As the admin wrote it; null where service tokens come in their own two headers only. */
  serviceTokenHeader: string | null
  /** JSON of the rules for clients, as `identity/oauth/clients/policy.ts` reads it; null for none. */
  clientPolicy: string | null
  limits: readonly CallLimit[]
  mappings: readonly ServerMapping[]
}

export type PortalContent = Pick<
  PortalRecord,
  'hostname' | 'name' | 'description' | 'codeMode' | 'secureWebGateway' | 'policies' | 'serviceTokenHeader' | 'mappings'
> & {
  /** What is left out is no rules. */
  clientPolicy?: string | null
  /** What is left out is `off`. */
  contextMode?: ContextMode
  /** What is left out is no limit. */
  limits?: readonly CallLimit[]
}

/** In the order in which they were made. */
export async function listPortals(db: Db): Promise<PortalRecord[]> {
  const rows = await db.selectFrom('portals').selectAll().orderBy('position').orderBy('uid').execute()
  const mappings = await db.selectFrom('portal_servers').selectAll().orderBy('position').execute()
  const byPortal = Map.groupBy(mappings, (mapping) => mapping.portal_uid)
  return rows.map((row) => toRecord(row, byPortal.get(row.uid) ?? []))
}

export async function readPortal(db: Db, id: string): Promise<PortalRecord | undefined> {
  const row = await db.selectFrom('portals').selectAll().where('id', '=', id).executeTakeFirst()
  if (row === undefined) return undefined
  const mappings = await db
    .selectFrom('portal_servers')
    .selectAll()
    .where('portal_uid', '=', row.uid)
    .orderBy('position')
    .execute()
  return toRecord(row, mappings)
}

/** @throws a unique-constraint error where the id or hostname is taken: look before, inside the transaction */
export async function insertPortal(
  store: Store,
  trx: Trx,
  content: PortalContent & { id: PortalId },
  author: Author,
): Promise<PortalUid> {
  const now = store.clock.now()
  const uid = newId<PortalUid>(now)
  const last = await trx
    .selectFrom('portals')
    .select((eb) => eb.fn.max('position').as('position'))
    .executeTakeFirst()
  const position = (last?.position ?? 0) + 1
  await trx
    .insertInto('portals')
    .values({ uid, id: content.id, ...toColumns(content), position, ...newStamps(now, author) })
    .execute()
  await writeMappings(trx, uid, content.mappings)
  await store.versions.bump(trx, 'portals')
  return uid
}

/** Replaces the portal's content, mappings included. */
export async function updatePortal(
  store: Store,
  trx: Trx,
  uid: PortalUid,
  change: { content: PortalContent; author: Author },
): Promise<void> {
  await trx
    .updateTable('portals')
    .set({ ...toColumns(change.content), ...changedStamps(store.clock.now(), change.author) })
    .where('uid', '=', uid)
    .execute()
  await trx.deleteFrom('portal_servers').where('portal_uid', '=', uid).execute()
  await writeMappings(trx, uid, change.content.mappings)
  await store.versions.bump(trx, 'portals')
}

/** Its access tokens and sessions go with it: their audience no longer exists. */
export async function deletePortal(store: Store, trx: Trx, uid: PortalUid): Promise<void> {
  await trx.deleteFrom('portals').where('uid', '=', uid).execute()
  await endDemands(store, trx, 'portal_uid', uid)
  await store.versions.bump(trx, 'portals')
  await store.versions.bump(trx, 'tokens')
  await store.versions.bump(trx, 'sessions')
}

async function writeMappings(trx: Trx, portal: PortalUid, mappings: readonly ServerMapping[]): Promise<void> {
  if (mappings.length === 0) return
  const rows = mappings.map((mapping, position) => ({
    portal_uid: portal,
    server_uid: mapping.serverUid,
    position,
    default_disabled: flag(mapping.defaultDisabled),
    on_behalf: flag(mapping.onBehalf),
    updated_tools: JSON.stringify(mapping.updatedTools),
    updated_prompts: JSON.stringify(mapping.updatedPrompts),
  }))
  await trx.insertInto('portal_servers').values(rows).execute()
}

function toColumns(content: PortalContent) {
  return {
    hostname: content.hostname,
    name: content.name,
    description: content.description,
    code_mode: content.codeMode,
    optimize_context: content.contextMode ?? 'off',
    secure_web_gateway: flag(content.secureWebGateway),
    policies: JSON.stringify(content.policies),
    read_service_tokens_from_header: content.serviceTokenHeader,
    oauth_configuration: content.clientPolicy ?? null,
    limits: content.limits === undefined || content.limits.length === 0 ? null : JSON.stringify(content.limits),
  }
}

function toRecord(row: Omit<PortalRow, 'position'>, mappings: readonly PortalServerRow[]): PortalRecord {
  return {
    uid: row.uid as PortalUid,
    id: row.id as PortalId,
    hostname: row.hostname,
    name: row.name,
    description: row.description,
    codeMode: row.code_mode,
    contextMode: row.optimize_context,
    secureWebGateway: row.secure_web_gateway === 1,
    policies: fromJson(row.policies),
    serviceTokenHeader: row.read_service_tokens_from_header,
    clientPolicy: row.oauth_configuration,
    limits: row.limits === null ? [] : fromJson(row.limits),
    mappings: mappings.map(toMapping),
    ...stampsOf(row),
  }
}

function toMapping(row: PortalServerRow): ServerMapping {
  return {
    serverUid: row.server_uid as ServerUid,
    defaultDisabled: row.default_disabled === 1,
    onBehalf: row.on_behalf === 1,
    updatedTools: fromJson(row.updated_tools),
    updatedPrompts: fromJson(row.updated_prompts),
  }
}
