/** A call that a policy wants to know the purpose of: asked for in a form, or on a page; kept in the audit; good for as long as the policy says. */
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { APPROVAL, APPROVER, type DemandRoom, giveWord, linkIn, openDemandRoom, try2026 } from '../demand-room.ts'
import { signInAs } from '../page-journey.ts'
import type { Person } from '../person.ts'
import { bearer } from '../raw-mcp.ts'

const PURPOSE = { purpose_justification_required: true, purpose_justification_prompt: 'Which invoice is it for?' }

let room: DemandRoom
let grace: Person

beforeAll(async () => {
  room = await openDemandRoom({ limits: { connect_turn: 10_000, connect_wait: 60_000 } })
  grace = await signInAs(room.home, 'grace')
})
afterAll(() => room?.close())

const call = (entry: string) => ({ name: 'ledger_post', arguments: { entry } })
const newToken = () => room.home.portal.userToken('grace@acme.test')
const FORM = { elicitation: { form: {} } }

async function formClient(mode: 'legacy' | { pin: '2026-07-28' }, answers: unknown[]) {
  const asked: { message: string; requestedSchema?: unknown }[] = []
  const client = new Client(
    { name: 'form', version: '1' },
    { capabilities: { elicitation: { form: {} } }, versionNegotiation: { mode } },
  )
  client.setRequestHandler('elicitation/create', ({ params }) => {
    asked.push(params)
    return { action: 'accept' as const, content: { purpose: String(answers[asked.length - 1]) } }
  })
  const headers = { Authorization: `Bearer ${await newToken()}` }
  await client.connect(new StreamableHTTPClientTransport(new URL(`${room.url}/mcp`), { requestInit: { headers } }))
  return { client, asked }
}

test.each([
  ['2025', 'legacy' as const],
  ['2026', { pin: '2026-07-28' as const }],
])(
  // [PURPOSE-1]
  'SDK v2 of %s: the person writes it in a form, each time anew where one capability is guarded, and the audit keeps it',
  async (_, mode) => {
    const policy = await room.guard(PURPOSE)
    const { client, asked } = await formClient(mode, ['', 'invoice 12\u200b', 'invoice 13'])
    const first = await client.callTool(call(`form ${_}`))
    expect(first.isError ?? false).toBe(false)
    // The first answer said nothing.
    expect(asked).toHaveLength(2)
    expect(asked[0]?.message).toContain('Which invoice is it for?')
    expect((await room.rows('method=tools/call'))[0]).toMatchObject({
      ...{ outcome: 'answered', rule: policy, purpose: 'invoice 12\\u{200b}' },
    })
    await client.callTool(call(`form ${_}`))
    expect(asked).toHaveLength(3)
    expect((await room.rows('method=tools/call'))[0]).toMatchObject({ purpose: 'invoice 13' })
    await client.close()
  },
)

// [PURPOSE-1]
test('for a while it counts for later calls of the same grant, and of no other', async () => {
  await room.guard({ ...PURPOSE, session_duration: '30m' })
  const [mine, other] = [bearer(await newToken()), bearer(await newToken())]
  const { kind, state } = await try2026(room.url, mine, call('a while'), FORM)
  const answer = { action: 'accept', content: { purpose: 'the audit' } }
  const back = { ...FORM, requestState: state, inputResponses: { [kind ?? '']: answer } }
  expect((await try2026(room.url, mine, call('a while'), back)).isError).toBe(false)
  expect(await try2026(room.url, mine, call('a while'), FORM)).toMatchObject({ kind: null, isError: false })
  expect((await room.rows('method=tools/call'))[0]).toMatchObject({ purpose: 'the audit' })
  expect((await try2026(room.url, other, call('a while'), FORM)).kind).toMatch(/^purpose/)
})

// [PURPOSE-2]
test('who cannot be asked gets a link to a page that is theirs alone, and then passes once', async () => {
  await room.guard(PURPOSE)
  const caller = bearer(await newToken())
  const refused = await try2026(room.url, caller, call('by page'), { elicitation: null })
  expect(refused).toMatchObject({ isError: true, text: expect.stringContaining('wants to know what for') })
  expect(room.ledger.posted).not.toContain('by page')
  const link = linkIn(refused.text)
  expect((await room.ada.open(link)).status).toBe(404)
  const page = await grace.open(link)
  expect(page.text).toContain('Which invoice is it for?')
  const path = new URL(link).pathname
  expect((await grace.submit(page, path, { purpose: ' \u200b ' })).status).toBe(400)
  expect((await grace.submit(page, path, { purpose: 'invoice 14' })).text).toContain('Go back to your client')
  expect((await try2026(room.url, caller, call('by page'), { elicitation: null })).isError).toBe(false)
  expect((await room.rows('method=tools/call'))[0]).toMatchObject({ outcome: 'answered', purpose: 'invoice 14' })
  expect((await try2026(room.url, caller, call('by page'), { elicitation: null })).isError).toBe(true)
  expect((await room.rows('method=tools/call'))[0]).toMatchObject({ outcome: 'refused', error: 'purpose' })
})

// [PURPOSE-2]
test('it comes before approval, approvers read it, and neither is asked for again', async () => {
  await room.guard({ ...PURPOSE, ...APPROVAL })
  const caller = bearer(await newToken())
  const none = { elicitation: null }
  const first = await try2026(room.url, caller, call('both'), none)
  const link = linkIn(first.text)
  await grace.submit(await grace.open(link), new URL(link).pathname, { purpose: 'invoice 15' })
  const second = await try2026(room.url, caller, call('both'), none)
  expect(second.text).toContain(`needs the approval of ${APPROVER}`)
  expect((await room.ada.open(linkIn(second.text))).text).toContain('invoice 15')
  await giveWord(room.ada, linkIn(second.text), 'approve')
  expect((await try2026(room.url, caller, call('both'), none)).isError).toBe(false)
  expect(room.ledger.posted.filter((entry) => entry === 'both')).toHaveLength(1)
  expect((await room.rows('method=tools/call'))[0]).toMatchObject({ outcome: 'answered', purpose: 'invoice 15' })
})

test('who does not want to say it is not let through', async () => {
  await room.guard(PURPOSE)
  const caller = bearer(await newToken())
  const { kind, state } = await try2026(room.url, caller, call('unsaid'), FORM)
  const back = { ...FORM, requestState: state, inputResponses: { [kind ?? '']: { action: 'decline' } } }
  expect(await try2026(room.url, caller, call('unsaid'), back)).toMatchObject({ isError: true })
  expect(room.ledger.posted).not.toContain('unsaid')
})
