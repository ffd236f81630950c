/** A client of the portal's authorization server that does exactly what it is told, for what a real client would never do. */
import { type Challenge, newChallenge, type Page, type Person } from './person.ts'

export interface TokenAnswer {
  status: number
  body: {
    access_token: string
    refresh_token: string
    expires_in: number
    token_type: string
    scope?: string
    error?: string
    error_description?: string
  }
}

export interface OauthClient {
  id: string
  secret: string | null
  redirectUri: string
  authorizeUrl(parameters?: Readonly<Record<string, string | null>>): {
    url: string
    challenge: Challenge
    state: string
  }
  /** Exchanges a code. */
  exchange(code: string, challenge: Challenge, more?: Readonly<Record<string, string | null>>): Promise<TokenAnswer>
  refresh(token: string, more?: Readonly<Record<string, string | null>>): Promise<TokenAnswer>
  revoke(token: string): Promise<number>
}

export const REDIRECT = 'http://127.0.0.1:51999/callback'

/** Registers a public client by itself (RFC 7591). */
export async function registerClient(url: string, more: Readonly<Record<string, unknown>> = {}): Promise<OauthClient> {
  const response = await fetch(`${url}/oauth/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      ...{ client_name: 'Test client', redirect_uris: [REDIRECT], token_endpoint_auth_method: 'none' },
      ...{ grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'], ...more },
    }),
  })
  const body = (await response.json()) as { client_id: string; client_secret?: string; redirect_uris: string[] }
  if (response.status !== 201) throw new Error(`registration: ${response.status} ${JSON.stringify(body)}`)
  return clientOf(url, {
    id: body.client_id,
    secret: body.client_secret ?? null,
    redirectUri: body.redirect_uris[0] ?? '',
  })
}

export function clientOf(
  url: string,
  { id, secret, redirectUri }: Pick<OauthClient, 'id' | 'secret' | 'redirectUri'>,
): OauthClient {
  const own = { client_id: id, ...(secret === null ? {} : { client_secret: secret }) }
  const token = async (form: Readonly<Record<string, string | null>>): Promise<TokenAnswer> => {
    const response = await fetch(`${url}/oauth/token`, { method: 'POST', body: formOf({ ...own, ...form }) })
    return { status: response.status, body: (await response.json()) as TokenAnswer['body'] }
  }
  return {
    ...{ id, secret, redirectUri },
    authorizeUrl(parameters = {}) {
      const challenge = newChallenge()
      const state = `state-${Math.random()}`
      const query = formOf({
        ...{ response_type: 'code', client_id: id, redirect_uri: redirectUri, state, resource: `${url}/mcp` },
        ...{ code_challenge: challenge.challenge, code_challenge_method: 'S256', ...parameters },
      })
      return { url: `${url}/oauth/authorize?${query}`, challenge, state }
    },
    exchange: (code, { verifier }, more = {}) =>
      token({ grant_type: 'authorization_code', code, code_verifier: verifier, redirect_uri: redirectUri, ...more }),
    refresh: (refresh, more = {}) => token({ grant_type: 'refresh_token', refresh_token: refresh, ...more }),
    async revoke(shown) {
      const answer = await fetch(`${url}/oauth/revoke`, { method: 'POST', body: formOf({ ...own, token: shown }) })
      return answer.status
    },
  }
}

function formOf(fields: Readonly<Record<string, string | null>>): URLSearchParams {
  const form = new URLSearchParams()
  for (const [name, value] of Object.entries(fields)) if (value !== null) form.set(name, value)
  return form
}

export interface LetIn {
  tokens: TokenAnswer['body']
  code: string
  challenge: Challenge
}

/** The whole way for a person who has a password: sign in where that is asked, allow, and exchange what comes back. */
export async function letIn(
  person: Person,
  client: OauthClient,
  who: { email: string; password: string },
  parameters: Readonly<Record<string, string | null>> = {},
): Promise<LetIn> {
  const { url, challenge, state } = client.authorizeUrl(parameters)
  const page = await signInAndAllow(person, await person.open(url), who)
  const query = page.left?.searchParams
  const code = query?.get('code')
  if (!code) throw new Error(`no code came back: ${page.status} ${page.left?.href ?? page.text}`)
  if (query?.get('state') !== state) throw new Error('the state did not come back as it was')
  const answer = await client.exchange(code, challenge)
  if (answer.status !== 200) throw new Error(`no token: ${JSON.stringify(answer.body)}`)
  return { tokens: answer.body, code, challenge }
}

export async function signInAndAllow(
  person: Person,
  page: Page,
  { email, password }: { email: string; password: string },
): Promise<Page> {
  const isSignIn = new URL(page.url).pathname === '/sign-in'
  const asked = isSignIn ? await person.submit(page, '/sign-in/local', { email, password }) : page
  if (asked.left !== null) return asked
  return person.submit(asked, new URL(asked.url).pathname, { decision: 'allow' })
}
