// node sdk-v2.mjs URL: signs in and lists the tools, with version 2 of the SDK.
import { Client, StreamableHTTPClientTransport, UnauthorizedError } from '@modelcontextprotocol/client'
import { openProvider } from './provider.mjs'

const url = new URL(process.argv[2] ?? 'http://127.0.0.1:8787/mcp')
const authProvider = await openProvider('Report runner')
const client = new Client({ name: 'report-runner', version: '1.0.0' }, { versionNegotiation: { mode: 'auto' } })
const transport = new StreamableHTTPClientTransport(url, { authProvider })
try {
  await client.connect(transport)
} catch (error) {
  if (!(error instanceof UnauthorizedError)) throw error
  await transport.finishAuth(await authProvider.callback())
  await client.connect(new StreamableHTTPClientTransport(url, { authProvider }))
}
for (const { name } of (await client.listTools()).tools) process.stdout.write(`${name}\n`)
await client.close()
