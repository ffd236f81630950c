/**
 * Signing in through GitHub, which is OAuth 2.0 without OpenID Connect: who somebody is comes from its API, asked with the token that the
 * code was exchanged for. The account is its number, because names go to others; addresses count only where GitHub has verified them.
 */
import {
  authorizationCodeGrant,
  buildAuthorizationUrl,
  type Configuration,
  calculatePKCECodeChallenge,
} from 'openid-client'
import { z } from 'zod'
import { plainAddress } from '../../contract/identity-provider.ts'
import type { Vouched } from '../identity-store.ts'
import type { Connection } from './connection.ts'
import { isOwn, namesIn, readName } from './facts.ts'
import { mayBePlain, type Net } from './net.ts'
import { ProviderProblem, problemOf } from './problem.ts'
import type { ProviderSettings } from './settings.ts'
import type { AttemptSecrets, Way } from './way.ts'

const user = z.object({ id: z.int(), login: z.string(), name: z.string().nullish() })
const emails = z.array(z.object({ email: z.string(), primary: z.boolean(), verified: z.boolean() }))
const orgs = z.array(z.object({ login: z.string() }))
const teams = z.array(z.object({ slug: z.string(), organization: z.object({ login: z.string() }) }))

const PAGE = 100
const MOST_PAGES = 10

interface Parts {
  settings: ProviderSettings
  connection: Connection
  net: Net
}

export function githubWay(parts: Parts): Way {
  const { settings, connection } = parts
  return {
    issuer: async () => (await connection.metadata()).issuer,
    async leave({ redirectUri, state, verifier }) {
      const url = buildAuthorizationUrl(await connection.configuration(), {
        ...settings.parameters,
        redirect_uri: redirectUri,
        scope: settings.scopes.join(' '),
        state,
        code_challenge: await calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
      })
      if (url.protocol === 'https:' || mayBePlain(url, settings.allowed)) return url
      throw new ProviderProblem('provider-unreachable', 'the authorization endpoint is not https')
    },
    async come(answer, state, secrets) {
      const configuration = await connection.configuration()
      const { issuer } = configuration.serverMetadata()
      if (issuer !== secrets.issuer) throw new ProviderProblem('login-binding', 'the issuer changed on the way')
      return vouch(parts, issuer, await exchange(configuration, answer, state, secrets))
    },
    async renew(token, subject) {
      const who = await read(parts, token, '/user', user)
      if (String(who.id) !== subject) throw new ProviderProblem('bad-token', 'another account')
      return { groups: await groupsOf(parts, token), amr: null, claims: null, idToken: null, refreshToken: null }
    },
  }
}

async function exchange(
  configuration: Configuration,
  answer: URL,
  state: string,
  { verifier }: AttemptSecrets,
): Promise<string> {
  const checks = { expectedState: state, pkceCodeVerifier: verifier }
  try {
    return (await authorizationCodeGrant(configuration, answer, checks)).access_token
  } catch (error) {
    const problem = problemOf(error)
    // GitHub refuses a code with status 200 and an error in the body, where a token was due.
    throw problem.reason === 'bad-token' && problem.message.includes('access_token')
      ? new ProviderProblem('provider-refused', 'the code was refused')
      : problem
  }
}

async function vouch(parts: Parts, issuer: string, token: string): Promise<Vouched> {
  const { settings } = parts
  const who = await read(parts, token, '/user', user)
  const email = await addressOf(parts, token)
  const counts = email !== null && isOwn(settings, email)
  if (!counts && settings.emailDomains.length > 0 && !settings.allowUnknownAddresses) {
    throw new ProviderProblem('foreign-address', 'no verified address is of a domain that is the provider’s', {
      who: email ?? who.login,
    })
  }
  return {
    ...{ provider: settings.id, issuer, subject: String(who.id) },
    email: counts ? email : null,
    name: readName({ token: { name: who.name ?? who.login }, userinfo: null }, email),
    groups: await groupsOf(parts, token),
    amr: [],
    claims: { login: who.login },
    idToken: null,
    // It does not end by itself, and with it GitHub can be asked again.
    refreshToken: token,
  }
}

/** Of the verified ones the one that counts, else the primary one. */
async function addressOf(parts: Parts, token: string): Promise<string | null> {
  const all = await read(parts, token, `/user/emails?per_page=${PAGE}`, emails)
  const verified = all
    .filter((one) => one.verified)
    .sort((a, b) => Number(b.primary) - Number(a.primary))
    .map(({ email }) => plainAddress(email))
    .filter((email) => email !== null)
  return verified.find((email) => isOwn(parts.settings, email)) ?? verified[0] ?? null
}

/** `org` and `org/team`. @returns null where GitHub does not say all of them */
async function groupsOf(parts: Parts, token: string): Promise<readonly string[] | null> {
  try {
    const own = await readAll(parts, token, '/user/orgs', orgs)
    const theirs = await readAll(parts, token, '/user/teams', teams)
    if (own === null || theirs === null) return null
    return namesIn([
      ...own.map(({ login }) => login),
      ...theirs.map(({ slug, organization }) => `${organization.login}/${slug}`),
    ])
  } catch (error) {
    problemOf(error)
    return null
  }
}

async function readAll<T>(parts: Parts, token: string, path: string, shape: z.ZodType<T[]>): Promise<T[] | null> {
  const all: T[] = []
  for (let page = 1; page <= MOST_PAGES; page++) {
    const items = await read(parts, token, `${path}?per_page=${PAGE}&page=${page}`, shape)
    all.push(...items)
    if (items.length < PAGE) return all
  }
  return null
}

async function read<T>({ settings, net }: Parts, token: string, path: string, shape: z.ZodType<T>): Promise<T> {
  const response = await net
    .send(`${settings.apiUrl}${path}`, {
      headers: { authorization: `Bearer ${token}`, accept: 'application/vnd.github+json', 'user-agent': 'portico' },
    })
    .catch((error: unknown) => {
      throw problemOf(error)
    })
  // The token was withdrawn, by its person or with the account.
  if (response.status === 401)
    throw new ProviderProblem('provider-refused', 'the token is refused', { code: 'invalid_grant' })
  if (response.status !== 200) throw new ProviderProblem('provider-unreachable', `the API answered ${response.status}`)
  const parsed = shape.safeParse(await response.json().catch(() => null))
  if (!parsed.success) throw new ProviderProblem('provider-unreachable', 'the API answered in another shape')
  return parsed.data
}
