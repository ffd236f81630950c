/** The console's first page: of a portal that nobody has used, and of one where real clients call real servers. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { faultsEverywhere, type Page } from '../browser.ts'
import { ask2026, bearer } from '../raw-mcp.ts'
import { furnishBusy } from './busy-portal.ts'
import { type ConsoleRoom, openConsoleRoom } from './console-room.ts'

let room: ConsoleRoom
let end: (() => Promise<void>) | undefined
let page: Page
let complaints: string[]
beforeAll(async () => {
  room = await openConsoleRoom()
  ;({ page, complaints } = await room.open('/'))
})
afterAll(async () => {
  await room?.close()
  await end?.()
})

const section = (name: string) => page.getByRole('region', { name })
const figure = (name: string) =>
  page.locator('main').getByText(name, { exact: true }).first().locator('xpath=following-sibling::*[1]')

test('a portal that nobody has used says what to do next, each step with the page where it is done', async () => {
  await page.getByText('No calls yet').waitFor()
  const steps = section('Set up your portal')
  expect(await steps.getByRole('listitem').count()).toBe(5)
  expect(await steps.getByRole('img', { name: 'Done' }).count()).toBe(2)
  expect(await steps.getByRole('link', { name: 'Say who may use what' }).getAttribute('href')).toBe('/admin/policies')
  expect(await page.locator('.recharts-surface').count()).toBe(0)
  expect(await faultsEverywhere(page, 'console-overview-empty')).toEqual([])
})

test('calls of a real client appear without a word: how many, what was refused, who called, and which server is down', async () => {
  end = await furnishBusy(room.home.portal)
  // Nothing is loaded again: the page asks by itself.
  await section('Calls over time').waitFor()
  await expect.poll(() => figure('Calls').innerText(), { timeout: 60_000 }).toBe('14')
  const refused = Number(await figure('Refused').innerText())
  expect(refused).toBeGreaterThan(0)
  await page.locator('.recharts-surface').first().waitFor()
  await section('Most used tools').getByRole('link', { name: 'ledger_count', exact: true }).waitFor()
  await section('Most active').getByRole('link', { name: 'ada@acme.test', exact: true }).waitFor()
  await section('Refused most often').getByRole('link', { name: 'ledger_burn', exact: true }).waitFor()
  await section('Servers').getByRole('link', { name: 'Billing' }).waitFor()
  expect(await faultsEverywhere(page, 'console-overview-busy')).toEqual([])
  expect(complaints).toEqual([])
})

test('what a chart shows stands in a table too, and adds up to the same', async () => {
  await section('Calls over time').getByText('Calls over time, as a table').click()
  const rows = section('Calls over time').getByRole('table').getByRole('row')
  await rows.nth(1).waitFor()
  const cells = await rows.locator('td').allInnerTexts()
  expect(cells.reduce((sum, text) => sum + Number(text), 0)).toBe(14)
  expect(await faultsEverywhere(page, 'console-overview-table')).toEqual([])
})

test('the time range stands in the address, by keyboard too, and a link with it shows the same', async () => {
  const choice = page.getByRole('radiogroup', { name: 'Time range' })
  await choice.getByRole('radio', { name: '24 hours' }).focus()
  await page.keyboard.press('ArrowRight')
  await page.waitForURL(/range=7d/)
  await page.reload()
  await choice.getByRole('radio', { name: '7 days', checked: true }).waitFor({ state: 'attached' })
  await expect.poll(() => figure('Calls').innerText()).toBe('14')
})

test('every number leads to the log, which has as many rows for it', async () => {
  const links = page.locator('main a[href^="/admin/logs?"]').filter({ hasText: /^\d+$/ })
  const found = await links.evaluateAll((all) => all.map((one) => [one.getAttribute('href') ?? '', one.textContent]))
  expect(found.length).toBeGreaterThan(9)
  for (const [href = '', text] of found) {
    const query = `${href?.slice(href.indexOf('?') + 1)}&phase=ended&limit=1000`
    const { body } = await room.home.portal.api<unknown[]>('GET', `/access/ai-controls/mcp/logs?${query}`)
    expect([href, body.result.length]).toEqual([href, Number(text)])
  }
  await figure('Refused').getByRole('link').click()
  await page.waitForURL(/\/admin\/logs\?.*outcome=refused/)
  const refused = found.find(([href]) => href?.includes('outcome=refused'))?.[1]
  await page.getByRole('main').getByText(`${refused} rows`, { exact: true }).waitFor()
  await page.goBack()
  await section('Calls over time').waitFor()
})

test('a tool leads to the rows of the log that it stands for', async () => {
  await section('Refused most often').getByRole('link', { name: 'ledger_burn', exact: true }).click()
  await page.waitForURL(/\/admin\/logs\?/)
  const { searchParams } = new URL(page.url())
  expect(Object.fromEntries(searchParams)).toMatchObject({
    plane: 'mcp',
    capability: 'ledger_burn',
    outcome: 'refused',
  })
  await page.goBack()
  await section('Calls over time').waitFor()
})

test('who does not want the list of steps sends it away, and it stays away', async () => {
  await page.getByRole('button', { name: 'Hide this list' }).click()
  await section('Set up your portal').waitFor({ state: 'detached' })
  await page.reload()
  await section('Calls over time').waitFor()
  expect(await section('Set up your portal').count()).toBe(0)
})

test('a name that a client makes up is shown as text, and a new call is on the page within seconds', async () => {
  const name = '<img src=x onerror=alert(1)>\u202e'
  const token = await room.home.portal.userToken('ada@acme.test')
  await ask2026(`${room.url}/mcp`, bearer(token), 'tools/call', { name, arguments: {} })
  await section('Refused most often').getByText('<img src=x onerror=alert(1)>').waitFor()
  expect(await page.locator('main img[src="x"]').count()).toBe(0)
  expect(complaints).toEqual([])
})

test('an auditor sees it all', async () => {
  const auditor = await room.openAs('auditor', '/')
  await auditor.page.getByRole('region', { name: 'Calls over time' }).waitFor()
  expect(auditor.complaints).toEqual([])
})
