/** What the overview reads of servers, tokens and connections: few columns and few rows, however many servers and people there are. */
import { type RawBuilder, type SqlBool, sql } from 'kysely'
import type { ServerUid } from '../base/ids.ts'
import type { Db } from '../store/open.ts'
import type { HeldDefinition } from '../upstream/model.ts'

export interface BriefServer {
  uid: ServerUid
  id: string
  name: string
}

export async function readBriefServers(db: Db): Promise<BriefServer[]> {
  const rows = await db.selectFrom('servers').select(['uid', 'id', 'name']).orderBy('position').orderBy('uid').execute()
  return rows.map((row) => ({ ...row, uid: row.uid as ServerUid }))
}

/** How many names of each server have a definition that waits for an admin; those without are not in the map. */
export async function countHeld(db: Db): Promise<ReadonlyMap<string, number>> {
  const rows = await db.selectFrom('inventories').select(['server_uid', 'held']).where('held', '!=', '[]').execute()
  const names = new Map<string, Set<string>>()
  for (const { server_uid, held } of rows) {
    const of = names.get(server_uid) ?? new Set()
    for (const one of JSON.parse(held) as HeldDefinition[]) if (one.state === 'held') of.add(`${one.kind}/${one.name}`)
    if (of.size > 0) names.set(server_uid, of)
  }
  return new Map([...names].map(([server, of]) => [server, of.size]))
}

export async function countOpenApprovals(db: Db, now: number): Promise<number> {
  const row = await db
    .selectFrom('approvals')
    .select((eb) => eb.fn.countAll().as('open'))
    .where('state', '=', 'open')
    .where('expires_at', '>', now)
    .executeTakeFirst()
  return Number(row?.open ?? 0)
}

/** Milliseconds since 1970; both ends are inside. */
export interface Span {
  from: number
  to: number
}

export interface Ending {
  kind: 'connection' | 'service_token' | 'api_token'
  id: string
  name: string
  expiresAt: number
  /** Public id of the server that a connection is for. */
  server: string | null
}

/** What ends within a span and is not renewed without a person, the next to end first. */
export async function readEnding(db: Db, span: Span, limit: number): Promise<Ending[]> {
  const [connections, service, api] = await Promise.all([
    endingConnections(db, span, limit),
    endingTokens(db, SERVICE_TOKENS, span, limit),
    endingTokens(db, API_TOKENS, span, limit),
  ])
  return [...connections, ...service, ...api].sort((a, b) => a.expiresAt - b.expiresAt).slice(0, limit)
}

async function endingConnections(db: Db, { from, to }: Span, limit: number): Promise<Ending[]> {
  const rows = await db
    .selectFrom('connections')
    .innerJoin('servers', 'servers.uid', 'connections.server_uid')
    .leftJoin('users', 'users.id', 'connections.user_id')
    .select(['connections.id', 'connections.expires_at', 'connections.user_id', 'servers.id as server', 'servers.name'])
    .select('users.email')
    // The portal renews the others by itself.
    .where('connections.kind', 'in', ['oauth', 'token'])
    .where('connections.has_refresh_token', '=', 0)
    .where('connections.expires_at', '>=', from)
    .where('connections.expires_at', '<=', to)
    .orderBy('connections.expires_at')
    .limit(limit)
    .execute()
  return rows.map(({ id, name, server, expires_at, user_id, email }) => ({
    ...{ kind: 'connection', id, server, expiresAt: Number(expires_at) },
    name: user_id === null ? name : `${name}, ${email ?? user_id}`,
  }))
}

interface Tokens {
  table: 'service_tokens' | 'api_tokens'
  kind: Ending['kind']
  /** What is so of those that still open something. */
  lives: RawBuilder<SqlBool>
}

const SERVICE_TOKENS: Tokens = { table: 'service_tokens', kind: 'service_token', lives: sql`enabled = 1` }
const API_TOKENS: Tokens = { table: 'api_tokens', kind: 'api_token', lives: sql`revoked_at is null` }

async function endingTokens(
  db: Db,
  { table, kind, lives }: Tokens,
  { from, to }: Span,
  limit: number,
): Promise<Ending[]> {
  const rows = await db
    .selectFrom(table)
    .select(['id', 'name', 'expires_at'])
    .where(lives)
    .where('expires_at', '>=', from)
    .where('expires_at', '<=', to)
    .orderBy('expires_at')
    .limit(limit)
    .execute()
  return rows.map(({ id, name, expires_at }) => ({ kind, id, name, expiresAt: Number(expires_at), server: null }))
}
