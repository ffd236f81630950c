/** `/access/ai-controls/mcp/servers/{id}/connections` and the like: what the portal holds at servers, whose it is, and ending it. */
import type { UserId } from '../base/ids.ts'
import type { ConnectionShown } from '../contract/connection.ts'
import type { PageQuery } from '../contract/envelope.ts'
import { listUsers, type UserRecord } from '../identity/user-store.ts'
import type { Db } from '../store/open.ts'
import { listConnections } from '../upstream/connections/connection-store.ts'
import type { ConnectionRecord } from '../upstream/connections/model.ts'
import { listServers } from '../upstream/server-store.ts'
import { pageOf } from './paging.ts'
import { notFound } from './refusal.ts'
import type { Call, Outcome } from './route.ts'
import { existingServer } from './servers.ts'
import { stateOf } from './show-credential.ts'
import { shownTime } from './times.ts'
import { existing as existingUser } from './users.ts'

export async function listServerConnections({ deps, id, query }: Call<unknown, PageQuery>): Promise<Outcome> {
  const { db } = deps.store
  const server = await existingServer(db, id)
  const connections = await listConnections(db, { server: server.uid })
  const users = await usersOf(db, connections)
  return paged(
    connections.map((connection) => show(connection, { server: server.id, issuer: deps.issuer(), users })),
    query,
  )
}

export async function listUserConnections({ deps, id, query }: Call<unknown, PageQuery>): Promise<Outcome> {
  const { db } = deps.store
  const user = await existingUser(db, id)
  const servers = new Map((await listServers(db)).map((server) => [server.uid, server.id]))
  const users = new Map([[user.id as string, user]])
  const shown = (await listConnections(db, { user: user.id as UserId })).flatMap((connection) => {
    const server = servers.get(connection.serverUid)
    return server === undefined ? [] : [show(connection, { server, issuer: deps.issuer(), users })]
  })
  return paged(shown, query)
}

/** Also of a server that the file declares: what people connected is no part of what is declared. */
export async function endConnection({ deps, id, params }: Call): Promise<Outcome> {
  const { db } = deps.store
  const server = await existingServer(db, id)
  const wanted = params.connection_id ?? ''
  const connections = await listConnections(db, { server: server.uid })
  const found = connections.find((connection) => connection.id === wanted)
  if (found === undefined) throw notFound('connection of this server', wanted)
  await deps.upstreams.desk.disconnect({ server: server.uid, owner: found.owner })
  // What the server said of the account that was is over too.
  if (found.owner === 'admin') await deps.upstreams.sync(server.uid)
  const users = await usersOf(db, [found])
  return {
    result: show(found, { server: server.id, issuer: deps.issuer(), users }),
    change: { object: 'connection', id: found.id, fields: ['ended'] },
  }
}

function paged(shown: readonly ConnectionShown[], query: PageQuery): Outcome {
  const page = pageOf(shown, query, ({ id, server_id, user, account }) => [
    ...[id, server_id, user?.id ?? '', user?.email ?? '', account ?? ''],
  ])
  return { result: page.items, info: page.info }
}

async function usersOf(db: Db, connections: readonly ConnectionRecord[]): Promise<ReadonlyMap<string, UserRecord>> {
  if (connections.every(({ userId }) => userId === null)) return new Map()
  return new Map((await listUsers(db)).map((user) => [user.id as string, user]))
}

interface Beside {
  /** The public id. */
  server: string
  issuer: string
  users: ReadonlyMap<string, UserRecord>
}

function show(connection: ConnectionRecord, { server, issuer, users }: Beside): ConnectionShown {
  const { id, kind, owner, userId, resource, hasRefreshToken, createdAt, createdBy } = connection
  const user = userId === null ? undefined : users.get(userId)
  return {
    ...{ id, server_id: server, kind },
    owner: owner === 'admin' || owner === 'machine' ? owner : 'user',
    user: userId === null ? null : { id: userId, email: user?.email ?? null, name: user?.name ?? null },
    ...stateOf(connection, { server, issuer }),
    resource,
    has_refresh_token: hasRefreshToken,
    created_at: shownTime(createdAt),
    created_by: createdBy,
  }
}
