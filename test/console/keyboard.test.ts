/** What one does in the console, each thing by keyboard alone: nothing is clicked, and whoever acted stands where they can go on. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type OpenClient, openAskedClient } from '../asked-clients.ts'
import { faultsEverywhere, openBrowser, type Page, type TestBrowser } from '../browser.ts'
import { APPROVAL, ASKER, type DemandRoom, openDemandRoom } from '../demand-room.ts'
import { ADA, complaintsOf } from '../page-journey.ts'
import { json, modern, result, type ScriptedServer, startScripted } from '../scripted-server.ts'
import { choose, comeTo, goTo, hasFocus, heldBy, press, type, whereIs } from './by-keyboard.ts'

const MCP = '/access/ai-controls/mcp'
const post = { name: 'post', description: 'Writes a line.', inputSchema: { type: 'object' } }
const tools = [{ ...post, name: 'count', description: 'How many there are.' }, post]

let room: DemandRoom
let browser: TestBrowser
let books: ScriptedServer
let client: OpenClient
let page: Page
let complaints: string[]
beforeAll(async () => {
  const list = modern(() => {})
  ;[room, browser, books] = await Promise.all([
    openDemandRoom({ limits: { connect_turn: 10_000, connect_wait: 120_000 } }),
    openBrowser(),
    startScripted((seen, response, request) =>
      seen.body.method === 'tools/list'
        ? json(response, result(seen, { resultType: 'complete', tools, ttlMs: 0, cacheScope: 'public' }))
        : list(seen, response, request),
    ),
  ])
  await room.guard(APPROVAL)
  client = await openAskedClient('SDK v2 of 2026', {
    ...{ url: `${room.url}/mcp`, token: await room.home.portal.userToken(ASKER) },
    answer: () => 'accept',
  })
  page = await browser.visitor({ width: 1280 })
  complaints = complaintsOf(page)
})
afterAll(async () => {
  await client?.close()
  await browser?.close()
  await room?.close()
  await books?.close()
})

const button = (name: string | RegExp) => page.getByRole('button', { name, exact: true })
const field = (name: string) => page.getByRole('textbox', { name, exact: true })
const rowOf = (text: string) => page.getByRole('row').filter({ hasText: text })
/** The link of a row. */
const row = (text: string) => rowOf(text).locator('.row-link')
/** From the tab that is open to another. */
async function toTab(name: string | RegExp): Promise<void> {
  const wanted = page.getByRole('tab', { name })
  await comeTo(page, page.getByRole('tab', { selected: true }))
  for (let steps = 0; steps < 8; steps++) {
    if (await wanted.evaluate((el) => el === el.ownerDocument.activeElement)) break
    await page.keyboard.press('ArrowRight')
  }
  await page.keyboard.press('Enter')
  await hasFocus(page, page.getByRole('tab', { name, selected: true }))
}

test('one signs in, skips to the content, and finds any page', async () => {
  await page.goto(`${room.url}/admin`)
  await type(page, page.locator('form[action="/sign-in/local"]').getByLabel('Email address'), ADA.email)
  await type(page, page.locator('form[action="/sign-in/local"]').getByLabel('Password'), ADA.password)
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor()
  await press(page, page.getByRole('link', { name: 'Skip to the content' }))
  await hasFocus(page, page.getByRole('main'))
  await press(page, page.getByRole('link', { name: 'People' }))
  await hasFocus(page, page.getByRole('heading', { level: 1, name: 'People' }))
  await comeTo(page, button('Find Ctrl K'), { back: true })
  await page.keyboard.press('Enter')
  await heldBy(page, page.getByRole('dialog'), button('Find Ctrl K'))
  await press(page, button(/^Signed in as/))
  await hasFocus(page, page.getByRole('menuitemradio', { name: 'As the system' }))
  await page.keyboard.press('Escape')
  await hasFocus(page, button(/^Signed in as/))
})

