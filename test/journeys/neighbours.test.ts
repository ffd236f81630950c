/** A server that is dead, hangs or is slow takes nothing from the others, whichever era asks. */
import { afterEach, describe, expect, test } from 'vitest'
import { type Ledger, startLedger } from '../peers/ledger.ts'
import { startTestPortal, type TestPortal } from '../portal.ts'
import { ask2026, bearer, messageOf, open2025, type RawAnswer } from '../raw-mcp.ts'
import { json, modern, result, type Script, type ScriptedServer, startScripted } from '../scripted-server.ts'

const cleanups: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

type Ask = (method: string, params?: Record<string, unknown>) => Promise<RawAnswer>

const clients: [string, (url: string, token: string) => Promise<Ask>][] = [
  ['2026', async (url, token) => (method, params) => ask2026(url, bearer(token), method, params)],
  ['2025', async (url, token) => (await open2025(url, bearer(token))).ask],
]

const fine: Script = (seen, response) => json(response, result(seen, { resultType: 'complete', content: [] }))

/** What becomes of a server that was fine when it was listed. */
const troubles: [string, (server: ScriptedServer) => Promise<unknown> | unknown][] = [
  ['is dead', (server) => server.close()],
  [
    'accepts connections and never answers',
    (server) => {
      server.script = () => {}
    },
  ],
  [
    'sends a byte now and then',
    (server) => {
      server.script = (_seen, response) => {
        response.writeHead(200, { 'content-type': 'application/json' })
        const drip = setInterval(() => response.write(' '), 20)
        response.on('close', () => clearInterval(drip))
      }
    },
  ],
]

async function furnished(): Promise<{ portal: TestPortal; ledger: Ledger; bad: ScriptedServer; token: string }> {
  const ledger = await startLedger()
  const bad = await startScripted(modern(fine))
  const portal = await startTestPortal()
  // The bad one ends first: what waits for it would hold up the portal's drain.
  cleanups.push(() => ledger.stop())
  cleanups.push(() => portal.close())
  cleanups.push(() => bad.close())
  await portal.furnish([
    { id: 'bad', url: `${bad.origin}/mcp` },
    { id: 'ledger', url: ledger.url },
  ])
  return { portal, ledger, bad, token: await portal.userToken('ada@acme.test') }
}

describe.each(clients)('for a client of %s', (_era, connect) => {
  // [HEAL-3]
  test.each(troubles)('a server that %s delays no list and no call of another', async (_what, befall) => {
    const { portal, ledger, bad, token } = await furnished()
    const ask = await connect(`${portal.url}/mcp`, token)
    const lists = ['tools/list', 'prompts/list', 'resources/list', 'resources/templates/list']
    const before = []
    for (const method of lists) before.push((await ask(method)).text)
    await befall(bad)

    const order: string[] = []
    const stuck = Array.from({ length: 20 }, async () => {
      const answer = await ask('tools/call', { name: 'bad_echo', arguments: {} })
      order.push('bad')
      return messageOf(answer).result
    })
    for (let i = 0; i < 10; i++) {
      const posted = await ask('tools/call', { name: 'ledger_post', arguments: { entry: `e${i}` } })
      expect(messageOf(posted).result).toMatchObject({ content: [{ text: `posted e${i}` }] })
    }
    const after = []
    for (const method of lists) after.push((await ask(method)).text)
    const shown = messageOf(await ask('tools/call', { name: 'portal_list_servers', arguments: {} })).result
    expect(shown).toMatchObject({
      structuredContent: { servers: [{ id: 'bad' }, { id: 'ledger', circuit: 'closed' }] },
    })
    order.push('others')

    expect(after).toEqual(before)
    expect(ledger.posted.length).toBe(10)
    await bad.close()
    for (const answer of await Promise.all(stuck)) expect(answer).toMatchObject({ isError: true })
    expect(order[0]).toBe('others')
  })
})
