/**
 * The portal as an OAuth client: what is asked of authorization servers, and as whom. Every error is an OauthTrouble. What was found out
 * is remembered for an hour; credentials are never remembered here.
 */
import type { Clock } from '../../base/clock.ts'
import type { Egress } from '../../base/egress.ts'
import type { Sealer } from '../../base/secret.ts'
import type { Store } from '../../store/open.ts'
import type { GrantedTokens } from '../connections/model.ts'
import { accountOf } from './account.ts'
import { authenticationOf } from './client-auth.ts'
import { documentUrl } from './client-document.ts'
import { isKnownElsewhere, type RegisteredClient, readClient, saveClient } from './client-store.ts'
import { discoverServer } from './discover.ts'
import { exchangeCode, exchangeGrant, exchangeRefreshToken, type Sending, startCode } from './library.ts'
import {
  type Asked,
  type AuthServer,
  type OauthClient,
  type OauthTarget,
  OauthTrouble,
  type OauthWays,
} from './model.ts'
import { isSafeUrl, type Net, openNet } from './net.ts'
import { registerClient } from './registration.ts'
import { grantedTokens } from './token-answer.ts'
import { oauthTroubleOf } from './trouble-of.ts'
import { callbacksOf, writtenCallback } from './written-addresses.ts'

export interface OauthWaysDeps {
  store: Store
  /** Of purpose `store`. */
  sealer: Sealer
  clock: Clock
  egress: Egress
  /** The portal's own public address, without a slash at the end. Asked each time: it may not be known at the start. */
  issuer(): string
}

/** The part that a person in a browser is needed for: only the desk uses it. */
export interface CodeWays {
  /** Where the browser is to go, and the PKCE verifier that the way back needs. */
  leave(
    target: OauthTarget,
    asked: Asked & { redirectUri: string; state: string; scope: string | null },
  ): Promise<{ location: string; verifier: string }>
  exchange(
    target: OauthTarget,
    asked: Asked & { redirectUri: string; code: string; verifier: string },
  ): Promise<GrantedTokens>
  /** What the server's side calls the account; null where it does not say. Never throws. */
  accountOf(target: OauthTarget, server: AuthServer, tokens: GrantedTokens): Promise<string | null>
}

const REMEMBERED_MS = 60 * 60_000
const MOST_REMEMBERED = 1000
const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer'

export function openOauthWays(deps: OauthWaysDeps): OauthWays & CodeWays {
  return new OpenOauthWays(deps)
}

interface Remembered {
  at: number
  server: Promise<AuthServer>
}

class OpenOauthWays implements OauthWays, CodeWays {
  readonly #deps: OauthWaysDeps
  readonly #remembered = new Map<string, Remembered>()
  readonly #registering = new Map<string, Promise<OauthClient>>()

  constructor(deps: OauthWaysDeps) {
    this.#deps = deps
  }

