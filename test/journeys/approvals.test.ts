/** A call that others must agree to: asked for, given by somebody else, used once, by the very same call; whatever client, whatever era. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { ASKED_CLIENTS, type AskedClient, type OpenClient, openAskedClient } from '../asked-clients.ts'
import { APPROVAL, ASKER, type DemandRoom, giveWord, linkIn, openDemandRoom, try2026 } from '../demand-room.ts'
import { signInAs } from '../page-journey.ts'
import type { Person } from '../person.ts'
import { bearer, messageOf, open2025, type RawCaller } from '../raw-mcp.ts'

let room: DemandRoom
let grace: Person
let policy: string
let token: string
let asker: RawCaller
const open: OpenClient[] = []

beforeAll(async () => {
  room = await openDemandRoom({ limits: { connect_turn: 10_000, connect_wait: 60_000 } })
  grace = await signInAs(room.home, 'grace')
  token = await room.home.portal.userToken(ASKER)
  asker = bearer(token)
  policy = await room.guard(APPROVAL)
})
afterAll(() => room?.close())
afterEach(async () => {
  for (const client of open.splice(0)) await client.close()
})

let count = 0
/** Arguments that no test before has used, and a caller who has asked for nothing yet: what a caller may ask for is bounded. */
async function fresh() {
  count++
  const email = `asker-${count}@acme.test`
  const shown = await room.home.portal.userToken(email)
  return { entry: `entry ${count}`, token: shown, caller: bearer(shown) }
}
const DENIED = { decision: 'deny', approval_required: null, approval_groups: null }
const call = (entry: string) => ({ name: 'ledger_post', arguments: { entry } })
const posted = (entry: string) => room.ledger.posted.filter((one) => one === entry).length
async function clientOf(which: AskedClient, shown: string, answer: ((url: string) => void) | null) {
  const seen = new Set<string>()
  const client = await openAskedClient(which, {
    ...{ url: `${room.url}/mcp`, token: shown },
    answer:
      answer &&
      (({ url = '' }) => {
        if (!seen.has(url)) answer(url)
        seen.add(url)
        return 'accept'
      }),
  })
  open.push(client)
  return client
}

describe.each(ASKED_CLIENTS)('%s', (which) => {
  // [APPROVE-5]
  test('waits while somebody else reads the page and agrees, and then the very same call is made', async () => {
    const { entry, token } = await fresh()
    const words: Promise<void>[] = []
    const client = await clientOf(which, token, (url) => words.push(giveWord(room.ada, url, 'approve')))
    expect(await client.call('ledger_post', { entry })).toMatchObject({ isError: false, text: `posted ${entry}` })
    await Promise.all(words)
    expect(client.asked[0]).toMatchObject({ mode: 'url', message: expect.stringContaining('ada@acme.test') })
    expect(posted(entry)).toBe(1)
    const [row] = await room.rows('method=tools/call')
    expect(row).toMatchObject({ outcome: 'answered', decision: 'allow', rule: policy })
  })

  // [APPROVE-5]
  test('is told where somebody turns the call down, and nothing is done', async () => {
    const { entry, token } = await fresh()
    const words: Promise<void>[] = []
    const client = await clientOf(which, token, (url) => words.push(giveWord(room.ada, url, 'reject')))
    expect(await client.call('ledger_post', { entry })).toMatchObject({
      isError: true,
      text: expect.stringContaining('turned it down'),
    })
    await Promise.all(words)
    expect(posted(entry)).toBe(0)
    expect((await room.rows('method=tools/call'))[0]).toMatchObject({
      ...{ outcome: 'refused', decision: 'deny', error: 'approval', rule: policy },
    })
  })

  // [APPROVE-6]
  test('that cannot be asked is told who must agree and where, and its next identical call passes once', async () => {
    const { entry, token } = await fresh()
    const client = await clientOf(which, token, null)
    const refused = await client.call('ledger_post', { entry })
    expect(refused).toMatchObject({
      isError: true,
      text: expect.stringContaining('needs the approval of ada@acme.test'),
    })
    expect(refused.text).toContain('call again with exactly the same arguments within 15 minutes')
    expect(await client.call('ledger_post', { entry })).toMatchObject({ isError: true, text: refused.text })
    await giveWord(room.ada, linkIn(refused.text), 'approve')
    expect(await client.call('ledger_post', { entry: `${entry}.` })).toMatchObject({ isError: true })
    expect(await client.call('ledger_post', { entry })).toMatchObject({ isError: false })
    expect(await client.call('ledger_post', { entry })).toMatchObject({ isError: true })
    expect([posted(entry), posted(`${entry}.`)]).toEqual([1, 0])
  })
})

