/** `POST …/servers/{id}/authorize`: the link by which an admin, or whoever is sent it, gives the portal its shared account at a server. */
import type { AuthorizeShown, ServerAuthorize } from '../contract/connection.ts'
import { makeConnectLink } from '../upstream/connections/connect-link.ts'
import type { ConnectDesk, DeskRefusal } from '../upstream/connections/desk-model.ts'
import { unionScopes } from '../upstream/oauth/scopes.ts'
import { approveScope, type StoredServer } from '../upstream/server-store.ts'
import type { AdminDeps } from './deps.ts'
import { invalid } from './refusal.ts'
import type { Call, Outcome } from './route.ts'
import { existingServer } from './servers.ts'
import { shownTime } from './times.ts'

/** How long the answer waits for what the authorization server says of itself. The link is good without it. */
const PREVIEW_PATIENCE_MS = 10_000

const SAID: Readonly<Partial<Record<DeskRefusal, string>>> = {
  // One sentence for the silent and the closed, as everywhere: an answer that tells them apart scans the network inside.
  unreachable:
    'does not answer now; the link may work once it does. Where it stands inside your network, allow_private of the server has to name its host and port too',
  'unsafe-server': 'cannot be trusted with a code: it has no PKCE with S256, or an endpoint where none may be',
  'no-registration':
    'registers nobody by itself: register the portal there by hand, and give the server auth_credentials with "auth_mode":"manual"',
}

/**
 * Not kept from a server that the file declares: what people connect is no part of what is declared.
 *
 * @throws ApiRefusal 400 where nobody connects this server by hand
 */
export async function authorizeServer({ deps, id, body, author }: Call<ServerAuthorize>): Promise<Outcome> {
  const { store } = deps
  const before = await existingServer(store.db, id)
  refuseOthers(before)
  const seen = await previewOf(deps, before)
  const known = seen?.kind === 'preview' ? seen : null
  // Without what is asked for anyway, the wider scope would be a narrower one.
  if (body.scope !== undefined && known === null) throw invalid('scope', `cannot be added now: ${sayOf(before, seen)}`)
  const { server, link, isWider } = await store.write(async (trx) => {
    const server = await existingServer(trx, id)
    refuseOthers(server)
    const approved =
      body.scope === undefined ? server.approvedScope : unionScopes(known?.scope, server.approvedScope, body.scope)
    const isWider = approved !== server.approvedScope
    if (isWider) await approveScope(store, trx, server.uid, approved)
    const link = await makeConnectLink(store, trx, { server, by: author.label })
    return { server: { ...server, approvedScope: approved }, link, isWider }
  })
  if (isWider) await deps.upstreams.serversChanged()
  const result: AuthorizeShown = {
    url: deps.issuer() + link.path,
    expires_at: shownTime(link.expiresAt),
    server: server.id,
    scope: unionScopes(known?.scope, server.approvedScope),
    ...(known === null ? {} : { issuer: known.issuer }),
  }
  return {
    result,
    messages: seen?.kind === 'refused' ? [sayOf(server, seen)] : [],
    change: {
      object: 'server',
      id: server.id,
      fields: isWider ? ['connect_link', 'approved_scope'] : ['connect_link'],
    },
  }
}

function refuseOthers({ authType, authMode, transport }: StoredServer): void {
  if (transport !== null) throw invalid('auth_type', 'has no account to connect; give its secrets in transport.env')
  if (authType === 'unauthenticated') throw invalid('auth_type', 'is "unauthenticated": there is nothing to connect')
  if (authType === 'bearer')
    throw invalid('auth_type', 'is "bearer": change the server and give the token as auth_credentials')
  if (authMode === 'client_credentials')
    throw invalid(
      'auth_mode',
      'is "client_credentials": the portal gets its own account, and nobody connects it. Sync the server to try it now',
    )
  if (authMode === 'enterprise')
    throw invalid(
      'auth_mode',
      'is "enterprise": each user has their own account by the word of their identity provider, and nobody connects it',
    )
}

type Preview = Awaited<ReturnType<ConnectDesk['preview']>>

/** @returns null where it takes too long */
async function previewOf({ upstreams }: AdminDeps, server: StoredServer): Promise<Preview | null> {
  let timer: NodeJS.Timeout | undefined
  const patience = new Promise<null>((done) => {
    timer = setTimeout(() => done(null), PREVIEW_PATIENCE_MS)
  })
  try {
    return await Promise.race([upstreams.desk.preview(server.uid, 'admin', server.approvedScope), patience])
  } finally {
    clearTimeout(timer)
  }
}

function sayOf({ name }: StoredServer, seen: Preview | null): string {
  const said = seen?.kind === 'refused' ? SAID[seen.reason] : SAID.unreachable
  return `The authorization server of ${name} ${said ?? 'did not say what it will ask'}.`
}
