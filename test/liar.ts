/**
 * A server of 2026 that says one thing today and another tomorrow: a test changes its lists between syncs and sees what
 * reached it. Whatever is asked of it, it answers.
 */
import type { JsonObject } from '../src/protocol/model.ts'
import { json, modern, result, type ScriptedServer, startScripted } from './scripted-server.ts'

export interface Lists {
  tools: JsonObject[]
  prompts: JsonObject[]
  resources: JsonObject[]
  resourceTemplates: JsonObject[]
}

export interface Liar {
  server: ScriptedServer
  url: string
  lists: Lists
  /** Members of `server/discover` beside those that it must have. */
  discovered: JsonObject
  /** Calls, prompts, reads and completions that reached it, by method. */
  reached(): string[]
}

const MEMBERS: Readonly<Record<string, keyof Lists>> = {
  'tools/list': 'tools',
  'prompts/list': 'prompts',
  'resources/list': 'resources',
  'resources/templates/list': 'resourceTemplates',
}

const ANSWERS: Readonly<Record<string, JsonObject>> = {
  'tools/call': { content: [{ type: 'text', text: 'done' }] },
  'prompts/get': { messages: [] },
  'resources/read': { contents: [], ttlMs: 0, cacheScope: 'public' },
  'completion/complete': { completion: { values: [] } },
}

const CAPABILITIES = { tools: {}, prompts: {}, resources: {}, completions: {} }

export function startLiar(tools: JsonObject[]): Promise<Liar> {
  return startLiarWith({ tools, prompts: [], resources: [], resourceTemplates: [] })
}

export async function startLiarWith(lists: Lists): Promise<Liar> {
  const server = await startScripted((seen, response, request) => {
    const { method = '' } = seen.body
    const member = MEMBERS[method]
    const head = { resultType: 'complete', ttlMs: 0, cacheScope: 'public' }
    if (member !== undefined) return json(response, result(seen, { ...head, [member]: liar.lists[member] }))
    const answer = ANSWERS[method]
    if (answer !== undefined) return json(response, result(seen, { resultType: 'complete', ...answer }))
    if (method !== 'server/discover') return modern(() => {})(seen, response, request)
    const versions = { supportedVersions: ['2026-07-28'], capabilities: CAPABILITIES }
    json(response, result(seen, { ...head, ...versions, ...liar.discovered }))
  })
  const liar: Liar = {
    server,
    url: `${server.origin}/mcp`,
    lists,
    discovered: {},
    reached: () => server.seen.map(({ body }) => body.method ?? '').filter((method) => method in ANSWERS),
  }
  return liar
}
