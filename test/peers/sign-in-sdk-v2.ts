/** The official SDK of both eras, signing in by itself. */
import {
  Client,
  type OAuthClientProvider,
  type OAuthDiscoveryState,
  type StoredOAuthClientInformation,
  type StoredOAuthTokens,
  StreamableHTTPClientTransport,
  UnauthorizedError,
  type VersionNegotiationMode,
} from '@modelcontextprotocol/client'
import type { ToolResult } from './clients.ts'
import { Links, type SignInPlan, type SigningClient } from './sign-in-plan.ts'
import { providerInMemory } from './sign-in-provider.ts'

export async function sdkV2SignsIn(plan: SignInPlan, mode: VersionNegotiationMode): Promise<SigningClient> {
  const links = new Links()
  const authProvider: OAuthClientProvider = providerInMemory<
    StoredOAuthTokens,
    StoredOAuthClientInformation,
    OAuthDiscoveryState
  >(plan, links)
  const url = new URL(plan.url)
  const open = async (): Promise<{ client: Client; transport: StreamableHTTPClientTransport; isIn: boolean }> => {
    const client = new Client({ name: 'journey-v2', version: '1.0.0' }, { versionNegotiation: { mode } })
    const transport = new StreamableHTTPClientTransport(url, { authProvider })
    try {
      await client.connect(transport)
      return { client, transport, isIn: true }
    } catch (error) {
      if (!(error instanceof UnauthorizedError)) throw error
      return { client, transport, isIn: false }
    }
  }
  const first = await open()
  if (first.isIn) throw new Error('the client got in without a sign-in')
  const [query] = await Promise.all([plan.redirect?.arrival(), plan.person(links.last)])
  // With the whole answer, so that it checks the issuer (RFC 9207).
  await first.transport.finishAuth(query ?? new URLSearchParams())
  await first.client.close()
  const { client, isIn } = await open()
  if (!isIn) throw new Error('the client is asked to sign in again')
  return {
    links,
    version: client.getNegotiatedProtocolVersion(),
    listTools: async () => (await client.listTools()).tools.map(({ name }) => name),
    callTool: async (name, args) => (await client.callTool({ name, arguments: args })) as ToolResult,
    close: () => client.close(),
  }
}
