/** The MCP server: everything that it answers says whose token asked. */
import { completable, McpServer, ResourceTemplate, requireScopes } from '@modelcontextprotocol/server'
import { z } from 'zod'

/** What of the notes is the same for all requests. */
export interface NotesState {
  /** Tools that only one account has. */
  extra: Map<string, string[]>
  /** How often each account's note was changed. */
  changes: Map<string, number>
  /** A call of `wait` is here; resolves when it may be answered. */
  wait(account: string): Promise<void>
}

/** A server for one account. */
export function makeNotes(account: string, state: NotesState): McpServer {
  const server = new McpServer(
    { name: 'notes', version: '1.0.0' },
    { capabilities: { tools: { listChanged: true }, resources: { subscribe: true, listChanged: true } } },
  )
  addTools(server, account, state)
  const whom = z.object({ whom: completable(z.string(), (begun) => completions(account, begun)) })
  server.registerPrompt('greet', { description: 'Greets.', argsSchema: whom }, ({ whom }) => ({
    messages: [{ role: 'user', content: { type: 'text', text: `${account} greets ${whom}` } }],
  }))
  const note = () => `the note of ${account}, change ${state.changes.get(account) ?? 0}`
  server.registerResource('mine', 'note://mine', { mimeType: 'text/plain' }, (uri) => ({
    contents: [{ uri: uri.href, text: note() }],
  }))
  const template = new ResourceTemplate('note://of/{name}', {
    list: undefined,
    complete: { name: (begun) => completions(account, begun) },
  })
  server.registerResource('named', template, { mimeType: 'text/plain' }, (uri, { name }) => ({
    contents: [{ uri: uri.href, text: `${account} reads ${String(name)}` }],
  }))
  return server
}

/** A tool that one account has; who is connected hears of it. */
export function addExtra(server: McpServer, account: string, tool: string): void {
  server.registerTool(tool, { description: `Only ${account} has it.` }, () => said(`${account} used ${tool}`))
}

const said = (text: string) => ({ content: [{ type: 'text' as const, text }] })

function addTools(server: McpServer, account: string, state: NotesState): void {
  server.registerTool('whoami', { description: 'Says whose token it was.', annotations: { readOnlyHint: true } }, () =>
    said(account),
  )
  const text = z.object({ text: z.string() })
  const config = { description: 'Writes a note.', inputSchema: text, scopeChallenge: requireScopes('notes:write') }
  server.registerTool('write_note', config, ({ text }) => said(`${account} wrote ${text}`))
  server.registerTool('wait', { description: 'Waits to be let go.' }, async () => {
    await state.wait(account)
    return said(account)
  })
  for (const name of state.extra.get(account) ?? []) addExtra(server, account, name)
}

function completions(account: string, begun: string): string[] {
  return [`${account}-one`, `${account}-two`].filter((one) => one.startsWith(begun))
}
