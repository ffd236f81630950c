/**
 * One scenario of authorization, with the portal as the client. Whoever plays it does what people do: an admin registers the server, a
 * person connects an account through the portal's pages, an MCP client calls the suite's only tool through the portal, and follows the
 * links that it is asked to open.
 *
 * - most: sign-in, discovery, registration, PKCE, `resource`, then `tools/list` and `tools/call`
 * - `scope-step-up`: the call answers 403 `insufficient_scope`; who connected is asked for more, and the call goes on
 * - `scope-retry-limit`: it never stops answering that, to lists as well; an admin connects it as often as may be seen, three times, so the
 *   portal may add none
 * - `authorization-server-migration`: after one good request, which is the portal's own reading of lists, the metadata names another
 *   authorization server; so there is nothing to call, and who uses the portal connects anew
 * - `basic-cimd`: the client id has to be `https://conformance-test.local/client-metadata.json`, so that is where the portal is
 * - `enterprise-managed-authorization`: nobody connects anything; who is signed in by the suite's identity provider just calls
 * - `resource-mismatch`, `iss-*`, `metadata-issuer-mismatch`: the portal has to stop; most of these end with a problem, as they should
 */
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import type { Person } from '../person.ts'
import { startTestPortal, type TestPortal } from '../portal.ts'
import { connectAs } from '../support/oauth-upstream/connect.ts'
import { type Company, openCompany } from './company.ts'
import { must, type Place, syncPlace, takePlace } from './place.ts'
import { Visitor } from './visitor.ts'

export interface Scenario {
  scenario: string
  /** The revision that the suite speaks. */
  version: string
  context: Record<string, string>
  /** Of the suite's MCP endpoint. */
  server: string
}

/** Who connects accounts: the portals that are shared know them from the first. */
export const ADA = { email: 'ada@example.com', password: 'correct horse battery staple' }
const MCP = '/access/ai-controls/mcp'
const PUBLIC_URL = 'https://conformance-test.local'
const CONNECT = 'portal_connect_server'
/** Somebody renews what an admin shares, or connects anew, that often at most. */
const TRIES = 3
const PATIENCE_MS = 10_000

/** Who plays in a program that others share, plays in a place of their own. */
export interface Shared {
  portal: TestPortal
  /** Of the server, and of the portal before it. */
  id: string
}

/**
 * @param shared left alone where the scenario wants a portal that is set up for it
 * @throws what went wrong
 */
export async function playScenario(scenario: Scenario, shared: Shared): Promise<void> {
  await using closing = new AsyncDisposableStack()
  const isPublic = scenario.scenario === 'auth/basic-cimd'
  const company = isManaged(scenario) ? await openCompany(scenario.context) : null
  if (company !== null) closing.defer(company.close)
  const isAlone = isPublic || company !== null
  const { portal, id } = isAlone ? { portal: await startAlone(isPublic, company), id: 'suite' } : shared
  if (isAlone) closing.defer(portal.close)
  const place = await register({ portal, id }, scenario)
  closing.defer(place.leave)
  const person = new Visitor(portal, isPublic ? PUBLIC_URL : portal.url)
  const token =
    company === null ? await portal.userToken(ADA.email, id) : await company.signIn(portal, person, place.url)
  await play({ portal, place, scenario, person, token, isPublic })
}

function startAlone(isPublic: boolean, company: Company | null): Promise<TestPortal> {
  return startTestPortal({
    ...(company === null ? {} : { databaseUrl: company.databaseUrl }),
    config: { bootstrap: ADA, ...(isPublic ? { publicUrl: PUBLIC_URL } : {}), ...company?.config },
  })
}

interface Play {
  portal: TestPortal
  place: Place
  scenario: Scenario
  person: Person
  /** Of the person's MCP client. */
  token: string
  isPublic: boolean
}

async function play(at: Play): Promise<void> {
  const { scenario, portal, place } = at
  const isOwn = ownsIt(scenario)
  if (isOwn && !isManaged(scenario)) await connect(at, `${at.isPublic ? PUBLIC_URL : portal.url}/connect/${place.id}`)
  for (let tries = 1; ; tries++) {
    if (!isOwn && !isMachine(scenario)) await connect(at, await sharedLink(at))
    // A person's own lists are read when they connect; the shared ones, now.
    const unread = isOwn ? null : await syncPlace(portal, place)
    const said = unread ?? (await callTool(at))
    if (said === 'test') return
    if (isOwn || isMachine(scenario) || tries === TRIES) throw new Error(`the server says: ${said}`)
  }
}

/** The older set is played with the shared credential, wherever it is not about what a person is asked in mid-call; and what an admin repeats. */
function ownsIt({ scenario, version }: Scenario): boolean {
  if (isMachine({ scenario }) || scenario === 'auth/scope-retry-limit') return false
  return version === '2026-07-28' || /step-up|cimd|enterprise/.test(scenario)
}

function isMachine({ scenario }: Pick<Scenario, 'scenario'>): boolean {
  return scenario.startsWith('auth/client-credentials')
}

function isManaged({ scenario }: Pick<Scenario, 'scenario'>): boolean {
  return scenario === 'auth/enterprise-managed-authorization'
}

