/**
 * A server as it is used: its record with the secrets opened. Lives in memory only, is replaced whole when anything that
 * matters to a connection changes, and is never logged.
 */
import { parsePlace } from '../base/destination.ts'
import { digest, type Sealer } from '../base/secret.ts'
import { parseWrittenOauth } from '../contract/credentials.ts'
import type { Store } from '../store/open.ts'
import type { LiveCredential } from './connections/model.ts'
import { bearerCredential, NO_CREDENTIAL } from './credentials.ts'
import type { Ticks, Watch } from './exchange.ts'
import type { ServerRecord, StdioTransport } from './model.ts'
import type { OauthTarget } from './oauth/model.ts'
import { readServerSecrets, type ServerSecrets, type StoredServer } from './server-store.ts'
import { Trouble } from './trouble.ts'

/**
 * How a server's credential is come by: `none`; `fixed`, configured with the server; `browser`, by people; `machine`, by the portal
 * itself; `enterprise`, for each person by their identity provider's word.
 */
export type CredentialMode = 'none' | 'fixed' | 'browser' | 'machine' | 'enterprise'

export interface ServerSetup {
  record: ServerRecord
  mode: CredentialMode
  /** What goes with every call where nobody's own is asked for: of `none` and `fixed`. A Trouble where it cannot be used. */
  fixed: LiveCredential | Trouble
  /** Where its OAuth is; null where it has none. */
  target: OauthTarget | null
  /** With the environment in the clear. */
  transport: StdioTransport | null
  /** How long its calls may take. Not in the signature: it is the next call's matter, and no connection's. */
  ticks: Ticks
  /** Tells two setups apart by what matters to a connection. */
  signature: string
}

/** A server whose secrets do not open is kept out of use alone; the others go on. */
export async function setupOf(
  { store, sealer, watch }: { store: Store; sealer: Sealer; watch: Pick<Watch, 'ticksOf'> },
  server: StoredServer,
): Promise<ServerSetup> {
  const ticks = watch.ticksOf(server.deadlines)
  const secrets = await readServerSecrets(store.db, sealer, server.uid).catch(unopened)
  const mode = modeOf(server)
  if (secrets instanceof Trouble) {
    const closed = { mode, fixed: secrets, target: null, transport: server.transport }
    return { record: server, ...closed, ticks, signature: '' }
  }
  const env = secrets?.env ?? {}
  const transport = server.transport === null ? null : { ...server.transport, env }
  const { hostname, authType, isolation, allowPrivate, identityWish } = server
  const { authCredentials = null, clientSecret = null } = secrets ?? {}
  // Another header, or other claims, are another way to speak to the server: what is open now ends.
  const shape = [hostname, authType, isolation, allowPrivate, transport, authCredentials, clientSecret, identityWish]
  return {
    record: server,
    mode,
    fixed: fixedOf(mode, authCredentials),
    target: targetOf(server, secrets ?? null),
    transport,
    ticks,
    signature: digest(JSON.stringify(shape)),
  }
}

function modeOf({ authType, authMode }: StoredServer): CredentialMode {
  switch (authType) {
    case 'unauthenticated':
      return 'none'
    case 'bearer':
      return 'fixed'
    case 'oauth':
      if (authMode === 'client_credentials') return 'machine'
      return authMode === 'enterprise' ? 'enterprise' : 'browser'
  }
}

function unopened(cause: unknown): Trouble {
  const hint = 'The stored secrets of {server} do not open with the encryption keys at hand. Store them again.'
  return new Trouble('not-ready', 'a seal does not open', { hint, cause })
}

/** A server whose credential cannot be used is still a server: its calls say what is missing. */
function fixedOf(mode: CredentialMode, secret: string | null): LiveCredential | Trouble {
  if (mode === 'none') return NO_CREDENTIAL
  if (mode !== 'fixed') return new Trouble('not-ready', 'a connection is needed', { hint: NOT_CONNECTED })
  try {
    return bearerCredential(secret)
  } catch (error) {
    if (error instanceof Trouble) return error
    throw error
  }
}

export const NOT_CONNECTED = '{server} needs to be connected by an administrator first.'

/** Null for what has no address of its own, or an OAuth client that nobody can read. */
function targetOf(server: StoredServer, secrets: ServerSecrets | null): OauthTarget | null {
  const url = server.authType === 'oauth' ? URL.parse(server.hostname) : null
  if (url === null) return null
  const text = secrets?.authCredentials ?? null
  const written = text === null ? null : parseWrittenOauth(text)
  if (typeof written === 'string') return null
  return {
    uid: server.uid,
    id: server.id,
    name: server.name,
    url,
    allowed: server.allowPrivate.map(parsePlace).filter((place) => place !== null),
    written,
    clientSecret: secrets?.clientSecret ?? null,
    sharedCallback: server.sharedOauthCallback,
  }
}
