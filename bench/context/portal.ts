/** A real portal in this process in front of catalogs, and what a real client of it is given in each mode. */
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { z } from 'zod'
import type { Mode } from '../../src/portal/context/mode.ts'
import { startTestPortal } from '../../test/portal.ts'
import type { Catalog } from './catalogs.ts'
import { startCatalogs } from './upstream.ts'

/** How a client asks for it. */
export const ASKED: Readonly<Record<Mode, string>> = {
  all: '',
  minimize_tools: '?optimize_context=minimize_tools',
  search_and_execute: '?optimize_context=search_and_execute',
  code_mode: '?codemode=search_and_execute',
}

export interface Listed {
  name: string
  description?: string | undefined
  inputSchema: unknown
}

/** A client whose model would get all this before it does anything. */
export interface Guest {
  instructions: string
  tools: readonly Listed[]
  /** Texts of the answer, as a model reads them. */
  call(name: string, input: Readonly<Record<string, unknown>>): Promise<{ text: string; isError: boolean }>
  close(): Promise<void>
}

export interface ContextPortal {
  connect(mode: Mode): Promise<Guest>
  close(): Promise<void>
}

/** Definitions as they came, with whatever else stands in them. */
const page = z.looseObject({
  tools: z.array(z.custom<Listed>((one) => typeof one === 'object' && one !== null)),
  nextCursor: z.string().optional(),
})

export async function openContextPortal(catalogs: readonly Catalog[]): Promise<ContextPortal> {
  const upstream = await startCatalogs(catalogs)
  const portal = await startTestPortal()
  await portal.furnish(catalogs.map(({ server }) => ({ id: server, url: `${upstream.origin}/${server}` })))
  const token = await portal.userToken('ada@acme.test')
  return {
    connect: (mode) => connect(`${portal.url}/mcp${ASKED[mode]}`, token),
    async close() {
      await portal.close()
      await upstream.close()
    },
  }
}

async function connect(url: string, token: string): Promise<Guest> {
  const client = new Client({ name: 'context', version: '1.0.0' })
  const headers = { Authorization: `Bearer ${token}` }
  await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }))
  return {
    instructions: client.getInstructions() ?? '',
    tools: await listAll(client),
    async call(name, input) {
      const { content, isError } = await client.callTool({ name, arguments: { ...input } })
      const texts = (content as { text?: string }[]).map(({ text = '' }) => text)
      return { text: texts.join('\n'), isError: isError === true }
    },
    close: () => client.close(),
  }
}

async function listAll(client: Client): Promise<Listed[]> {
  const tools: Listed[] = []
  let cursor: string | undefined
  do {
    const answer = await client.request({ method: 'tools/list', params: { ...(cursor && { cursor }) } }, page)
    tools.push(...answer.tools)
    cursor = answer.nextCursor
  } while (cursor !== undefined)
  return tools
}