test('a server is added by its URL, synced, and its tool renamed, described and switched off', async () => {
  await goTo(page, 'Servers')
  await press(page, page.getByRole('link', { name: 'Add a server' }))
  await hasFocus(page, page.getByRole('heading', { level: 1, name: 'Add a server' }))
  await type(page, field('URL'), `${books.origin}/mcp`)
  // It is heard, and not only seen.
  await page
    .locator('[aria-live="polite"]')
    .getByText(/It lists 2 tools/)
    .waitFor()
  await type(page, field('Name'), 'Books')
  await type(page, field('Id'), 'books')
  await press(page, button('Create the server'))
  await hasFocus(page, page.getByRole('heading', { level: 1, name: 'Books' }))
  await page.getByText('It answers, and its tools are known.').waitFor()
  await press(page, button('Sync now'))
  await page.getByRole('alert').getByText('Synced: 2 tools').waitFor()
  await hasFocus(page, button('Sync now'))

  await toTab(/^Tools/)
  await comeTo(page, row('count'))
  await page.keyboard.press('End')
  await hasFocus(page, row('post'))
  await page.keyboard.press('Enter')
  const dialog = page.getByRole('dialog', { name: 'post' })
  await heldBy(page, dialog, row('post'))
  await page.keyboard.press('Enter')
  await type(page, dialog.getByLabel('Name for clients'), 'write-entry')
  await type(page, dialog.getByLabel('Description for clients'), 'Writes it down.')
  await press(page, dialog.getByRole('switch', { name: 'Offered to clients' }), 'Space')
  await press(page, dialog.getByRole('button', { name: 'Save' }))
  await dialog.waitFor({ state: 'detached' })
  await hasFocus(page, row('write-entry'))
  const { updated_tools } = await room.api<{ updated_tools: unknown[] }>('GET', `${MCP}/servers/books`)
  expect(updated_tools).toEqual([
    { name: 'post', enabled: false, alias: 'write-entry', description: 'Writes it down.' },
  ])
})

test('a definition that is held is read and approved', async () => {
  post.description = 'Writes a line, and tells everybody.'
  await toTab('Overview')
  await press(page, button('Sync now'))
  await page.getByRole('tab', { name: 'Held definitions (1)' }).waitFor()
  await hasFocus(page, button('Sync now'))
  await comeTo(page, page.getByRole('tab', { selected: true }), { back: true })
  await toTab('Held definitions (1)')
  await page.getByText('Writes a line, and tells everybody.').waitFor()
  await press(page, page.getByLabel('Choose post'), 'Space')
  await comeTo(page, button('Approve 1'), { back: true })
  await page.keyboard.press('Enter')
  const sure = page.getByRole('dialog', { name: /Approve/ })
  await hasFocus(page, sure.getByRole('button', { name: 'Cancel' }))
  expect(await faultsEverywhere(page, 'console-held-sure')).toEqual([])
  await page.setViewportSize({ width: 1280, height: 900 })
  await press(page, sure.getByRole('button', { name: 'Approve 1' }))
  await page.getByText('Nothing is held').waitFor()
  await sure.waitFor({ state: 'detached' })
  // The button is gone that it was done with; they go on beside its place.
  await hasFocus(page, page.getByRole('tab', { selected: true }))
})

test('a portal is made, a server put in, and a tool offered under another name', async () => {
  await goTo(page, 'Portals')
  await press(page, page.getByRole('link', { name: 'New portal' }))
  await hasFocus(page, page.getByRole('heading', { level: 1, name: 'New portal' }))
  await type(page, field('Name'), 'Research')
  await press(page, button('Create the portal'))
  await hasFocus(page, page.getByRole('heading', { level: 1, name: 'Research' }))
  await toTab('Servers')
  await choose(page, page.getByRole('combobox', { name: 'Server to add' }), /books/, 'book')
  await press(page, button('Add'))
  await rowOf('Books').waitFor()
  await press(page, page.getByRole('switch', { name: 'Tools of Books start off' }), 'Space')
  await expect.poll(() => page.getByRole('switch', { name: 'Tools of Books start off' }).isChecked()).toBe(true)
  await hasFocus(page, page.getByRole('switch', { name: 'Tools of Books start off' }))

  await comeTo(page, page.getByRole('tab', { selected: true }), { back: true })
  await toTab('Tools')
  await press(page, page.getByRole('switch', { name: 'Offer books_count' }), 'Space')
  await expect.poll(() => page.getByRole('switch', { name: 'Offer books_count' }).isChecked()).toBe(true)
  await hasFocus(page, page.getByRole('switch', { name: 'Offer books_count' }))
  await press(page, button('Change books_count'))
  const dialog = page.getByRole('dialog', { name: 'books_count' })
  await type(page, dialog.getByLabel('Name'), 'tally')
  await press(page, dialog.getByRole('button', { name: 'Save' }))
  await dialog.waitFor({ state: 'detached' })
  await hasFocus(page, button('Change books_tally'))
  expect(await room.api('GET', `${MCP}/portals/research`)).toMatchObject({
    servers: [
      { server_id: 'books', default_disabled: true, updated_tools: [{ name: 'count', portal_alias: 'tally' }] },
    ],
  })
})

