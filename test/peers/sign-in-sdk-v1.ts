/** The official SDK of the 2025 era, signing in by itself. */
import type { OAuthClientProvider, OAuthDiscoveryState } from '@modelcontextprotocol/sdk/client/auth.js'
import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { OAuthClientInformationMixed, OAuthTokens } from '@modelcontextprotocol/sdk/shared/auth.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import type { ToolResult } from './clients.ts'
import { Links, type SignInPlan, type SigningClient } from './sign-in-plan.ts'
import { providerInMemory } from './sign-in-provider.ts'

export async function sdkV1SignsIn(plan: SignInPlan): Promise<SigningClient> {
  const links = new Links()
  const authProvider: OAuthClientProvider = providerInMemory<
    OAuthTokens,
    OAuthClientInformationMixed,
    OAuthDiscoveryState
  >(plan, links)
  const url = new URL(plan.url)
  const open = async (): Promise<{ client: Client; transport: StreamableHTTPClientTransport; isIn: boolean }> => {
    const client = new Client({ name: 'journey-v1', version: '1.0.0' })
    const transport = new StreamableHTTPClientTransport(url, { authProvider })
    try {
      // The SDK's own transports do not satisfy its own interface under exactOptionalPropertyTypes.
      await client.connect(transport as Transport)
      return { client, transport, isIn: true }
    } catch (error) {
      if (!(error instanceof UnauthorizedError)) throw error
      return { client, transport, isIn: false }
    }
  }
  const first = await open()
  if (first.isIn) throw new Error('the client got in without a sign-in')
  const [query] = await Promise.all([plan.redirect?.arrival(), plan.person(links.last)])
  await first.transport.finishAuth(query?.get('code') ?? '')
  await first.client.close()
  const { client, transport, isIn } = await open()
  if (!isIn) throw new Error('the client is asked to sign in again')
  return {
    links,
    version: transport.protocolVersion,
    listTools: async () => (await client.listTools()).tools.map(({ name }) => name),
    callTool: async (name, args) => (await client.callTool({ name, arguments: args })) as ToolResult,
    close: () => client.close(),
  }
}
