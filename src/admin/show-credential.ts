/** How a server's credential stands: what was written down of it, whose it is, and what is wrong with it. No secret is read here. */
import type { AuthMode } from '../contract/credentials.ts'
import type { ServerShown } from '../contract/server.ts'
import { listConnections } from '../upstream/connections/connection-store.ts'
import type { ConnectionRecord } from '../upstream/connections/model.ts'
import { CLIENT_DOCUMENT_PATH, documentUrl } from '../upstream/oauth/client-document.ts'
import { listRegisteredCallbacks } from '../upstream/oauth/client-store.ts'
import { callbacksOf, writtenCallback } from '../upstream/oauth/written-addresses.ts'
import { readWrittenOauth, type StoredServer } from '../upstream/server-store.ts'
import { mendOf, problemOf } from './connection-words.ts'
import type { AdminDeps } from './deps.ts'
import { shownTimeOrNull } from './times.ts'

type Needs = Pick<AdminDeps, 'store' | 'sealer' | 'issuer'>
type Shown = Pick<ServerShown, 'authentication_status' | 'auth_config_summary' | 'connection'>

/** @returns what is shown of one server after the other, from one look at the connections */
export async function credentialsOf(needs: Needs, servers: readonly StoredServer[]): Promise<Shown[]> {
  const withOauth = servers.flatMap(({ authType, uid }) => (authType === 'oauth' ? [uid] : []))
  const { db } = needs.store
  const shared = withOauth.length > 0 ? await listConnections(db, { shared: true }) : []
  const registered = await listRegisteredCallbacks(db, withOauth)
  return Promise.all(
    servers.map(async (server) => {
      if (server.authType !== 'oauth') return { authentication_status: 'not_required' as const }
      const connection = shared.find(({ serverUid, owner }) => serverUid === server.uid && owner === ownerOf(server))
      return {
        authentication_status: statusOf(server, connection),
        auth_config_summary: await summaryOf(needs, server, {
          clientId: connection?.clientId ?? null,
          registered: registered.get(server.uid) ?? null,
        }),
        ...(connection === undefined ? {} : { connection: showShared(connection, server, needs.issuer()) }),
      }
    }),
  )
}

/** Whose credential everyone uses at this server, where it is not each user's own. */
function ownerOf({ authMode }: StoredServer): 'admin' | 'machine' {
  return authMode === 'client_credentials' ? 'machine' : 'admin'
}

/** `manual`: an admin wrote down how, and nobody is connected yet, or nobody has to be. `required`: somebody has to sign in. */
function statusOf(
  server: StoredServer,
  connection: ConnectionRecord | undefined,
): ServerShown['authentication_status'] {
  if (connection !== undefined) return connection.status === 'ready' ? 'connected' : 'stale'
  return modeOf(server) === 'dcr' ? 'required' : 'manual'
}

function modeOf({ authMode, hasAuthCredentials }: StoredServer): AuthMode {
  return authMode ?? (hasAuthCredentials ? 'manual' : 'dcr')
}

/** As whom the portal is known there already. */
interface KnownAs {
  /** Of the shared connection. */
  clientId: string | null
  /** The way back that was registered. */
  registered: string | null
}

async function summaryOf(
  needs: Needs,
  server: StoredServer,
  knownAs: KnownAs,
): Promise<NonNullable<Shown['auth_config_summary']>> {
  const { store, sealer, issuer } = needs
  const written = server.hasAuthCredentials ? await readWrittenOauth(store.db, sealer, server.uid) : null
  const mode = modeOf(server)
  return {
    auth_mode: mode,
    has_client_secret: server.hasClientSecret,
    client_secret_version: server.clientSecretVersion,
    ...(written?.config === undefined ? {} : { config: written.config }),
    ...(written === null ? {} : { registration_info: written.registration_info }),
    ...waysOf({ ...server, mode }, issuer(), { ...knownAs, named: redirectsOf(written) }),
    ...(server.approvedScope === null ? {} : { approved_scope: server.approvedScope }),
  }
}

/**
 * Of clients that people come back for: which way, and as whom, where nothing is written down. Then the way back depends on what the
 * authorization server can do, and is shown once that is known.
 */
function waysOf(
  { id, mode, sharedOauthCallback }: StoredServer & { mode: AuthMode },
  issuer: string,
  { clientId, registered, named }: KnownAs & { named: readonly string[] },
) {
  const ways = callbacksOf(issuer, id)
  if (mode === 'manual') return { redirect_uri: writtenCallback(ways, { named, isSharedWished: sharedOauthCallback }) }
  if (mode !== 'dcr') return {}
  const document = documentUrl(issuer)
  // Who reads the document advertises RFC 9207, or it would not be used.
  const known = clientId === issuer + CLIENT_DOCUMENT_PATH ? ways.shared : registered
  return {
    ...(known === null ? {} : { redirect_uri: known }),
    ...(document === null ? {} : { client_document: document }),
  }
}

function redirectsOf(written: Awaited<ReturnType<typeof readWrittenOauth>>): readonly string[] {
  return written?.auth_mode === 'manual' ? (written.registration_info.redirect_uris ?? []) : []
}

function showShared(connection: ConnectionRecord, server: StoredServer, issuer: string) {
  return { id: connection.id, kind: connection.kind, ...stateOf(connection, { server: server.id, issuer }) }
}

/** What is the same of every connection, wherever it is shown. */
export function stateOf(connection: ConnectionRecord, at: { server: string; issuer: string }) {
  const { status, reason, account, issuer, scope, expiresAt, refreshedAt } = connection
  return {
    ...{ status, reason, problem: problemOf(connection), account, issuer, scope },
    expires_at: shownTimeOrNull(expiresAt),
    refreshed_at: shownTimeOrNull(refreshedAt),
    mend: mendOf(connection, at),
  }
}