  discover(
    target: OauthTarget,
    { resourceMetadata = null, anew = false }: { resourceMetadata?: string | null; anew?: boolean } = {},
  ): Promise<AuthServer> {
    const key = JSON.stringify([target.uid, target.url.href, target.written])
    const known = this.#remembered.get(key)
    const isYoung = known !== undefined && this.#deps.clock.now() - known.at < REMEMBERED_MS
    if (isYoung && !anew) return known.server
    const server = discoverServer(this.#deps.egress, target, resourceMetadata)
    // The oldest goes first: a map keeps the order in which it was filled.
    this.#remembered.delete(key)
    const [oldest] = this.#remembered.keys()
    if (oldest !== undefined && this.#remembered.size >= MOST_REMEMBERED) this.#remembered.delete(oldest)
    const entry = { at: this.#deps.clock.now(), server }
    this.#remembered.set(key, entry)
    server.catch(() => {
      if (this.#remembered.get(key) === entry) this.#remembered.delete(key)
    })
    return server
  }

  async clientOf(
    target: OauthTarget,
    server: AuthServer,
    { anew = false, holder = null }: { anew?: boolean; holder?: string | null } = {},
  ): Promise<OauthClient> {
    if (target.written !== null) return writtenClient(target, server)
    const { issuer } = server
    if (issuer === null) throw new OauthTrouble('no-registration', 'nobody knows whose endpoints these are')
    const known = holder === null ? undefined : await readClient(this.#deps, { server: target.uid, issuer })
    // Tokens live on with their client, also where the portal has another address by now, at which nobody could come back to it.
    if (known !== undefined && known.client.id === holder && this.#lasts(known)) return known.client
    const document = server.takesDocuments && server.hasIss ? documentUrl(this.#deps.issuer(), issuer) : null
    if (document !== null) return { id: document, secret: null, method: 'none', kind: 'document' }
    const key = JSON.stringify([target.uid, issuer, anew])
    const running = this.#registering.get(key)
    if (running !== undefined) return running
    const work = this.#registered(target, { server, issuer, anew }).finally(() => this.#registering.delete(key))
    this.#registering.set(key, work)
    return work
  }

  redirectUriOf(target: OauthTarget, server: AuthServer): string {
    const ways = callbacksOf(this.#deps.issuer(), target.id)
    if (target.written?.auth_mode !== 'manual') return server.hasIss ? ways.shared : ways.single
    const named = target.written.registration_info.redirect_uris ?? []
    return writtenCallback(ways, { named, isSharedWished: target.sharedCallback })
  }

  refresh(target: OauthTarget, asked: Asked & { refreshToken: string }): Promise<GrantedTokens> {
    return this.#tokens(target, asked, 'renewing tokens', (sending) =>
      exchangeRefreshToken(sending, asked.refreshToken),
    )
  }

  clientCredentials(target: OauthTarget, asked: Asked & { scope: string | null }): Promise<GrantedTokens> {
    const form = new URLSearchParams({ grant_type: 'client_credentials' })
    if (asked.scope !== null) form.set('scope', asked.scope)
    return this.#tokens(target, asked, 'asking for a token as a client', (sending) => exchangeGrant(sending, form))
  }

  assertionGrant(
    target: OauthTarget,
    asked: Asked & { assertion: string; scope: string | null },
  ): Promise<GrantedTokens> {
    const form = new URLSearchParams({ grant_type: JWT_BEARER, assertion: asked.assertion })
    if (asked.scope !== null) form.set('scope', asked.scope)
    return this.#tokens(target, asked, 'asking for a token with an assertion', (sending) =>
      exchangeGrant(sending, form),
    )
  }

  async revoke(
    target: OauthTarget,
    { server, client, token, hint }: Asked & { token: string; hint: 'refresh_token' | 'access_token' },
  ): Promise<void> {
    if (server.revocationEndpoint === null) return
    const net = this.#net(target)
    const headers = new Headers({ 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' })
    const form = new URLSearchParams({ token, token_type_hint: hint })
    try {
      await authenticationOf(this.#deps.clock, target, { server, client })(headers, form)
      await net.send(server.revocationEndpoint, { method: 'POST', headers, body: form })
    } catch (error) {
      // As well as it goes: what the server's side keeps, nobody uses any more. Trouble of our own still rises.
      oauthTroubleOf(error, 'refused', 'revoking a token')
    }
  }

  async leave(
    _target: OauthTarget,
    { server, client, ...asked }: Asked & { redirectUri: string; state: string; scope: string | null },
  ): Promise<{ location: string; verifier: string }> {
    try {
      const { authorizationUrl, codeVerifier } = await startCode(server, { clientId: client.id, ...asked })
      if (!isSafeUrl(authorizationUrl)) throw new OauthTrouble('insecure', 'the authorization endpoint is not https')
      return { location: authorizationUrl.href, verifier: codeVerifier }
    } catch (error) {
      throw oauthTroubleOf(error, 'refused', 'leaving for the authorization server')
    }
  }

  exchange(
    target: OauthTarget,
    asked: Asked & { redirectUri: string; code: string; verifier: string },
  ): Promise<GrantedTokens> {
    return this.#tokens(target, asked, 'exchanging a code', (sending) => exchangeCode(sending, asked))
  }

  accountOf(target: OauthTarget, server: AuthServer, tokens: GrantedTokens): Promise<string | null> {
    return accountOf(this.#net(target), server, tokens)
  }

  #net({ allowed }: OauthTarget): Net {
    return openNet(this.#deps.egress, allowed)
  }

  async #tokens(
    target: OauthTarget,
    { server, client }: Asked,
    during: string,
    ask: (sending: Sending) => ReturnType<typeof exchangeCode>,
  ): Promise<GrantedTokens> {
    const authenticate = authenticationOf(this.#deps.clock, target, { server, client })
    const { send } = this.#net(target)
    try {
      return grantedTokens(await ask({ server, clientId: client.id, authenticate, send }))
    } catch (error) {
      throw oauthTroubleOf(error, 'bad-answer', during)
    }
  }

  async #registered(
    target: OauthTarget,
    { server, issuer, anew }: { server: AuthServer; issuer: string; anew: boolean },
  ): Promise<OauthClient> {
    const { store } = this.#deps
    const key = { server: target.uid, issuer }
    const redirectUri = this.redirectUriOf(target, server)
    const known = await readClient(this.#deps, key)
    if (known?.redirectUri === redirectUri && !anew && this.#lasts(known)) return known.client
    const made = await registerClient(this.#net(target), server, { redirectUri, issuer: this.#deps.issuer() })
    if (
      made.client.id === documentUrl(this.#deps.issuer(), issuer) ||
      (await isKnownElsewhere(store, made.client.id, issuer))
    )
      throw new OauthTrouble('no-registration', 'it gave out a client id that another issuer knows the portal by')
    const kept = await saveClient(this.#deps, key, { made, instead: known?.client.id ?? null })
    if (kept === undefined) throw new OauthTrouble('no-registration', 'the server is not there any more')
    return kept.client
  }

  #lasts({ expiresAt }: RegisteredClient): boolean {
    return expiresAt === null || expiresAt > this.#deps.clock.now()
  }
}

/** As an admin wrote it down. Where no method is said, it is what the server takes and the secret allows. */
function writtenClient({ written, clientSecret }: OauthTarget, { authMethods }: AuthServer): OauthClient {
  if (written === null) throw new Error('there is no written client')
  const { client_id: id, token_endpoint_auth_method: said } = written.registration_info
  const takesPostOnly = authMethods.includes('client_secret_post') && !authMethods.includes('client_secret_basic')
  const usual = takesPostOnly ? 'client_secret_post' : 'client_secret_basic'
  const method = said ?? (clientSecret === null || clientSecret === '' ? 'none' : usual)
  return { id, secret: clientSecret === '' ? null : clientSecret, method, kind: 'written' }
}
