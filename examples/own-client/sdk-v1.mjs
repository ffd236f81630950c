// node sdk-v1.mjs URL: the same with version 1 of the SDK.
import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { openProvider } from './provider.mjs'

const url = new URL(process.argv[2] ?? 'http://127.0.0.1:8787/mcp')
const authProvider = await openProvider('Report runner')
const client = new Client({ name: 'report-runner', version: '1.0.0' })
const transport = new StreamableHTTPClientTransport(url, { authProvider })
try {
  await client.connect(transport)
} catch (error) {
  if (!(error instanceof UnauthorizedError)) throw error
  await transport.finishAuth((await authProvider.callback()).get('code'))
  await client.connect(new StreamableHTTPClientTransport(url, { authProvider }))
}
for (const { name } of (await client.listTools()).tools) process.stdout.write(`${name}\n`)
await client.close()
