/**
 * Policies that ask for something before a call, where code makes that call: the person is asked while the code waits, whatever its
 * client, for as long as others take to agree; and nothing is done for a client that went away.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type Answering, ASKED_CLIENTS, type AskedClient, type OpenClient, openAskedClient } from '../asked-clients.ts'
import { APPROVAL, type DemandRoom, giveWord, openDemandRoom } from '../demand-room.ts'

let room: DemandRoom
let policy: string
let count = 0
const open: OpenClient[] = []

beforeAll(async () => {
  // The code itself has less time than one turn of its client.
  room = await openDemandRoom({ limits: { connect_turn: 1500, connect_wait: 60_000, code_wall: 1000 } })
  policy = await room.guard(APPROVAL)
})
afterEach(async () => {
  for (const client of open.splice(0)) await client.close()
})
afterAll(() => room?.close())

/** Somebody new: what a caller may ask for is bounded. */
async function openClient(which: AskedClient, answer: Answering): Promise<OpenClient> {
  const token = await room.home.portal.userToken(`coder-${++count}@acme.test`)
  const client = await openAskedClient(which, { url: `${room.url}/mcp?codemode=search_and_execute`, token, answer })
  open.push(client)
  return client
}

const posts = (...entries: string[]) =>
  `async () => Promise.all([${entries.map((entry) => `codemode.ledger_post({ entry: '${entry}' })`).join()}])`
const run = (client: OpenClient, code: string, signal?: AbortSignal) =>
  client.call('portal_codemode_execute', { code }, signal === undefined ? {} : { signal })
const posted = (start: string) => room.ledger.posted.filter((one) => one.startsWith(start)).sort()

describe.each(ASKED_CLIENTS)('%s', (which) => {
  // [CODE-2]
  test('waits for others to agree, longer than a request may, and the call is made once', async () => {
    const words: Promise<void>[] = []
    const client = await openClient(which, ({ url = '' }, times) => {
      // A client of 2026 is asked the same again, where its patience ends.
      if (which !== 'SDK v2 of 2026' || times === 2) words.push(giveWord(room.ada, url, 'approve'))
      return 'accept'
    })
    const { text, isError } = await run(client, posts(`${which} one`))
    expect(isError, text).toBe(false)
    expect(text).toContain(`posted ${which} one`)
    await Promise.all(words)
    expect(posted(`${which} one`)).toEqual([`${which} one`])
    expect(new Set(client.asked.map(({ url }) => url)).size).toBe(1)
    expect(client.asked.length).toBe(which === 'SDK v2 of 2026' ? 2 : 1)
  })

  // [CODE-2]
  test('waits for two at once, each by its own page', async () => {
    const words = new Map<string, Promise<void>>()
    const client = await openClient(which, ({ url = '' }) => {
      if (!words.has(url)) words.set(url, giveWord(room.ada, url, 'approve'))
      return 'accept'
    })
    const { text, isError } = await run(client, posts(`${which} A`, `${which} B`))
    expect(isError, text).toBe(false)
    expect(words.size).toBe(2)
    await Promise.all(words.values())
    expect(posted(`${which} A`)).toEqual([`${which} A`])
    expect(posted(`${which} B`)).toEqual([`${which} B`])
  })

  // [CODE-2]
  test('is told in its code what its person said no to, and nothing is done', async () => {
    const client = await openClient(which, () => 'decline')
    const code = `async () => { try { await codemode.ledger_post({ entry: '${which} no' }) } catch (e) { return 'caught: ' + e.message } }`
    const { text } = await run(client, code)
    expect(text).toMatch(/^caught: .*approv/is)
    expect(posted(`${which} no`)).toEqual([])
  })

  // [CODE-4]
  test('that gives up while others are waited for ends the run: its code does nothing more', async () => {
    const leaving = new AbortController()
    const page = Promise.withResolvers<string>()
    const client = await openClient(which, ({ url = '' }) => {
      page.resolve(url)
      return 'accept'
    })
    const code = `async () => { try { await codemode.ledger_post({ entry: '${which} left' }) } catch {} return codemode.ledger_count({}) }`
    const going = run(client, code, leaving.signal)
    const failed = expect(going).rejects.toThrow()
    const url = await page.promise
    // The answer has arrived, and the call waits: then its question is in the audit.
    const asked = () => room.rows('method=elicitation/create').then((rows) => rows[0])
    await expect.poll(async () => (await asked())?.actor.label).toBe(`coder-${count}@acme.test`)
    leaving.abort()
    await failed
    const runs = () => room.rows(`capability=portal_codemode_execute`).then((rows) => rows[0])
    await expect.poll(async () => (await runs())?.error).toBe('code-cancelled')
    await giveWord(room.ada, url, 'approve')
    expect(posted(`${which} left`)).toEqual([])
    expect((await room.rows('capability=ledger_count')).length).toBe(0)
  })
})

// [CODE-4]
test('what was denied while code waited for others is not done', async () => {
  const client = await openClient('SDK v2 of 2026', async ({ url = '' }, times) => {
    if (times > 1) return 'accept' as const
    await room.change(policy, { decision: 'deny', approval_required: null, approval_groups: null })
    await giveWord(room.ada, url, 'approve').catch(() => {})
    return 'accept' as const
  })
  const { text, isError } = await run(client, posts('denied meanwhile'))
  await room.change(policy, APPROVAL)
  expect({ text, isError }).toEqual({ text: 'Error: Unknown tool: ledger_post', isError: true })
  expect(posted('denied meanwhile')).toEqual([])
})
