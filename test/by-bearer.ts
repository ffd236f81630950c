/** A server of 2026 that lists to each account, by its bearer token, what `lists` and `files` have for it at the time; without a list of tools it is refused. */
import type { JsonObject } from '../src/protocol/model.ts'
import { json, modern, result, startScripted } from './scripted-server.ts'

export async function startByBearer(lists: Record<string, JsonObject[]>) {
  const files: Record<string, JsonObject[]> = {}
  const streams = new Map<string, { write(text: string): void }>()
  const listening = new Map<string, () => void>()
  /** Called before a list is answered. */
  const at = { before: async (_who: string) => {} }
  const server = await startScripted(async (seen, response, request) => {
    const who = String(seen.headers.authorization ?? '').replace('Bearer ', '')
    if (lists[who] === undefined) return void response.writeHead(401).end()
    if (seen.body.method === 'subscriptions/listen') {
      streams.set(who, response.writeHead(200, { 'content-type': 'text/event-stream' }))
      const params = { notifications: {}, _meta: { 'io.modelcontextprotocol/subscriptionId': seen.body.id } }
      response.write(
        `data: ${JSON.stringify({ jsonrpc: '2.0', method: 'notifications/subscriptions/acknowledged', params })}\n\n`,
      )
      return listening.get(who)?.()
    }
    if (seen.body.method === 'tools/call')
      return json(response, result(seen, { resultType: 'complete', content: [{ type: 'text', text: who }] }))
    if (seen.body.method === 'resources/list' || seen.body.method === 'resources/templates/list') {
      const list = seen.body.method === 'resources/list' ? { resources: files[who] ?? [] } : { resourceTemplates: [] }
      const page = { resultType: 'complete', ...list, ttlMs: 0, cacheScope: 'private' }
      return json(response, result(seen, page))
    }
    if (seen.body.method !== 'tools/list') {
      const resources = files[who] === undefined ? {} : { resources: {} }
      return modern(() => {}, { tools: { listChanged: true }, ...resources })(seen, response, request)
    }
    await at.before(who)
    json(response, result(seen, { resultType: 'complete', tools: lists[who] ?? [], ttlMs: 0, cacheScope: 'private' }))
  })
  const heard = (who: string) => new Promise<void>((resolve) => listening.set(who, resolve))
  const sayChanged = (who: string) =>
    streams
      .get(who)
      ?.write(`data: ${JSON.stringify({ jsonrpc: '2.0', method: 'notifications/tools/list_changed', params: {} })}\n\n`)
  const asked = (who: string, method = 'tools/list') =>
    server.asked(method).filter(({ headers }) => headers.authorization === `Bearer ${who}`).length
  return { server, lists, files, at, heard, sayChanged, asked, url: `${server.origin}/mcp` }
}
