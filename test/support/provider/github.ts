/** As much of GitHub as a sign-in meets: its OAuth with PKCE, and what its API says of who has a token. */
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface GithubAccount {
  id: number
  login: string
  name?: string | null
  emails: { email: string; primary: boolean; verified: boolean }[]
  /** Null where it refuses to say. */
  orgs: string[] | null
  /** `org/team` */
  teams: string[]
}

export interface RunningGithub {
  origin: string
  place: string
  /** Who is signed in at its pages. */
  account: GithubAccount
  /** Tokens that were given out are dead. */
  withdraw(): void
  /** Scopes of the last authorization. */
  scopes: string
  stop(): Promise<void>
}

interface Code {
  challenge: string
  redirect: string
}

export async function startGithub(account: GithubAccount): Promise<RunningGithub> {
  const codes = new Map<string, Code>()
  const tokens = new Set<string>()
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', running.origin)
    const send = (status: number, body: unknown): void =>
      void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    if (url.pathname === '/login/oauth/authorize') {
      const code = randomBytes(10).toString('hex')
      const redirect = url.searchParams.get('redirect_uri') ?? ''
      running.scopes = url.searchParams.get('scope') ?? ''
      codes.set(code, { challenge: url.searchParams.get('code_challenge') ?? '', redirect })
      const back = new URL(redirect)
      back.searchParams.set('code', code)
      back.searchParams.set('state', url.searchParams.get('state') ?? '')
      response.writeHead(302, { location: back.href }).end()
      return
    }
    if (url.pathname === '/login/oauth/access_token') {
      void exchange(request, codes).then((token) => {
        if (token === null) return send(200, { error: 'bad_verification_code', error_description: 'no' })
        tokens.add(token)
        send(200, { access_token: token, token_type: 'bearer', scope: running.scopes })
      })
      return
    }
    const bearer = (request.headers.authorization ?? '').replace('Bearer ', '')
    if (!tokens.has(bearer) || request.headers['user-agent'] === undefined)
      return send(401, { message: 'Bad credentials' })
    const said = apiAnswer(running.account, url)
    send(said === null ? 403 : 200, said)
  })
  const running: RunningGithub = {
    ...{ origin: '', place: '', account, scopes: '' },
    withdraw: () => tokens.clear(),
    async stop() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  running.origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  running.place = new URL(running.origin).host
  return running
}

async function exchange(request: IncomingMessage, codes: Map<string, Code>): Promise<string | null> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const form = new URLSearchParams(Buffer.concat(chunks).toString())
  const code = codes.get(form.get('code') ?? '')
  codes.delete(form.get('code') ?? '')
  const challenge = createHash('sha256')
    .update(form.get('code_verifier') ?? '')
    .digest('base64url')
  const isGood =
    code?.challenge === challenge && code.redirect === form.get('redirect_uri') && form.get('client_secret') !== null
  return isGood ? `gho_${randomBytes(16).toString('hex')}` : null
}

function apiAnswer({ id, login, name, emails, orgs, teams }: GithubAccount, url: URL): unknown {
  const page = Number(url.searchParams.get('page') ?? 1)
  const size = Number(url.searchParams.get('per_page') ?? 30)
  const paged = (all: unknown[]): unknown[] => all.slice((page - 1) * size, page * size)
  switch (url.pathname) {
    case '/user':
      return { id, login, name: name ?? null }
    case '/user/emails':
      return paged(emails)
    case '/user/orgs':
      return orgs === null ? null : paged(orgs.map((org) => ({ login: org })))
    case '/user/teams':
      return paged(teams.map((team) => ({ slug: team.split('/')[1], organization: { login: team.split('/')[0] } })))
    default:
      return null
  }
}