async function register({ portal, id }: Shared, scenario: Scenario): Promise<Place> {
  const { host } = new URL(scenario.server)
  const issuer = scenario.context.issuer === undefined ? [] : [new URL(scenario.context.issuer).host]
  const server = {
    ...{ hostname: scenario.server, auth_type: 'oauth' },
    ...writtenDown(scenario),
    ...(scenario.scenario === 'auth/basic-cimd' ? { allow_private: await placesOf(scenario, [host, ...issuer]) } : {}),
  }
  return takePlace(portal, id, server, { on_behalf: ownsIt(scenario) })
}

/** A portal with a public URL reaches no loopback that was not opened for it: its authorization server has to be named too. */
async function placesOf({ server }: Scenario, places: string[]): Promise<string[]> {
  const metadata = await fetch(new URL('/.well-known/oauth-protected-resource/mcp', server))
  const { authorization_servers } = (await metadata.json()) as { authorization_servers: string[] }
  return [...places, ...authorization_servers.map((issuer) => new URL(issuer).host)]
}

/** What an admin was given by hand. */
function writtenDown({ scenario, context }: Scenario): object {
  const { client_id, client_secret, issuer, private_key_pem, signing_algorithm } = context
  switch (scenario) {
    case 'auth/pre-registration':
      return {
        client_secret,
        auth_credentials: JSON.stringify({
          auth_mode: 'manual',
          config: { issuer, authorization_endpoint: `${issuer}/authorize`, token_endpoint: `${issuer}/token` },
          registration_info: { client_id, token_endpoint_auth_method: 'client_secret_basic' },
        }),
      }
    case 'auth/client-credentials-basic':
      return {
        client_secret,
        auth_credentials: JSON.stringify({
          auth_mode: 'client_credentials',
          registration_info: { client_id, token_endpoint_auth_method: 'client_secret_basic' },
        }),
      }
    case 'auth/client-credentials-jwt':
      return {
        client_secret: private_key_pem,
        auth_credentials: JSON.stringify({
          auth_mode: 'client_credentials',
          registration_info: { client_id, token_endpoint_auth_method: 'private_key_jwt', signing_algorithm },
        }),
      }
    case 'auth/enterprise-managed-authorization':
      return {
        client_secret,
        auth_credentials: JSON.stringify({
          auth_mode: 'enterprise',
          registration_info: { client_id, token_endpoint_auth_method: 'client_secret_basic' },
        }),
      }
    default:
      return {}
  }
}

async function sharedLink({ portal, place }: Play): Promise<string> {
  return (await must<{ url: string }>(portal, 'POST', `${MCP}/servers/${place.id}/authorize`, {})).url
}

async function connect({ person, place }: Play, link: string): Promise<void> {
  const page = await connectAs(person, { link, who: ADA, account: 'ada' })
  if (page.status >= 400 || new URL(page.url).pathname === `/connect/${place.id}`)
    throw new Error(`not connected: ${page.status} ${page.url} ${textOf(page.text)}`)
}

/** What the tool says to a client that opens the links which it is asked to open. */
async function callTool(at: Play): Promise<string> {
  const { place, scenario, token } = at
  const client = new Client(
    { name: 'conformance', version: '1' },
    {
      capabilities: { elicitation: { form: {}, url: {} } },
      versionNegotiation: { mode: scenario.version === '2026-07-28' ? { pin: scenario.version } : 'legacy' },
    },
  )
  client.setRequestHandler('elicitation/create', async ({ params }) => {
    if (params.mode !== 'url') return { action: 'decline' }
    await connect(at, params.url)
    return { action: 'accept' }
  })
  const headers = { authorization: `Bearer ${token}` }
  await client.connect(new StreamableHTTPClientTransport(new URL(place.url), { requestInit: { headers } }))
  try {
    await listed(client, place)
    const { content } = await client.callTool({ name: toolOf(place), arguments: {} })
    return content.map((block) => (block.type === 'text' ? block.text : block.type)).join('')
  } finally {
    await client.close()
  }
}

/** What a connection sees is listed behind the calls, soon after it was made; one that has ended by then is made anew, once. */
async function listed(client: Client, place: Place): Promise<void> {
  const tool = toolOf(place)
  const deadline = Date.now() + PATIENCE_MS
  for (let isAnew = false; ; ) {
    const { tools } = await client.listTools()
    if (tools.some(({ name }) => name === tool)) return
    if (Date.now() > deadline) throw new Error(`no ${tool} among ${tools.map(({ name }) => name).join(', ')}`)
    if (!isAnew && (await hasEnded(client))) {
      isAnew = true
      await client.callTool({ name: CONNECT, arguments: { server: place.id } })
    } else await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** What people read of their account. */
async function hasEnded(client: Client): Promise<boolean> {
  const { structuredContent } = await client.callTool({ name: 'portal_list_servers', arguments: {} })
  const { servers } = structuredContent as { servers: { connection: { status?: string } }[] }
  return servers[0]?.connection.status === 'needs_reconnect'
}

const toolOf = ({ id }: Place): string => `${id}_test-tool`

function textOf(html: string): string {
  return html
    .replace(/<style[\s\S]*?<\/style>|<[^>]+>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, 600)
}