test('a policy is written, tried and attached; a denial is explained and mended', async () => {
  await goTo(page, 'Policies')
  await press(page, page.getByRole('link', { name: 'New policy' }))
  await hasFocus(page, page.getByRole('heading', { level: 1, name: 'New policy' }))
  await type(page, field('Name'), 'Not Grace')
  await choose(page, page.getByRole('combobox', { name: 'Decision' }), /^Deny/)
  const part = (name: string) => page.getByRole('group', { name, exact: true })
  await type(page, part('Include').getByLabel('Email address'), ASKER)
  await press(page, button('Add to require'))
  const selector = part('Require').getByRole('combobox', { name: 'Selector' })
  await comeTo(page, selector, { back: true })
  await choose(page, selector, 'Everyone', 'Every')
  await press(page, button('Add to exclude'))
  await comeTo(page, part('Exclude').getByLabel('Email address'), { back: true })
  await type(page, part('Exclude').getByLabel('Email address'), 'eve@acme.test')
  await press(page, button('Whom it would let in'))
  await page
    .getByRole('status')
    .getByText(/it lets in \d+ of \d+ people/)
    .waitFor()
  await hasFocus(page, button('Whom it would let in'))
  await comeTo(page, button('Remove row 1 of Require'), { back: true })
  await page.keyboard.press('Enter')
  await hasFocus(page, button('Add to require'))
  await press(page, button('Save'))
  await hasFocus(page, page.getByRole('heading', { level: 1, name: 'Not Grace' }))
  await choose(page, page.getByRole('combobox', { name: 'Portal or server' }), 'Portal Team tools', 'Team')
  await press(page, button('Attach'))
  await page.getByText('number 1 of').waitFor()
  await expect.poll(() => whereIs(page)).not.toMatch(/^body/)

  await goTo(page, 'Access explorer')
  await type(page, page.getByRole('combobox', { name: 'Person' }), ASKER)
  await choose(page, page.getByRole('combobox', { name: 'Portal' }), 'Team tools', 'Team')
  await type(page, page.getByRole('combobox', { name: 'Tool, prompt or URI' }), 'ledger_count')
  await press(page, button('Explain'))
  const answer = page.getByRole('region', { name: 'Answer' })
  await answer.getByText('Denied').first().waitFor()
  await press(page, answer.getByRole('button', { name: `Except ${ASKER} from “Not Grace”` }))
  await hasFocus(page, page.getByRole('heading', { level: 1, name: 'Not Grace' }))
  await press(page, button('Save'))
  await page.getByText('The policy is saved.').waitFor()
  await hasFocus(page, button('Save'))
  await comeTo(page, page.getByRole('link', { name: 'Back to the explanation' }), { back: true })
  await page.keyboard.press('Enter')
  await answer.getByText('Allowed').first().waitFor()
})

test('a call that waits is read and approved, and a question over a dialog is closed alone', async () => {
  const called = client.call('ledger_post', { entry: 'rent' })
  await goTo(page, 'Approvals')
  await press(page, row('Waiting'))
  const dialog = page.getByRole('dialog', { name: 'Request for approval' })
  const approve = dialog.getByRole('button', { name: 'Approve' })
  await press(page, approve)
  const sure = page.getByRole('dialog', { name: 'Approve this call?' })
  await heldBy(page, sure, approve)
  await page.keyboard.press('Enter')
  await press(page, sure.getByRole('button', { name: 'Approve' }))
  expect(await called).toMatchObject({ isError: false, text: 'posted rent' })
  await dialog.getByText('Approved, and made').waitFor()
  await expect.poll(() => dialog.evaluate((el) => el.contains(el.ownerDocument.activeElement))).toBe(true)
  await page.keyboard.press('Escape')
  await dialog.waitFor({ state: 'detached' })
  await hasFocus(page, row('Approved, and made'))
})

