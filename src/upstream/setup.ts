/**
 * A server as it is used: its record with the secrets opened. Lives in memory only, is replaced whole when anything that
 * matters to a connection changes, and is never logged.
 */
import { digest, type Sealer } from '../base/secret.ts'
import type { Store } from '../store/open.ts'
import { type Credential, credentialFor } from './credentials.ts'
import type { Ticks, Watch } from './exchange.ts'
import type { ServerRecord, StdioTransport } from './model.ts'
import { readServerSecrets, type StoredServer } from './server-store.ts'
import { Trouble } from './trouble.ts'

export interface ServerSetup {
  record: ServerRecord
  credential: Credential | Trouble
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
  if (secrets instanceof Trouble)
    return { record: server, credential: secrets, transport: server.transport, ticks, signature: '' }
  const env = secrets?.env ?? {}
  const transport = server.transport === null ? null : { ...server.transport, env }
  const secret = secrets?.authCredentials ?? null
  const { hostname, authType, isolation, allowPrivate, identityWish } = server
  // Another header, or other claims, are another way to speak to the server: what is open now ends.
  const shape = [hostname, authType, isolation, allowPrivate, transport, secret, identityWish]
  return {
    record: server,
    credential: credentialOf(server, secret),
    transport,
    ticks,
    signature: digest(JSON.stringify(shape)),
  }
}

function unopened(cause: unknown): Trouble {
  const hint = 'The stored secrets of {server} do not open with the encryption keys at hand. Store them again.'
  return new Trouble('not-ready', 'a seal does not open', { hint, cause })
}

/** A server whose credential cannot be used is still a server: its calls say what is missing. */
function credentialOf(server: StoredServer, secret: string | null): Credential | Trouble {
  try {
    return credentialFor(server.authType, secret)
  } catch (error) {
    if (error instanceof Trouble) return error
    throw error
  }
}
