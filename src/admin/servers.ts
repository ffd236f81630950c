/** `/access/ai-controls/mcp/servers` */
import type { ServerUid } from '../base/ids.ts'
import type { DetailQuery, ServerCreate, ServerListQuery, ServerUpdate, SyncShown } from '../contract/server.ts'
import type { Db } from '../store/open.ts'
import { listConnections } from '../upstream/connections/connection-store.ts'
import type { SyncResult } from '../upstream/model.ts'
import {
  deleteServer as dropServer,
  listServers as loadServers,
  readServer,
  type StoredServer,
} from '../upstream/server-store.ts'
import { forgetApp } from './access-app-store.ts'
import type { AdminDeps } from './deps.ts'
import { passAllowGate } from './destination-gate.ts'
import { pageOf } from './paging.ts'
import { notFound, readOnly } from './refusal.ts'
import type { Call, Outcome } from './route.ts'
import { writeAttaching } from './rules-in-turn.ts'
import { showServer, showServers } from './show-server.ts'
import { stdioRefusal } from './stdio-gate.ts'
import { isNoneLeft, noneLeft } from './take-own-policies.ts'
import { addServer, changeServer, isStdio } from './write-server.ts'
import { writtenFields } from './written-fields.ts'

/** How long a create or update waits for the first sync. It goes on behind the answer; the status says how it stands. */
const SYNC_PATIENCE_MS = 10_000
/** How long a deletion waits for authorization servers to hear that its tokens are over. */
const REVOKE_PATIENCE_MS = 5000

export async function listServers({ deps, query }: Call<unknown, ServerListQuery>): Promise<Outcome> {
  const page = pageOf(await loadServers(deps.store.db), query, (server) => [server.id, server.name])
  const detail = query.summary === 'true' ? 'counts' : 'full'
  return { result: await showServers(deps, page.items, detail), info: page.info }
}

export async function getServer({ deps, id, query }: Call<unknown, DetailQuery>): Promise<Outcome> {
  return { result: await showServer(deps, await existingServer(deps.store.db, id), query.detail) }
}

export async function createServer(call: Call<ServerCreate>): Promise<Outcome> {
  const { deps, body, author } = call
  if (isStdio(body.hostname) || body.transport) passStdioGate(call)
  passAllowGate(call.operator, [], body.allow_private)
  const uid = await writeAttaching(deps.store, body, (trx) => addServer(deps, trx, body, author))
  await deps.upstreams.serversChanged()
  await syncWithPatience(deps, uid)
  const made = await existingServer(deps.store.db, body.id)
  return {
    result: await showServer(deps, made),
    messages: [...warningsOf(body), ...(isNoneLeft(made) ? [noneLeft(made.id)] : [])],
    change: { object: 'server', id: body.id, fields: writtenFields(body) },
  }
}

export async function updateServer(call: Call<ServerUpdate, DetailQuery>): Promise<Outcome> {
  const { deps, id, body, author } = call
  if (body.transport?.env) passStdioGate(call)
  const { uid, renewed } = await writeAttaching(deps.store, body, async (trx) => {
    const before = await changeable(trx, id, deps.configFile)
    passAllowGate(call.operator, before.allowPrivate, body.allow_private)
    return { uid: before.uid, renewed: await changeServer(deps, trx, before, { body, author }) }
  })
  await deps.upstreams.serversChanged()
  if (renewed) await syncWithPatience(deps, uid)
  const after = await existingServer(deps.store.db, id)
  const isAboutPolicies = body.policies !== undefined || body.own_policies !== undefined
  return {
    result: await showServer(deps, after, call.query.detail),
    messages: [...warningsOf(body), ...(isAboutPolicies && isNoneLeft(after) ? [noneLeft(id)] : [])],
    change: { object: 'server', id, fields: writtenFields(body) },
  }
}

export async function deleteServer({ deps, id }: Call): Promise<Outcome> {
  const server = await changeable(deps.store.db, id, deps.configFile)
  const shown = await showServer(deps, server)
  const connections = await listConnections(deps.store.db, { server: server.uid })
  // While it is still known where they are revoked. What is connected in the next moment goes with the server all the same.
  if (connections.length > 0) await disconnectAll(deps, server.uid)
  await deps.store.write(async (trx) => {
    const before = await changeable(trx, id, deps.configFile)
    await forgetApp(deps.store, trx, before.uid)
    await dropServer(deps.store, trx, before.uid)
  })
  await deps.upstreams.serversChanged()
  return { result: shown, change: { object: 'server', id, fields: [] } }
}

export async function syncServer({ deps, id }: Call): Promise<Outcome> {
  const server = await existingServer(deps.store.db, id)
  const result = await deps.upstreams.sync(server.uid)
  return { result: showSync(result), change: { object: 'server', id, fields: ['sync'] } }
}

function showSync({ status, error, errorDetails, counts }: SyncResult): SyncShown {
  return {
    status,
    ...(error === null ? {} : { error }),
    ...(errorDetails === null ? {} : { error_details: errorDetails }),
    tool_count: counts.tool,
    prompt_count: counts.prompt,
    resource_count: counts.resource,
    template_count: counts.template,
  }
}

function syncWithPatience({ upstreams }: AdminDeps, uid: ServerUid): Promise<void> {
  return within(SYNC_PATIENCE_MS, upstreams.sync(uid))
}

/** An authorization server that does not answer keeps no server from being deleted. */
async function disconnectAll({ upstreams: { desk } }: AdminDeps, server: ServerUid): Promise<void> {
  await desk.disconnect({ server })
  await within(REVOKE_PATIENCE_MS, desk.settled())
}

async function within(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const patience = new Promise<void>((done) => {
    timer = setTimeout(done, ms)
  })
  await Promise.race([work, patience])
  clearTimeout(timer)
}

/** What is allowed and yet should be known to whoever asks for it. */
function warningsOf({ isolation }: Pick<ServerCreate, 'isolation'>): string[] {
  if (isolation !== 'shared') return []
  return [
    'isolation is "shared": all callers are one session to this server, so what one tells it another may be shown. Where it keeps anything of its callers, choose "per_user" or "per_session".',
  ]
}

function passStdioGate({ deps, operator, caller }: Call<unknown>): void {
  const refusal = stdioRefusal(deps.config.stdio, operator, caller)
  if (refusal !== null) throw refusal
}

/** @throws ApiRefusal 404 */
export async function existingServer(db: Db, id: string): Promise<StoredServer> {
  const server = await readServer(db, id)
  if (server === undefined) throw notFound('server', id)
  return server
}

async function changeable(db: Db, id: string, file: string | null): Promise<StoredServer> {
  const server = await existingServer(db, id)
  if (server.origin === 'file') throw readOnly('server', id, file)
  return server
}