// [APPROVE-6]
test('a client of 2024-11-05, which cannot be asked, is refused with a link and never let through', async () => {
  const { entry, caller } = await fresh()
  const session = await open2025(`${room.url}/mcp`, caller, '2024-11-05')
  const { result } = messageOf(await session.ask('tools/call', call(entry))) as {
    result: { content: [{ text: string }] }
  }
  expect(result).toMatchObject({ isError: true })
  expect(posted(entry)).toBe(0)
  await giveWord(room.ada, linkIn(result.content[0].text), 'approve')
  await session.ask('tools/call', call(entry))
  expect(posted(entry)).toBe(1)
})

// [APPROVE-1]
test('of identical calls at the same moment one passes on one approval', async () => {
  const { entry, caller } = await fresh()
  const { url } = await try2026(room.url, caller, call(entry))
  await giveWord(room.ada, url ?? '', 'approve')
  const tries = await Promise.all([1, 2, 3, 4].map(() => try2026(room.url, caller, call(entry), { elicitation: null })))
  expect(tries.filter(({ isError }) => !isError)).toHaveLength(1)
  expect(posted(entry)).toBe(1)
})

// [APPROVE-1]
test('an approval is good for nobody else, by no other grant, and under no other terms', async () => {
  const { entry, caller } = await fresh()
  const email = `asker-${count}@acme.test`
  const { url } = await try2026(room.url, caller, call(entry))
  await giveWord(room.ada, url ?? '', 'approve')
  const another = bearer(await room.home.portal.userToken(email))
  expect((await try2026(room.url, another, call(entry), { elicitation: null })).isError).toBe(true)
  const groups = [{ approvals_needed: 1, email_addresses: ['boss@acme.test', 'ada@acme.test'] }]
  await room.change(policy, { ...APPROVAL, approval_groups: groups })
  expect((await try2026(room.url, caller, call(entry), { elicitation: null })).isError).toBe(true)
  await room.change(policy, APPROVAL)
  expect(posted(entry)).toBe(0)
  expect((await try2026(room.url, caller, call(entry), { elicitation: null })).isError).toBe(false)
})

// [APPROVE-2]
test('nobody agrees to their own call, and a link that is followed decides nothing', async () => {
  const { url } = await try2026(room.url, asker, call('own'))
  const link = url ?? ''
  const own = await grace.open(link)
  expect(own.text).toContain('Your call waits for approval')
  expect(own.text).not.toContain('value="approve"')
  // By a form of the page beside it, for what this page has none.
  const elsewhere = await grace.open(`${room.url}/sign-out`)
  const formToken = /name="form_token" value="([^"]+)"/.exec(elsewhere.text)?.[1] ?? ''
  const forged = await fetch(link, {
    method: 'POST',
    headers: { cookie: grace.cookies(link), origin: room.url },
    body: new URLSearchParams({ form_token: formToken, word: 'approve' }),
  })
  expect(await forged.text()).toContain('Your call waits for approval')
  const foreign = await fetch(link, {
    ...{ method: 'POST', headers: { cookie: room.ada.cookies(link), origin: room.url } },
    body: new URLSearchParams({ word: 'approve' }),
  })
  expect(foreign.status).toBe(403)
  for (let i = 0; i < 3; i++) await room.ada.open(link)
  await fetch(link)
  expect((await try2026(room.url, asker, call('own'), { elicitation: null })).isError).toBe(true)
  expect(posted('own')).toBe(0)
  const words = await room.rows('method=approve%20call')
  expect(words[0]).toMatchObject({ outcome: 'refused', error: 'not-theirs', actor: { label: ASKER } })
})

// [APPROVE-2]
test('whom the policy does not name sees nothing of it', async () => {
  const { caller } = await fresh()
  const { url } = await try2026(room.url, caller, call('secret entry'))
  const page = await grace.open(url ?? '')
  expect(page.status).toBe(404)
  expect(page.text).not.toContain('secret entry')
  expect((await grace.open(room.url)).text).not.toContain('Waiting for your approval')
  expect((await room.rows('method=GET%20%2Fapprove'))[0]).toMatchObject({ outcome: 'refused', error: 'foreign-link' })
})

