/**
 * W3C Trace Context through the portal: a server of either era learns of which trace a call of either era is, and nothing else that
 * the caller's systems know. The portal reports no spans of its own, so the parent stays the caller's: a span that nobody reports would
 * tear the trace apart.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { AuditRow } from '../../src/audit/event.ts'
import { startTestPortal, type TestPortal } from '../portal.ts'
import { ask2026, bearer, open2025, type RawCaller } from '../raw-mcp.ts'
import { MCP, must } from '../relay-room.ts'
import { json, legacy, modern, result, type Script, type ScriptedServer, startScripted } from '../scripted-server.ts'

const answer: Script = (seen, response) => json(response, result(seen, { resultType: 'complete', content: [] }))
const PARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

let portal: TestPortal
const servers: Record<string, ScriptedServer> = {}
let ada: RawCaller
let url: string

beforeAll(async () => {
  portal = await startTestPortal()
  servers.new = await startScripted(modern(answer))
  servers.old = await startScripted(legacy(answer))
  await portal.furnish(Object.entries(servers).map(([id, { origin }]) => ({ id, url: `${origin}/mcp` })))
  ada = bearer(await portal.userToken('ada@acme.test'))
  url = `${portal.url}/mcp`
})
afterAll(async () => {
  await portal?.close()
  for (const server of Object.values(servers)) await server.close()
})

type Ask = (name: string, _meta: Record<string, unknown>) => Promise<unknown>
const CLIENTS: [string, Ask][] = [
  ['2026', (name, _meta) => ask2026(url, ada, 'tools/call', { name, arguments: {}, _meta })],
  ['2025', async (name, _meta) => (await open2025(url, ada)).ask('tools/call', { name, arguments: {}, _meta })],
]

describe.each(CLIENTS)('a client of %s', (_, ask) => {
  for (const server of ['new', 'old']) {
    /** What the server was told beside the call. */
    const told = async (meta: Record<string, unknown>) => {
      await ask(`${server}_echo`, meta)
      const { _meta = {} } = servers[server]?.asked('tools/call').at(-1)?.body.params ?? {}
      const { traceparent, tracestate, baggage } = _meta as Record<string, unknown>
      return { traceparent, tracestate, baggage }
    }

    // [TRACE-1]
    test(`has its trace go on to a server (${server}), which the audit knows, too`, async () => {
      const meta = { traceparent: PARENT, tracestate: 'vendor=1', baggage: 'userId=alice,tier=gold' }
      expect(await told(meta)).toEqual({ traceparent: PARENT, tracestate: 'vendor=1', baggage: undefined })
      const seen = JSON.stringify(servers[server]?.asked('tools/call').at(-1))
      expect(seen).not.toContain('alice')
      const rows = await must<AuditRow[]>(portal, 'GET', `${MCP}/logs?method=tools%2Fcall&phase=ended&limit=1`)
      expect(rows[0]).toMatchObject({ traceparent: PARENT, server })
    })

    test(`has nothing go on to a server (${server}) that is no trace, and no state without one`, async () => {
      const nothing = { traceparent: undefined, tracestate: undefined, baggage: undefined }
      const upper = PARENT.toUpperCase()
      for (const traceparent of [upper, `${PARENT}\r\nx: y`, PARENT.slice(1), 7, null, ['00']])
        expect(await told({ traceparent, tracestate: 'vendor=1' }), String(traceparent)).toEqual(nothing)
      expect(await told({ tracestate: 'vendor=1' })).toEqual(nothing)
      expect(await told({ traceparent: PARENT, tracestate: 'x'.repeat(513) })).toEqual({
        ...nothing,
        traceparent: PARENT,
      })
    })
  }
})
