/**
 * Signing in by OpenID Connect: authorization code with PKCE, nonce, and an ID token whose signature, issuer, audience, time and algorithm
 * openid-client checks as `connection.ts` has set it. What is left to do here is whose it is, and what of it counts.
 */
import {
  authorizationCodeGrant,
  buildAuthorizationUrl,
  type Configuration,
  calculatePKCECodeChallenge,
  fetchUserInfo,
  genericGrantRequest,
  type IDToken,
  refreshTokenGrant,
} from 'openid-client'
import type { AssertionWish } from '../../base/identity-assertion.ts'
import type { Vouched } from '../identity-store.ts'
import { claimsIn } from './claims-in.ts'
import type { Connection } from './connection.ts'
import {
  type Claims,
  hasOverage,
  keepClaims,
  keyIn,
  readAddress,
  readAmr,
  readGroups,
  readName,
  type Said,
} from './facts.ts'
import { groupsFromGraph } from './graph.ts'
import { mayBePlain, type Net } from './net.ts'
import { ProviderProblem, problemOf } from './problem.ts'
import { type ProviderSettings, pathOf } from './settings.ts'
import type { AttemptSecrets, Leaving, OnDropped, Way } from './way.ts'

interface Parts {
  settings: ProviderSettings
  connection: Connection
  net: Net
  onDropped: OnDropped
}

export function oidcWay(parts: Parts): Way {
  const { settings, connection } = parts
  return {
    issuer: async () => (await connection.metadata()).issuer,
    leave: (leaving) => leave(settings, connection, leaving),
    async come(answer, state, secrets) {
      const configuration = await connection.configuration()
      const { issuer } = configuration.serverMetadata()
      // What was begun at one issuer does not end at another, whatever an admin changed in between.
      if (issuer !== secrets.issuer) throw new ProviderProblem('login-binding', 'the issuer changed on the way')
      const vouched = await vouch(parts, configuration, await exchange(configuration, answer, state, secrets))
      return secrets.isFresh === true ? { provenAt: 'now', ...vouched } : vouched
    },
    async renew(refreshToken, subject) {
      const configuration = await connection.configuration()
      const answer = await refreshTokenGrant(configuration, refreshToken).catch(rethrown)
      const token = answer.claims()
      if (token === undefined) return { ...NOTHING_SAID, refreshToken: answer.refresh_token ?? null }
      requireParty(settings, token)
      const { issuer } = configuration.serverMetadata()
      const said = await listen(parts, configuration, { token, accessToken: answer.access_token })
      // OIDC Core 12.2: the same subject, or it is somebody else's token.
      if (keyIn(settings, said, issuer)?.subject !== subject) throw new ProviderProblem('bad-token', 'another subject')
      return {
        groups: await groupsOf(parts, said, answer.access_token),
        amr: token.amr === undefined ? null : readAmr(said),
        // What could not be asked for stays as it was known.
        claims: said.userinfo === 'failed' ? null : claimsOf(parts, said),
        idToken: answer.id_token ?? null,
        refreshToken: answer.refresh_token ?? null,
      }
    },
    assertion: (idToken, wish) => assertion(connection, idToken, wish),
  }
}

const ID_JAG = 'urn:ietf:params:oauth:token-type:id-jag'

/** RFC 8693 section 2, as draft-ietf-oauth-identity-assertion-authz-grant has it. */
async function assertion(
  connection: Connection,
  idToken: string,
  { audience, resource, scope }: Omit<AssertionWish, 'provider'>,
): Promise<string> {
  const configuration = await connection.configuration()
  const answer = await genericGrantRequest(configuration, 'urn:ietf:params:oauth:grant-type:token-exchange', {
    ...{ requested_token_type: ID_JAG, audience, resource },
    ...{ subject_token: idToken, subject_token_type: 'urn:ietf:params:oauth:token-type:id_token' },
    ...(scope === null ? {} : { scope }),
  }).catch(rethrown)
  if (answer.issued_token_type !== ID_JAG) throw new ProviderProblem('bad-token', 'what came is no identity assertion')
  // Whoever reads it decides by it; but what is made out to somebody else is not carried there.
  const { aud } = claimsIn(answer.access_token)
  if (aud !== audience && !(Array.isArray(aud) && aud.length === 1 && aud[0] === audience))
    throw new ProviderProblem('bad-token', 'the identity assertion is for another audience')
  return answer.access_token
}

const NOTHING_SAID = { groups: 'unsaid', amr: null, claims: null, idToken: null } as const

async function leave(settings: ProviderSettings, connection: Connection, leaving: Leaving): Promise<URL> {
  const configuration = await connection.configuration()
  const { scopes_supported: offered = [] } = await connection.metadata()
  const offline = settings.wantsOffline && offered.includes('offline_access') ? ['offline_access'] : []
  const url = buildAuthorizationUrl(configuration, {
    ...settings.parameters,
    redirect_uri: leaving.redirectUri,
    scope: [...new Set([...settings.scopes, ...offline])].join(' '),
    ...(leaving.isFresh === true ? proveAnew(settings) : {}),
    state: leaving.state,
    nonce: leaving.nonce,
    code_challenge: await calculatePKCECodeChallenge(leaving.verifier),
    code_challenge_method: 'S256',
  })
  if (url.protocol !== 'https:' && !mayBePlain(url, settings.allowed)) {
    throw new ProviderProblem('provider-unreachable', 'the authorization endpoint is not https')
  }
  return url
}