// [APPROVE-7]
test('an approver finds it on their home, and reads what will be done with whatever cannot be seen made visible', async () => {
  const { caller } = await fresh()
  const entry = 'pay <b>ten</b>\u202e\u200b'
  await try2026(room.url, caller, call(entry))
  const home = await room.ada.open(room.url)
  expect(home.text).toContain('Waiting for your approval')
  const [, path = ''] = /href="(\/approve\/[\w-]{43})"/.exec(home.text) ?? []
  const page = await room.ada.open(room.url + path)
  expect(page.text).toContain(`asker-${count}@acme.test`)
  expect(page.text).toContain('&lt;b&gt;ten&lt;/b&gt;\\u202e\\u200b')
  expect(page.text).not.toMatch(/[\u202e\u200b]/)
  expect(page.text).toContain('Payments')
})

// [APPROVE-4]
test('who asks again and again is told that enough waits, and nobody is asked more', async () => {
  const { entry, caller } = await fresh()
  for (const part of ['a', 'b', 'c']) expect((await try2026(room.url, caller, call(entry + part))).kind).not.toBeNull()
  const one = await try2026(room.url, caller, call(`${entry}d`))
  expect(one).toMatchObject({ kind: null, isError: true, text: expect.stringContaining('wait for approval already') })
  expect((await try2026(room.url, caller, call(`${entry}a`))).kind).not.toBeNull()
})

// [APPROVE-8]
test('what a policy denies while it waits is refused, however many agreed', async () => {
  const { entry, caller } = await fresh()
  const first = await try2026(room.url, caller, call(entry))
  await giveWord(room.ada, first.url ?? '', 'approve')
  await room.change(policy, DENIED)
  const answer = { requestState: first.state, inputResponses: { [first.kind ?? '']: { action: 'accept' } } }
  const refused = await try2026(room.url, caller, call(entry), answer)
  expect(refused).toMatchObject({ error: { code: -32602 } })
  expect(posted(entry)).toBe(0)
  await room.change(policy, APPROVAL)
})

// [APPROVE-8]
test.each(['SDK v1', 'SDK v2 of 2025'] as const)(
  '%s: a call that a policy denies while it waits ends',
  async (which) => {
    const { entry, token } = await fresh()
    const done: Promise<void>[] = []
    const client = await clientOf(which, token, (url) => {
      done.push(room.change(policy, DENIED).then(() => giveWord(room.ada, url, 'approve')))
    })
    await expect(client.call('ledger_post', { entry })).rejects.toThrow('Unknown tool')
    await Promise.all(done)
    expect(posted(entry)).toBe(0)
    expect((await room.rows('method=tools/call'))[0]).toMatchObject({ outcome: 'refused', error: 'not-allowed' })
    await room.change(policy, APPROVAL)
  },
)

// [APPROVE-5]
test('who says no to the question asks for nothing any more', async () => {
  const { entry, caller } = await fresh()
  const { state, kind, url } = await try2026(room.url, caller, call(entry))
  const no = { requestState: state, inputResponses: { [kind ?? '']: { action: 'decline' } } }
  expect(await try2026(room.url, caller, call(entry), no)).toMatchObject({ isError: true })
  expect((await room.ada.open(url ?? '')).text).toContain('It is over')
})

// [APPROVE-6]
test('a service token, which is nobody who could be asked, is told who must agree; its next call passes', async () => {
  const bot = await room.home.portal.serviceToken(`bot-${count}`)
  const named = { decision: 'non_identity', include: [{ any_valid_service_token: {} }] }
  await room.guard({ ...APPROVAL, ...named })
  const credentials = {
    'cf-access-client-id': bot.client_id,
    'cf-access-client-secret': bot.client_secret,
  }
  const refused = await try2026(room.url, { credentials }, call('by a bot'))
  expect(refused).toMatchObject({ kind: null, isError: true, text: expect.stringContaining('ada@acme.test') })
  await giveWord(room.ada, linkIn(refused.text), 'approve')
  expect((await try2026(room.url, { credentials }, call('by a bot'))).isError).toBe(false)
  expect(posted('by a bot')).toBe(1)
  policy = await room.guard(APPROVAL)
})

test('a client that gives up while it waits ends the wait', async () => {
  const { entry, token } = await fresh()
  const client = await clientOf('SDK v2 of 2025', token, () => undefined)
  const giveUp = new AbortController()
  const calling = client.call('ledger_post', { entry }, { signal: giveUp.signal })
  while (client.asked.length === 0) await new Promise((resolve) => setTimeout(resolve, 20))
  giveUp.abort()
  await expect(calling).rejects.toThrow()
  let row = (await room.rows('method=tools/call'))[0]
  while (row?.outcome !== 'cancelled') row = (await room.rows('method=tools/call'))[0]
  expect(posted(entry)).toBe(0)
})
