/** The pages of approval, purpose and step-up in a real browser; what those who are to agree are told, and what the REST API has of it. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { run } from '../../src/cli/program.ts'
import { LIMITS } from '../../src/config/limits.ts'
import { faultsEverywhere, openBrowser, type Page, type TestBrowser } from '../browser.ts'
import { APPROVAL, APPROVER, type DemandRoom, linkIn, openDemandRoom, try2026 } from '../demand-room.ts'
import { ADA, complaintsOf, signInWithPassword } from '../page-journey.ts'
import { bearer, type RawCaller } from '../raw-mcp.ts'
import { startScripted } from '../scripted-server.ts'

let room: DemandRoom
let browser: TestBrowser
let page: Page
let caller: RawCaller

beforeAll(async () => {
  ;[room, browser] = await Promise.all([openDemandRoom({ limits: { connect_turn: 1000 } }), openBrowser()])
  caller = bearer(await room.home.portal.userToken('grace@acme.test'))
  page = await browser.visitor()
})
afterAll(async () => {
  await browser?.close()
  await room?.close()
})

const call = (entry: string) => ({ name: 'ledger_post', arguments: { entry } })
const none = { elicitation: null }

// [APPROVE-7]
test('an approver signs in by the link, reads what will be done, agrees, and sees that it was made', async () => {
  await room.guard({ ...APPROVAL, purpose_justification_required: true, session_duration: '1h' })
  const form = { elicitation: { form: {} } }
  const { kind, state } = await try2026(room.url, caller, call('rent for December'), form)
  const content = { purpose: 'The rent of December, as every month' }
  const back = { ...form, requestState: state, inputResponses: { [kind ?? '']: { action: 'accept', content } } }
  await try2026(room.url, caller, call('rent for December'), back)
  const refused = await try2026(room.url, caller, call('rent for December'), none)
  const complaints = complaintsOf(page)
  await page.goto(linkIn(refused.text))
  await signInWithPassword(page)
  await page.getByRole('heading', { name: 'Somebody asks for your approval' }).waitFor()
  await page.getByText('rent for December').waitFor()
  await page.getByText('The rent of December, as every month').waitFor()
  expect(await faultsEverywhere(page, 'approve')).toEqual([])
  await page.goto(room.url)
  await page.getByRole('heading', { name: 'Waiting for your approval' }).waitFor()
  expect(await faultsEverywhere(page, 'home-approvals')).toEqual([])
  await page.getByRole('link', { name: 'Look: post of Ledger, asked by grace@acme.test' }).click()
  await page.getByRole('button', { name: 'Approve this call' }).click()
  await page.getByText('It is approved').waitFor()
  expect(await faultsEverywhere(page, 'approved')).toEqual([])
  expect((await try2026(room.url, caller, call('rent for December'), none)).isError).toBe(false)
  await page.reload()
  await page.getByText('the call was made').waitFor()
  expect(complaints).toEqual([])
  expect((await room.rows('method=approve%20call'))[0]).toMatchObject({
    ...{ outcome: 'answered', decision: 'allow', actor: { label: APPROVER } },
    change: { object: 'approval', fields: ['agreed', 'approved'] },
  })
})

// [PURPOSE-2]
test('the page that asks what for can be read by everybody, and says what was wrong', async () => {
  await room.guard({ purpose_justification_required: true })
  const own = bearer(await room.home.portal.userToken(ADA.email))
  const refused = await try2026(room.url, own, call('ask me'), none)
  await page.goto(linkIn(refused.text))
  await page.getByRole('heading', { name: 'What do you need it for?' }).waitFor()
  expect(await faultsEverywhere(page, 'purpose')).toEqual([])
  await page.getByRole('textbox').fill('...')
  await page.getByRole('button', { name: 'Write it down' }).click()
  await page.getByRole('alert').waitFor()
  expect(await faultsEverywhere(page, 'purpose-wrong')).toEqual([])
  await page.getByRole('textbox').fill('the audit')
  await page.getByRole('button', { name: 'Write it down' }).click()
  await page.getByText('Go back to your client').waitFor()
  expect(await faultsEverywhere(page, 'purpose-done')).toEqual([])
})

// [NOTICE-1]
test('webhooks are told that a call waits, with the page and without what it is made with', async () => {
  const receiver = await startScripted((_, response) => void response.writeHead(204).end())
  const place = new URL(receiver.origin).host
  await room.api('POST', '/webhooks', {
    ...{ name: 'Approvers', url: `${receiver.origin}/hook`, events: ['approval.requested'], allow_private: [place] },
  })
  await room.guard(APPROVAL)
  const refused = await try2026(room.url, caller, call('told entry'), none)
  await expect.poll(() => receiver.seen.length).toBe(1)
  const [seen] = receiver.seen
  expect(seen?.body).toMatchObject({
    type: 'approval.requested',
    data: { server: { id: 'ledger' }, capability: 'post', approval: { url: linkIn(refused.text) } },
  })
  expect(seen?.text).not.toContain('told entry')
  expect(seen?.text).not.toContain('@acme.test')
  await receiver.close()
})

// [APPROVE-7]
test('why a call was turned down is told to its caller, shown and kept', async () => {
  await room.guard(APPROVAL)
  const first = await try2026(room.url, caller, call('rent, twice'), none)
  await page.goto(linkIn(first.text))
  const why = 'It is paid already.\nSee the “October” sheet'
  expect(await page.getByLabel('Why?').getAttribute('maxlength')).toBe(String(LIMITS.approval_reason.value))
  await page.getByLabel('Why?').fill(why)
  // It has several lines, so that the key decides nothing.
  await page.getByLabel('Why?').press('Enter')
  expect(await faultsEverywhere(page, 'approve-why')).toEqual([])
  await page.getByRole('button', { name: 'Turn down' }).click()
  await page.getByText('It was turned down').waitFor()
  await page.getByText(`${APPROVER} turned it down: “It is paid already. See the “October” sheet”`).waitFor()
  const told = await try2026(room.url, caller, call('rent, twice'), none)
  expect(told).toMatchObject({ isError: true })
  expect(told.text).toContain('They gave this reason: "It is paid already. See the “October” sheet". Nothing was done.')
  expect(room.ledger.posted).not.toContain('rent, twice')
  const purpose = 'It is paid already. See the “October” sheet'
  expect((await room.rows('method=reject%20call'))[0]).toMatchObject({ actor: { label: APPROVER }, purpose })
  const [shown] = await room.api<{ decisions: object[] }[]>('GET', '/access/approvals?state=rejected')
  expect(shown?.decisions).toMatchObject([{ word: 'reject', by: APPROVER, reason: purpose }])
  const { portal } = room.home
  let out = ''
  const code = await run({
    ...{ argv: ['approvals', 'list', '--state', 'rejected'], cwd: portal.data },
    env: { PORTICO_URL: portal.url, PORTICO_TOKEN: portal.adminToken },
    stdout: { write: (text: string) => (out += text) },
    stderr: { write: () => true },
  })
  expect(code).toBe(0)
  expect(out).toContain(`${APPROVER} turned it down: “${purpose}”`)
})

// [APPROVE-2]
test('by the REST API a token lists and decides nothing; a person whom the policy names decides', async () => {
  await room.guard(APPROVAL)
  const asked = await try2026(room.url, caller, call('by the api'), none)
  const id = linkIn(asked.text).split('/').at(-1)
  const list = await room.api<{ id: string; state: string; name: string }[]>('GET', '/access/approvals?state=open')
  expect(list.find((one) => one.id === id)).toMatchObject({ state: 'open', name: 'post', server_id: 'ledger' })
  expect(JSON.stringify(list)).not.toContain('by the api')
  const byToken = await room.home.portal.api('POST', `/access/approvals/${id}/approve`)
  expect(byToken.status).toBe(403)
  expect((await try2026(room.url, caller, call('by the api'), none)).isError).toBe(true)
  const path = `/client/v4/accounts/default/access/approvals/${id}`
  const own = { cookie: room.ada.cookies(room.url), 'x-portico-request': '1', 'sec-fetch-site': 'same-origin' }
  const decide = (word: string, reason: string) =>
    fetch(`${room.url}${path}/${word}`, {
      ...{ method: 'POST', body: JSON.stringify({ reason }) },
      headers: { ...own, origin: room.url, 'content-type': 'application/json' },
    })
  expect((await decide('approve', 'x'.repeat(LIMITS.approval_reason.value + 1))).status).toBe(400)
  const answer = await decide('approve', ' by hand ')
  expect(await answer.json()).toMatchObject({
    success: true,
    result: { state: 'approved', decisions: [{ word: 'approve', by: APPROVER, reason: 'by hand' }] },
  })
  expect((await decide('reject', 'too late')).status).toBe(409)
  expect((await room.rows(`method=${encodeURIComponent(`POST /access/approvals/${id}/approve`)}`))[0]).toMatchObject({
    ...{ outcome: 'answered', purpose: 'by hand', change: { object: 'approval', fields: ['agreed', 'approved'] } },
  })
  expect((await try2026(room.url, caller, call('by the api'), none)).isError).toBe(false)
  expect(room.ledger.posted.filter((entry) => entry === 'by the api')).toHaveLength(1)
})