/** OIDC Core 3.1.2.1. Google knows no `login`, and lets the person choose the account anew instead. */
function proveAnew({ type }: ProviderSettings) {
  return { prompt: type === 'google' ? 'select_account' : 'login', max_age: '0' }
}

/** OIDC Core 2, `auth_time`: seconds, and what a provider says itself counts before whatever it was told to do. */
function provenAt({ auth_time: seconds }: Claims): { provenAt?: number } {
  return typeof seconds === 'number' && seconds > 0 ? { provenAt: seconds * 1000 } : {}
}

interface Exchanged {
  token: IDToken
  idToken: string
  accessToken: string
  refreshToken: string | null
}

async function exchange(
  configuration: Configuration,
  answer: URL,
  state: string,
  { nonce, verifier }: AttemptSecrets,
): Promise<Exchanged> {
  const checks = { expectedState: state, expectedNonce: nonce, pkceCodeVerifier: verifier, idTokenExpected: true }
  const tokens = await authorizationCodeGrant(configuration, answer, checks).catch(rethrown)
  const token = tokens.claims()
  if (token === undefined || tokens.id_token === undefined)
    throw new ProviderProblem('bad-token', 'there is no ID token')
  return {
    token,
    idToken: tokens.id_token,
    accessToken: tokens.access_token,
    refreshToken: tokens.refresh_token ?? null,
  }
}

/** OIDC Core 3.1.3.7, 5: the library looks at it only beside several audiences. */
function requireParty({ clientId }: ProviderSettings, token: Claims): void {
  if (token.azp !== undefined && token.azp !== clientId)
    throw new ProviderProblem('bad-token', 'it is for another party')
}

async function vouch(parts: Parts, configuration: Configuration, exchanged: Exchanged): Promise<Vouched> {
  const { settings } = parts
  requireParty(settings, exchanged.token)
  const said = await listen(parts, configuration, exchanged)
  const key = keyIn(settings, said, configuration.serverMetadata().issuer)
  if (key === null) throw new ProviderProblem('bad-token', 'it is of no account, tenant or organisation that may enter')
  requireClaims(settings, said)
  const { email, counts } = readAddress(settings, said)
  if (!counts && settings.emailDomains.length > 0 && !settings.allowUnknownAddresses) {
    // An address that could not be asked for is not a foreign one.
    if (email === null && said.userinfo === 'failed')
      throw new ProviderProblem('provider-unreachable', 'userinfo failed')
    const detail = 'the address is not verified, or of a domain that is not the provider’s'
    throw new ProviderProblem('foreign-address', detail, { who: email ?? readName(said, null) ?? key.subject })
  }
  return {
    provider: settings.id,
    ...key,
    email: counts ? email : null,
    name: readName(said, email),
    groups: await groupsOf(parts, said, exchanged.accessToken),
    amr: readAmr(said),
    ...provenAt(exchanged.token),
    claims: claimsOf(parts, said),
    idToken: exchanged.idToken,
    refreshToken: exchanged.refreshToken,
  }
}

/** A claim that could not be asked for is not one that somebody lacks, and what is kept of claims has no word for it. */
function requireClaims({ claims }: ProviderSettings, { token, userinfo }: Said): void {
  const isOpen = userinfo === 'failed' && claims.some((name) => !Object.hasOwn(token, pathOf(name)[0] ?? ''))
  if (isOpen) throw new ProviderProblem('provider-unreachable', 'userinfo failed, and claims are kept that it has')
}

/** Asks at the userinfo endpoint where the ID token leaves open what is wanted. Many give thin ID tokens beside an access token. */
async function listen(
  { settings }: Parts,
  configuration: Configuration,
  { token, accessToken }: { token: IDToken; accessToken: string },
): Promise<Said> {
  const wanted = [settings.emailClaim, 'name', ...settings.claims.map((name) => pathOf(name)[0] ?? '')]
  const isWanted = settings.groups?.source === 'userinfo' || wanted.some((name) => !Object.hasOwn(token, name))
  if (!isWanted || configuration.serverMetadata().userinfo_endpoint === undefined) return { token, userinfo: null }
  try {
    return { token, userinfo: { ...(await fetchUserInfo(configuration, accessToken, token.sub)) } }
  } catch (error) {
    // The ID token stands for itself; what is not known for this is kept as not known.
    problemOf(error)
    return { token, userinfo: 'failed' }
  }
}

async function groupsOf({ settings, net }: Parts, said: Said, accessToken: string): Promise<readonly string[] | null> {
  if (settings.groups !== null && settings.type === 'azureAD' && hasOverage(said.token)) {
    return groupsFromGraph(settings, net, accessToken)
  }
  return readGroups(settings.groups, said)
}

function claimsOf({ settings, onDropped }: Parts, said: Said): Readonly<Record<string, unknown>> {
  const { kept, dropped } = keepClaims(
    settings.claims.map((name) => [name, pathOf(name)] as const),
    said,
  )
  if (dropped.length > 0) onDropped(dropped)
  return kept
}

function rethrown(error: unknown): never {
  throw problemOf(error)
}
