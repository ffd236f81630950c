/**
 * Pins at rest, and what is remembered of definitions that were held. Whoever writes either holds the server's row
 * (`lockServer`) and then stores the inventory anew, so that what is held never lags behind what is pinned.
 */
import { createHash } from 'node:crypto'
import type { ServerUid } from '../base/ids.ts'
import type { DefinitionsMode } from '../contract/server.ts'
import { fromJson } from '../store/columns.ts'
import type { Db, Trx } from '../store/open.ts'
import type { CapabilityKind, Definition } from './model.ts'

/** Rows in one statement. */
const BATCH = 500

/** Kind and digest of the name. */
export type PinKey = `${CapabilityKind}/${string}`

export interface Pin {
  hash: string
  json: string
  approvedAt: number
  approvedBy: string
}

export interface Hold {
  /** The last one that was held. */
  hash: string
  since: number
  changes: number
  raisedAt: number | null
  rejected: readonly string[]
}

/** Names may be long and hold what no index takes, such as a NUL. */
export function pinKey(kind: CapabilityKind, name: string): PinKey {
  return `${kind}/${createHash('sha256').update(JSON.stringify(name)).digest('hex')}`
}

/**
 * Keeps others from judging or deciding on this server until the transaction ends.
 *
 * @returns undefined when the server is gone
 */
export async function lockServer(
  trx: Trx,
  server: ServerUid,
): Promise<{ mode: DefinitionsMode; pinnedAt: number | null } | undefined> {
  const row = await trx
    .updateTable('servers')
    .set((eb) => ({ definitions_pinned_at: eb.ref('definitions_pinned_at') }))
    .where('uid', '=', server)
    .returning(['definitions', 'definitions_pinned_at'])
    .executeTakeFirst()
  return row && { mode: row.definitions, pinnedAt: row.definitions_pinned_at }
}

/** The first successful sync was at this time. */
export async function markPinned(trx: Trx, server: ServerUid, at: number): Promise<void> {
  await trx.updateTable('servers').set({ definitions_pinned_at: at }).where('uid', '=', server).execute()
}

/** The hashes of all pins of a server. */
export async function readPinHashes(db: Db, server: ServerUid): Promise<Map<PinKey, string>> {
  const rows = await db
    .selectFrom('definition_pins')
    .select(['kind', 'name_digest', 'hash'])
    .where('server_uid', '=', server)
    .execute()
  return new Map(rows.map((row) => [keyOf(row), row.hash]))
}

export async function readPins(db: Db, server: ServerUid, keys: readonly PinKey[]): Promise<Map<PinKey, Pin>> {
  const pins = new Map<PinKey, Pin>()
  for (const { kind, digests } of byKind(keys)) {
    const rows = await db
      .selectFrom('definition_pins')
      .selectAll()
      .where('server_uid', '=', server)
      .where('kind', '=', kind)
      .where('name_digest', 'in', digests)
      .execute()
    for (const row of rows) {
      const { hash, json, approved_at: approvedAt, approved_by: approvedBy } = row
      pins.set(keyOf(row), { hash, json, approvedAt, approvedBy })
    }
  }
  return pins
}

export async function readHolds(db: Db, server: ServerUid): Promise<Map<PinKey, Hold>> {
  const rows = await db.selectFrom('definition_holds').selectAll().where('server_uid', '=', server).execute()
  return new Map(
    rows.map((row) => {
      const { hash, since, changes, raised_at: raisedAt } = row
      return [keyOf(row), { hash, since, changes, raisedAt, rejected: fromJson<string[]>(row.rejected) }]
    }),
  )
}

export async function writePins(
  trx: Trx,
  server: ServerUid,
  pins: ReadonlyMap<PinKey, Definition>,
  approval: { at: number; by: string },
): Promise<void> {
  const rows = [...pins].map(([key, { hash, json }]) => ({
    ...{ server_uid: server, ...splitKey(key), hash, json },
    ...{ approved_at: approval.at, approved_by: approval.by },
  }))
  for (const some of batches(rows)) {
    await breathe()
    await trx
      .insertInto('definition_pins')
      .values(some)
      .onConflict((conflict) =>
        conflict.columns(['server_uid', 'kind', 'name_digest']).doUpdateSet((eb) => ({
          hash: eb.ref('excluded.hash'),
          json: eb.ref('excluded.json'),
          approved_at: eb.ref('excluded.approved_at'),
          approved_by: eb.ref('excluded.approved_by'),
        })),
      )
      .execute()
  }
}

export async function writeHolds(trx: Trx, server: ServerUid, holds: ReadonlyMap<PinKey, Hold>): Promise<void> {
  const rows = [...holds].map(([key, { hash, since, changes, raisedAt, rejected }]) => ({
    ...{ server_uid: server, ...splitKey(key), hash, since, changes },
    ...{ raised_at: raisedAt, rejected: JSON.stringify(rejected) },
  }))
  for (const some of batches(rows)) {
    await breathe()
    await trx
      .insertInto('definition_holds')
      .values(some)
      .onConflict((conflict) =>
        conflict.columns(['server_uid', 'kind', 'name_digest']).doUpdateSet((eb) => ({
          hash: eb.ref('excluded.hash'),
          since: eb.ref('excluded.since'),
          changes: eb.ref('excluded.changes'),
          raised_at: eb.ref('excluded.raised_at'),
          rejected: eb.ref('excluded.rejected'),
        })),
      )
      .execute()
  }
}

/** SQLite answers within the turn: callers must not wait for ten thousand rows. */
export function breathe(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

export async function dropHolds(trx: Trx, server: ServerUid, keys: readonly PinKey[]): Promise<void> {
  for (const { kind, digests } of byKind(keys))
    await trx
      .deleteFrom('definition_holds')
      .where('server_uid', '=', server)
      .where('kind', '=', kind)
      .where('name_digest', 'in', digests)
      .execute()
}

/** The audit has been told of these. */
export async function markRaised(trx: Trx, server: ServerUid, keys: readonly PinKey[], at: number): Promise<void> {
  for (const { kind, digests } of byKind(keys))
    await trx
      .updateTable('definition_holds')
      .set({ raised_at: at })
      .where('server_uid', '=', server)
      .where('kind', '=', kind)
      .where('name_digest', 'in', digests)
      .execute()
}

function* byKind(keys: readonly PinKey[]): Iterable<{ kind: CapabilityKind; digests: string[] }> {
  const all = Map.groupBy(keys, (key) => splitKey(key).kind)
  for (const [kind, some] of all) {
    for (const batch of batches(some)) yield { kind, digests: batch.map((key) => splitKey(key).name_digest) }
  }
}

function* batches<T>(all: readonly T[]): Iterable<T[]> {
  for (let at = 0; at < all.length; at += BATCH) yield all.slice(at, at + BATCH)
}

function keyOf({ kind, name_digest }: { kind: CapabilityKind; name_digest: string }): PinKey {
  return `${kind}/${name_digest}`
}

function splitKey(key: PinKey): { kind: CapabilityKind; name_digest: string } {
  const [kind, name_digest = ''] = key.split('/')
  return { kind: kind as CapabilityKind, name_digest }
}
