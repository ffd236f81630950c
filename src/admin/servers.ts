/** `/access/ai-controls/mcp/servers` */
import type { ServerUid } from '../base/ids.ts'
import type { PageQuery } from '../contract/envelope.ts'
import type { ServerCreate, ServerUpdate, SyncShown } from '../contract/server.ts'
import type { Db } from '../store/open.ts'
import type { SyncResult } from '../upstream/model.ts'
import {
  deleteServer as dropServer,
  listServers as loadServers,
  readServer,
  type StoredServer,
} from '../upstream/server-store.ts'
import type { AdminDeps } from './deps.ts'
import { passAllowGate } from './destination-gate.ts'
import { pageOf } from './paging.ts'
import { notFound, readOnly } from './refusal.ts'
import type { Call, Outcome } from './route.ts'
import { showServer, showServers } from './show-server.ts'
import { stdioRefusal } from './stdio-gate.ts'
import { addServer, changeServer, isStdio } from './write-server.ts'
import { writtenFields } from './written-fields.ts'

/** How long a create or update waits for the first sync. It goes on behind the answer; the status says how it stands. */
const SYNC_PATIENCE_MS = 10_000

export async function listServers({ deps, query }: Call<unknown, PageQuery>): Promise<Outcome> {
  const page = pageOf(await loadServers(deps.store.db), query, (server) => [server.id, server.name])
  return { result: await showServers(deps, page.items), info: page.info }
}

export async function getServer({ deps, id }: Call): Promise<Outcome> {
  return { result: await showServer(deps, await existing(deps.store.db, id)) }
}

export async function createServer(call: Call<ServerCreate>): Promise<Outcome> {
  const { deps, body, author } = call
  if (isStdio(body.hostname) || body.transport) passStdioGate(call)
  passAllowGate(call.operator, [], body.allow_private)
  const uid = await deps.store.write((trx) => addServer(deps, trx, body, author))
  await deps.upstreams.serversChanged()
  await syncWithPatience(deps, uid)
  return {
    result: await showServer(deps, await existing(deps.store.db, body.id)),
    messages: warningsOf(body),
    change: { object: 'server', id: body.id, fields: writtenFields(body) },
  }
}

export async function updateServer(call: Call<ServerUpdate>): Promise<Outcome> {
  const { deps, id, body, author } = call
  if (body.transport?.env) passStdioGate(call)
  const { uid, renewed } = await deps.store.write(async (trx) => {
    const before = await changeable(trx, id, deps.configFile)
    passAllowGate(call.operator, before.allowPrivate, body.allow_private)
    return { uid: before.uid, renewed: await changeServer(deps, trx, before, { body, author }) }
  })
  await deps.upstreams.serversChanged()
  if (renewed) await syncWithPatience(deps, uid)
  return {
    result: await showServer(deps, await existing(deps.store.db, id)),
    messages: warningsOf(body),
    change: { object: 'server', id, fields: writtenFields(body) },
  }
}

export async function deleteServer({ deps, id }: Call): Promise<Outcome> {
  const shown = await showServer(deps, await changeable(deps.store.db, id, deps.configFile))
  await deps.store.write(async (trx) => {
    const before = await changeable(trx, id, deps.configFile)
    await dropServer(deps.store, trx, before.uid)
  })
  await deps.upstreams.serversChanged()
  return { result: shown, change: { object: 'server', id, fields: [] } }
}

export async function syncServer({ deps, id }: Call): Promise<Outcome> {
  const server = await existing(deps.store.db, id)
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

async function syncWithPatience({ upstreams }: AdminDeps, uid: ServerUid): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const patience = new Promise<void>((done) => {
    timer = setTimeout(done, SYNC_PATIENCE_MS)
  })
  await Promise.race([upstreams.sync(uid), patience])
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

async function existing(db: Db, id: string): Promise<StoredServer> {
  const server = await readServer(db, id)
  if (server === undefined) throw notFound('server', id)
  return server
}

async function changeable(db: Db, id: string, file: string | null): Promise<StoredServer> {
  const server = await existing(db, id)
  if (server.origin === 'file') throw readOnly('server', id, file)
  return server
}
