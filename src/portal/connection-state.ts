/**
 * What a caller is told of the credential that its calls carry to a server: whose it is, and of its own how it is and what mends
 * it. Nothing secret, and nothing of anybody else's; what is not known is left out, since a model reads it all.
 */
import { visible } from '../base/visible.ts'
import type { JsonObject } from '../protocol/model.ts'
import type { ConnectionRecord } from '../upstream/connections/model.ts'
import { whatHappened } from '../upstream/connections/reason-words.ts'
import { connectUrl } from './connect-page.ts'
import { scopesOf } from './connect-words.ts'
import type { Scene } from './scene.ts'
import type { ServerSpec } from './spec.ts'

const BY_ITSELF = 'The portal makes it by itself when it is needed.'

/** @returns `uses`, and of the caller's own `status` and more. `ownConnection` must have been read */
export function connectionState(
  { uid, id, carries }: Pick<ServerSpec, 'uid' | 'id' | 'carries'>,
  { visit, rooms }: Pick<Scene, 'visit' | 'rooms'>,
): JsonObject {
  const { principal } = visit
  if (carries !== 'yours' || principal.kind !== 'user') {
    const isInTrouble = carries !== 'none' && rooms.upstreams.health(uid).status === 'error'
    return isInTrouble ? { uses: carries, advice: 'Ask an administrator.' } : { uses: carries }
  }
  const mayConnect = rooms.upstreams.desk.offers(uid, `user:${principal.id}`) !== null
  const link = mayConnect ? { connect_url: connectUrl(rooms.links, { id }) } : {}
  const own = rooms.upstreams.ownConnection(uid, principal) ?? null
  if (own === null) {
    return { uses: 'yours', status: 'not_connected', ...link, ...(mayConnect ? {} : { note: BY_ITSELF }) }
  }
  const status = statusOf(own)
  const problem = own.status === 'ready' && own.reason === null ? {} : { problem: whatHappened(own) }
  return { uses: 'yours', status, ...factsOf(own), ...problem, ...(status === 'connected' ? {} : link) }
}

function statusOf({ status, reason }: ConnectionRecord): string {
  if (reason === 'scope') return 'needs_more_scope'
  // What does not answer may do so again, and nobody but it can mend that.
  return status === 'ready' || reason === 'unreachable' ? 'connected' : 'needs_reconnect'
}

function factsOf({ account, scope, expiresAt, refreshedAt }: ConnectionRecord): JsonObject {
  const scopes = scopesOf(scope)
  return {
    ...(account === null ? {} : { account: visible(account) }),
    ...(scopes.length === 0 ? {} : { scopes }),
    ...(expiresAt === null ? {} : { expires_at: new Date(expiresAt).toISOString() }),
    ...(refreshedAt === null ? {} : { last_refreshed_at: new Date(refreshedAt).toISOString() }),
  }
}
