/** What journeys through the pages share: a portal that looks lived in, people, and a client's side of an authorization. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Page } from './browser.ts'
import { Person } from './person.ts'
import { startTestPortal, type TestPortal, type TestPortalOptions } from './portal.ts'
import { modern, type ScriptedServer, startScripted } from './scripted-server.ts'
import { type Mailbox, openMailbox } from './support/mailbox.ts'
import { type RunningProvider, startProvider } from './support/provider/start.ts'

export const ADA = { email: 'ada@acme.test', password: 'correct horse battery staple' }
export const ORGANIZATION = 'Acme Corp'

export interface LivedIn {
  portal: TestPortal
  provider: RunningProvider
  mailbox: Mailbox
  /** Where the form of the provider's button leads. */
  providerId: string
  close(): Promise<void>
}

/** A portal with an owner who has a password, codes by mail, one identity provider, and one server with one tool. */
export async function startLivedIn(options: Pick<TestPortalOptions, 'databaseUrl' | 'limits'> = {}): Promise<LivedIn> {
  const [mailbox, provider, server] = await Promise.all([
    openMailbox(),
    startProvider(),
    startScripted(modern(() => {})),
  ])
  const smtp = {
    host: '127.0.0.1',
    port: mailbox.port,
    user: null,
    password: null,
    from: 'portal@acme.test',
    tls: 'none' as const,
  }
  const portal = await startTestPortal({ ...options, config: { bootstrap: ADA, smtp } })
  const providerId = await furnish(portal, provider, server)
  return {
    ...{ portal, provider, mailbox, providerId },
    async close() {
      await portal.close()
      await Promise.all([mailbox.close(), provider.stop(), server.close()])
    },
  }
}

async function furnish(portal: TestPortal, provider: RunningProvider, server: ScriptedServer): Promise<string> {
  const must = async (method: string, path: string, body: unknown): Promise<{ id: string }> => {
    const answer = await portal.api<{ id: string }>(method, path, body)
    if (!answer.body.success) throw new Error(`${method} ${path}: ${JSON.stringify(answer.body)}`)
    return answer.body.result
  }
  await must('PUT', '/access/organizations', { name: ORGANIZATION })
  await portal.furnish([{ id: 'handbook', url: `${server.origin}/mcp` }])
  await must('PUT', '/access/ai-controls/mcp/portals/default', {
    name: 'Team tools',
    description: 'What the team works with.',
  })
  await must('POST', '/access/identity_providers', { name: 'Codes', type: 'onetimepin', config: {} })
  const secret = 'the secret of the portal at its provider'
  const { id } = await must('POST', '/access/identity_providers', {
    name: 'Acme account',
    type: 'oidc',
    config: {
      ...{ client_id: 'portico', client_secret: secret, issuer: provider.issuer, email_domains: ['acme.test'] },
      allow_private: [provider.place],
    },
  })
  const redirect_uris = [`${portal.url}/sign-in/to/${id}/callback`]
  await provider.addClient({ client_id: 'portico', client_secret: secret, redirect_uris })
  await provider.account('grace', {
    claims: { sub: 'grace', email: 'grace@acme.test', email_verified: true, name: 'Grace' },
  })
  return id
}

export interface Landing {
  /** The redirect URI. */
  uri: string
  /** The next browser that comes back, with what it brings. */
  arrival(): Promise<URLSearchParams>
  close(): Promise<void>
}

/** A client's own listener on loopback, that sends its person on to a page of thanks at another origin of this machine, as real ones do. */
export async function openLanding(host: '127.0.0.1' | '::1' = '127.0.0.1', path = '/callback'): Promise<Landing> {
  const waiting: ((query: URLSearchParams) => void)[] = []
  const come: URLSearchParams[] = []
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://client')
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' })
    response.end('<!doctype html><html lang="en"><title>Client</title><h1>Thank you</h1></html>')
    if (pathname !== path) return
    const next = waiting.shift()
    if (next) next(searchParams)
    else come.push(searchParams)
  })
  await new Promise<void>((resolve) => server.listen(0, host, resolve))
  const { port } = server.address() as AddressInfo
  return {
    uri: `http://${host === '::1' ? '[::1]' : host}:${port}${path}`,
    arrival: async () => come.shift() ?? new Promise((resolve) => waiting.push(resolve)),
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      await closed
    },
  }
}

/** By mouse, on the sign-in page that is open. */
export async function signInWithPassword(page: Page, who: { email: string; password: string } = ADA): Promise<void> {
  const form = page.locator('form[action="/sign-in/local"]')
  await form.getByLabel('Email address').fill(who.email)
  await form.getByLabel('Password').fill(who.password)
  await form.getByRole('button', { name: 'Sign in' }).click()
}

/** What went wrong by the browser's own account: scripts, and what a Content-Security-Policy stopped. Statuses of pages are no fault. */
export function complaintsOf(page: Page): string[] {
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('console', (message) => {
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
      complaints.push(message.text())
  })
  return complaints
}

/** A browser without script in which somebody has signed in: with a password, or through the provider under a name that it knows. */
export async function signInAs(
  { portal, provider, providerId }: LivedIn,
  who: 'ada' | 'grace' = 'ada',
): Promise<Person> {
  const person = new Person(portal.url, provider.issuer)
  const choice = await person.open(`${portal.url}/sign-in`)
  if (who === 'ada') await person.submit(choice, '/sign-in/local', ADA)
  else {
    const asked = await person.submit(choice, `/sign-in/to/${providerId}`)
    await person.open(`${asked.url}?user=${who}`)
  }
  const home = await person.open(portal.url)
  if (!home.text.includes(`${who}@acme.test`)) throw new Error(`${who} was not signed in: ${home.text}`)
  return person
}
