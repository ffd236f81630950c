/**
 * A scenario of the suite that is about how a client talks: what an MCP client has to do at the portal, so that the portal does at the
 * suite's server what the suite looks for. The client is a real one, of the revision that is played.
 */
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { syncPlace, takePlace } from './place.ts'
import { ADA, type Scenario, type Shared } from './scenario.ts'

interface Talk {
  client: Client
  scenario: Scenario
  /** @returns the name by which the portal offers what the server calls so */
  named(own: string): string
}

type Args = Record<string, unknown>

const SCRIPTS: Readonly<Record<string, (talk: Talk) => Promise<void>>> = {
  initialize: lists,
  'request-metadata': lists,
  tools_call: addsNumbers,
  'elicitation-sep1034-client-defaults': answersByDefaults,
  'sse-retry': waitsForTheStream,
  'sep-2322-client-request-state': answersBetweenOthers,
  'http-standard-headers': usesEverything,
  'http-custom-headers': callsAsTold,
  'http-invalid-tool-headers': callsEveryTool,
  'json-schema-ref-no-deref': callsWithReferences,
  'json-schema-2020-12-preservation': echoesItsSchema,
}

/** @throws what went wrong */
export async function playTalk(scenario: Scenario, { portal, id }: Shared): Promise<void> {
  const script = SCRIPTS[scenario.scenario]
  if (script === undefined) throw new Error('nobody knows how to play it')
  await using closing = new AsyncDisposableStack()
  const server = { hostname: scenario.server, auth_type: 'unauthenticated', relay: { sampling: true } }
  const place = await takePlace(portal, id, server)
  closing.defer(place.leave)
  const unread = await syncPlace(portal, place)
  if (unread !== null) throw new Error(unread)
  const client = await openClient(place.url, await portal.userToken(ADA.email, id), isOld(scenario))
  closing.defer(() => client.close())
  await script({ client, scenario, named: (own) => `${id}_${own}` })
}

/** A client of 2026 leaves out tools with bad headers by itself; then nobody would see whether the portal does. */
function isOld({ scenario, version }: Scenario): boolean {
  return version !== '2026-07-28' || scenario === 'http-invalid-tool-headers'
}

async function openClient(url: string, token: string, isLegacy: boolean): Promise<Client> {
  const client = new Client(
    { name: 'conformance', version: '1' },
    {
      capabilities: { elicitation: { form: { applyDefaults: true }, url: {} }, sampling: {}, roots: {} },
      versionNegotiation: { mode: isLegacy ? 'legacy' : { pin: '2026-07-28' } },
    },
  )
  // The person leaves everything as it stands; the client fills in the defaults.
  client.setRequestHandler('elicitation/create', async () => ({ action: 'accept', content: {} }))
  client.setRequestHandler('roots/list', async () => ({ roots: [] }))
  client.setRequestHandler('sampling/createMessage', async () => ({
    ...{ role: 'assistant', model: 'none', content: { type: 'text', text: '' } },
  }))
  const headers = { authorization: `Bearer ${token}` }
  await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }))
  return client
}

async function lists({ client }: Talk): Promise<void> {
  await client.listTools()
}

async function addsNumbers(talk: Talk): Promise<void> {
  await says(talk, 'add_numbers', { a: 5, b: 3 }, 'The sum of 5 and 3 is 8')
}

async function answersByDefaults(talk: Talk): Promise<void> {
  const defaults = { name: 'John Doe', age: 30, score: 95.5, status: 'active', verified: true }
  await says(talk, 'test_client_elicitation_defaults', {}, `Elicitation completed: ${JSON.stringify(defaults)}`)
}

async function waitsForTheStream(talk: Talk): Promise<void> {
  await says(talk, 'test_reconnection', {}, 'Reconnection test completed successfully')
}

async function answersBetweenOthers(talk: Talk): Promise<void> {
  await Promise.all([
    says(talk, 'test_mrtr_echo_state', {}, 'echo-state-ok'),
    says(talk, 'test_mrtr_no_state', {}, 'no-state-ok'),
    says(talk, 'test_mrtr_unrelated', {}, 'unrelated-ok'),
  ])
  await says(talk, 'test_mrtr_no_result_type', {}, 'no-result-type-test-ok')
}

async function usesEverything(talk: Talk): Promise<void> {
  const { client, named } = talk
  await says(talk, 'test_headers', {}, 'Headers test completed')
  await says(talk, 'my-hyphenated-tool', {}, 'Headers test completed')
  for (const { uri } of (await client.listResources()).resources) await client.readResource({ uri })
  await client.listPrompts()
  await client.getPrompt({ name: named('test_prompt') })
}

async function callsAsTold(talk: Talk): Promise<void> {
  // A client of 2026 sends headers for the tools that it has seen in a list.
  await talk.client.listTools()
  const { toolCalls } = talk.scenario.context as unknown as { toolCalls: { name: string; arguments: Args }[] }
  for (const call of toolCalls) await says(talk, call.name, call.arguments, 'Custom headers test completed')
}

async function callsEveryTool({ client, named }: Talk): Promise<void> {
  const { tools } = await client.listTools()
  const offered = tools.filter(({ name }) => name.startsWith(named('')))
  for (const { name } of offered) await client.callTool({ name, arguments: { region: 'here' } })
  // Nor is one reached by whoever knows its name.
  await client.callTool({ name: named('invalid_space_in_name'), arguments: { value: 'here' } }).catch(() => {})
}

async function callsWithReferences({ client, named }: Talk): Promise<void> {
  const name = named('lookup_user')
  const { tools } = await client.listTools()
  if (!tools.some((tool) => tool.name === name)) throw new Error(`no ${name} is offered`)
  // The server has no handler for calls; what is sent on the way is looked at all the same.
  await client.callTool({ name, arguments: { id: 'ada', profile: { displayName: 'Ada' } } }).catch(() => {})
}

async function echoesItsSchema(talk: Talk): Promise<void> {
  const { tools } = await talk.client.listTools()
  const schema = tools.find(({ name }) => name === talk.named('json_schema_2020_12_tool'))?.inputSchema
  await says(talk, 'json_schema_echo', { schema }, 'echoed')
}

async function says({ client, named }: Talk, own: string, args: Args, expected: string): Promise<void> {
  const { content } = await client.callTool({ name: named(own), arguments: args })
  const said = content.map((block) => (block.type === 'text' ? block.text : block.type)).join('')
  if (said !== expected) throw new Error(`${own} says: ${said}`)
}