test('a person is revoked once that is confirmed, and a service token is made, copied and put away', async () => {
  await goTo(page, 'People')
  await comeTo(page, page.locator('[data-index="0"] .row-link'))
  while (!/grace@/.test(await whereIs(page))) await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Enter')
  await hasFocus(page, page.getByRole('heading', { level: 1, name: ASKER }))
  await press(page, button('Revoke everywhere'))
  const dialog = page.getByRole('dialog', { name: 'Revoke everywhere?' })
  await heldBy(page, dialog, button('Revoke everywhere'))
  await page.keyboard.press('Enter')
  await press(page, dialog.getByRole('button', { name: 'Revoke everywhere' }))
  await page.getByText('Everything that this person had has ended.').waitFor()
  await dialog.waitFor({ state: 'detached' })
  await hasFocus(page, button('Revoke everywhere'))

  await goTo(page, 'Clients')
  await toTab('Service tokens')
  await press(page, button('Make a service token'))
  await hasFocus(page, page.getByRole('heading', { name: 'Make a service token' }))
  await type(page, page.getByLabel('Name'), 'Nightly')
  await press(page, button('Make it'))
  const note = page.getByRole('status').filter({ hasText: 'Shown once' })
  await hasFocus(page, note)
  await press(page, button('Copy: CF-Access-Client-Secret'))
  await note.getByRole('status').filter({ hasText: 'Copied' }).waitFor()
  await press(page, button('I have kept it'))
  await hasFocus(page, page.getByRole('heading', { name: 'Nightly' }))
  await press(page, button(/^Back to the list/))
  await hasFocus(page, row('Nightly'))
})

test('the log is filtered and a deed read; a setting is changed and changed back', async () => {
  await goTo(page, 'Logs')
  await press(page, button('New filter'))
  const by = page.getByLabel('Filter by')
  await hasFocus(page, by)
  await page.keyboard.type('Who')
  await type(page, page.getByRole('combobox', { name: 'Is exactly' }), ASKER)
  await page.keyboard.press('Enter')
  await page.waitForURL(/[?&]actor=grace%40/)
  await hasFocus(page, button('New filter'))
  await row('ledger_post').first().waitFor()
  await comeTo(page, page.locator('[data-index="0"] .row-link'))
  await page.keyboard.press('Enter')
  await heldBy(page, page.getByRole('dialog', { name: 'One deed' }), page.locator('[data-index="0"] .row-link'))
  await comeTo(page, button('Remove the filter Who'), { back: true })
  await page.keyboard.press('Enter')
  await page.waitForURL(/logs$/)
  await expect.poll(() => whereIs(page)).not.toMatch(/^body/)

  await goTo(page, 'Settings')
  const session = page.getByLabel('A browser stays signed in for')
  const save = async (value: string) => {
    await comeTo(page, session, { back: value !== 'soon' })
    await type(page, session, value)
    await press(page, button('Save'))
  }
  await save('soon')
  // Heard, and where it can be mended.
  await hasFocus(page, session)
  expect(await session.getAttribute('aria-invalid')).toBe('true')
  await save('12h')
  await page.getByText('The settings are kept.').first().waitFor()
  await hasFocus(page, button('Save'))
  await save('24h')
  await expect.poll(() => room.api('GET', '/access/organizations')).toMatchObject({ session_duration: '24h' })
  expect(complaints).toEqual([])
})

test('on a narrow screen what is not to be seen is not come to, and the navigation opens and closes', async () => {
  await page.setViewportSize({ width: 375, height: 800 })
  const open = button('Open the navigation')
  await comeTo(page, open, { back: true })
  await page.keyboard.press('Tab')
  await hasFocus(page, button(/^Find/))
  await comeTo(page, open, { back: true })
  await page.keyboard.press('Enter')
  await press(page, page.getByRole('link', { name: 'Portals' }))
  await hasFocus(page, page.getByRole('heading', { level: 1, name: 'Portals' }))
  await comeTo(page, open, { back: true })
  await page.keyboard.press('Enter')
  await comeTo(page, page.getByRole('link', { name: 'Overview' }))
  await page.keyboard.press('Escape')
  await hasFocus(page, open)
})
