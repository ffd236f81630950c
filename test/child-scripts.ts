/** Children for tests of stdio servers: node programs as text, so that a test shows what its child does. */
import { NODE, type StdioPeer } from './peers/servers.ts'

/** The part that every one of them shares: answers by method, one line each. */
const HEAD = `
const answers = {
  initialize: () => ({ protocolVersion: '2025-11-25', capabilities: { tools: { listChanged: true } }, serverInfo: { name: 's', version: '1' } }),
  'tools/list': () => ({ tools: [{ name: 'echo', inputSchema: { type: 'object' } }] }),
}
const send = (message) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\\n')
const text = (value) => ({ content: [{ type: 'text', text: typeof value === 'string' ? value : JSON.stringify(value) }] })
const take = (message) => {
  if (message.id === undefined) return
  const answer = answers[message.method]
  if (answer === undefined) return send({ id: message.id, error: { code: -32601, message: 'no' } })
  const result = answer(message)
  if (result !== undefined) send({ id: message.id, result })
}
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => take(JSON.parse(line)))
`

/** @param body more of the program; may fill `answers['tools/call']` */
export function child(body: string, env: Record<string, string> = {}): StdioPeer {
  return { command: NODE, args: ['-e', HEAD + body], env }
}
