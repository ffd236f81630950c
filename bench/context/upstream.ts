/**
 * All servers of the catalogs behind one port, each at a path of its own: they list what the real ones listed, and answer what
 * `answers.ts` has for a tool.
 */
import type { JsonObject } from '../../src/protocol/model.ts'
import { json, result, type ScriptedServer, type Seen, startScripted } from '../../test/scripted-server.ts'
import { answerOf } from './answers.ts'
import type { Catalog } from './catalogs.ts'

const CACHED = { resultType: 'complete', ttlMs: 0, cacheScope: 'public' }

export function startCatalogs(catalogs: readonly Catalog[]): Promise<ScriptedServer> {
  const byPath = new Map(catalogs.map((catalog) => [`/${catalog.server}`, catalog]))
  return startScripted((seen, response) => {
    const catalog = byPath.get(seen.path)
    const { method } = seen.body
    const value = catalog === undefined || method === undefined ? null : answer(catalog, method, seen)
    if (value !== null) return json(response, result(seen, value))
    const error = { code: -32601, message: 'Method not found' }
    json(response, { jsonrpc: '2.0', id: seen.body.id ?? null, error }, 404)
  })
}

function answer(catalog: Catalog, method: string, seen: Seen): JsonObject | null {
  switch (method) {
    case 'server/discover':
      return { ...CACHED, supportedVersions: ['2026-07-28'], capabilities: { tools: {} } }
    case 'tools/list':
      return { ...CACHED, tools: [...catalog.tools] }
    case 'tools/call': {
      const { name, arguments: input } = seen.body.params ?? {}
      const text = answerOf(`${catalog.server}_${name}`, input as JsonObject)
      return { resultType: 'complete', content: [{ type: 'text', text }] }
    }
    default:
      return null
  }
}
