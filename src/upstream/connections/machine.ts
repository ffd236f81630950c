/** The portal's own credential (RFC 6749 section 4.4), whoever calls. It has no refresh token: it is asked for anew, with the client's own proof. */
import type { AuthServer, OauthTarget, OauthWays } from '../oauth/model.ts'
import type { ConnectionContent } from './connection-store.ts'
import type { Life } from './life.ts'

export type Lives = (expiresIn: number | null, isRenewable: boolean) => Life

/** @throws OauthTrouble */
export async function grantAsMachine(
  ways: OauthWays,
  { target, lives }: { target: OauthTarget; lives: Lives },
  server: AuthServer,
): Promise<ConnectionContent> {
  const client = await ways.clientOf(target, server)
  const scope = writtenScope(target)
  const granted = await ways.clientCredentials(target, { server, client, scope })
  return {
    kind: 'machine',
    issuer: server.issuer,
    resource: server.resource,
    clientId: client.id,
    scope: granted.scope ?? scope,
    account: null,
    // RFC 6749 section 4.4.3: none should come; one that does would only be another thing to lose.
    tokens: { access: granted.access, type: granted.type, refresh: null },
    ...lives(granted.expiresIn, true),
  }
}

/** What an admin wrote down to be asked for. */
export function writtenScope({ written }: OauthTarget): string | null {
  return written?.registration_info.scope ?? null
}
