/** A child of 2025 whose one tool asks a form in its midst, and another that tells what the child was told. */
import { NODE, type StdioPeer } from './peers/servers.ts'

const PROGRAM = `
const told = []
const calls = new Map()
let asked = 0
const send = (message) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\\n')
const text = (value) => ({ content: [{ type: 'text', text: value }] })
const note = (level, data) => send({ method: 'notifications/message', params: { level, data } })
const form = (message) => ({ message, requestedSchema: { type: 'object', properties: { name: { type: 'string' } } } })
const answers = {
  initialize: () => ({ protocolVersion: '2025-11-25', capabilities: { tools: {}, logging: {} }, serverInfo: { name: 's', version: '1' } }),
  'tools/list': () => ({ tools: ['ask', 'told', 'wait', 'go'].map((name) => ({ name, inputSchema: { type: 'object' } })) }),
  'logging/setLevel': () => ({}),
  'tools/call': ({ id, params }) => {
    const { name, arguments: { who = '' } = {} } = params
    if (name === 'told') return text(JSON.stringify(told))
    if (name === 'go') {
      for (const [key, waiting] of calls) if (waiting.waits) { calls.delete(key); send({ id: waiting.id, result: text('waited for ' + waiting.who) }) }
      return text('went')
    }
    const key = 'q' + ++asked
    calls.set(key, { id, who, waits: name === 'wait' })
    note('info', 'a line about ' + who)
    if (name === 'ask') send({ id: key, method: 'elicitation/create', params: form('Who is ' + who + '?') })
  },
}
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const message = JSON.parse(line)
  if (message.method === undefined) {
    const call = calls.get(message.id)
    calls.delete(message.id)
    if (call !== undefined) send({ id: call.id, result: text(call.who + ' ' + JSON.stringify(message.result ?? message.error)) })
    return
  }
  told.push(message.method)
  if (message.id === undefined) return
  const answer = answers[message.method]
  if (answer === undefined) return send({ id: message.id, error: { code: -32601, message: 'no' } })
  const result = answer(message)
  if (result !== undefined) send({ id: message.id, result })
})
`

export function askingChild(): StdioPeer {
  return { command: NODE, args: ['-e', PROGRAM], env: {} }
}
