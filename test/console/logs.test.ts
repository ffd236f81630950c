/** The log in a real browser: filters, one deed, files, and rows that come while it is being read. */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { faultsEverywhere, type Locator, type Page } from '../browser.ts'
import { ask2026, bearer } from '../raw-mcp.ts'
import { furnishBusy } from './busy-portal.ts'
import { type ConsoleRoom, openConsoleRoom } from './console-room.ts'

let room: ConsoleRoom
let end: (() => Promise<void>) | undefined
beforeAll(async () => {
  room = await openConsoleRoom()
  end = await furnishBusy(room.home.portal)
})
afterAll(async () => {
  await room?.close()
  await end?.()
})

const LOGS = '/access/ai-controls/mcp/logs'
const rowsOf = (page: Page) => page.getByRole('table', { name: 'Logs' }).locator('[data-index]')
const said = (drawer: Locator, text: string) => drawer.getByText(text, { exact: true }).waitFor()
const told = (page: Page, text: string) => page.getByRole('main').getByText(text, { exact: true }).waitFor()

/** How many rows the API has for a filter. */
async function countOf(filter: string): Promise<number> {
  const path = `/access/ai-controls/mcp/logs?phase=ended&limit=1000&${filter}`
  return (await room.home.portal.api<unknown[]>('GET', path)).body.result.length
}

test('rows are filtered by chips and words, and the address says how', async () => {
  const { page, complaints } = await room.open('/logs')
  await rowsOf(page).filter({ hasText: 'ledger_count' }).first().waitFor()
  expect(await faultsEverywhere(page, 'console-logs')).toEqual([])
  await page.setViewportSize({ width: 1280, height: 900 })

  await page.getByRole('button', { name: 'New filter' }).click()
  await page.getByLabel('Filter by').selectOption('Who')
  await page.getByRole('combobox', { name: 'Is exactly' }).fill('CONTRACTOR')
  await page.getByRole('option', { name: /^bob@contractor\.test/ }).waitFor()
  await expect.poll(() => page.getByRole('listbox').getByRole('option').count()).toBe(1)
  expect(await faultsEverywhere(page, 'console-logs-filter')).toEqual([])
  await page.setViewportSize({ width: 1280, height: 900 })
  await page.getByRole('combobox', { name: 'Is exactly' }).focus()
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Enter')
  await page.waitForURL(/[?&]actor=bob%40contractor\.test/)
  await told(page, `${await countOf('actor=bob@contractor.test')} rows`)
  await page.getByRole('searchbox').fill('BURN ledger')
  await page.waitForURL(/[?&]q=BURN%20ledger/)
  await told(page, '1 row')
  await page.getByRole('button', { name: 'Remove the filter Who' }).click()
  await told(page, '2 rows')
  await page.reload()
  await told(page, '2 rows')
  expect(await page.getByRole('searchbox').inputValue()).toBe('BURN ledger')
  await page.getByRole('searchbox').fill('%_nobody says this')
  await page.getByText('No row matches').waitFor()
  await page.getByText('Filtered by Words: %_nobody says this.').waitFor()
  expect(await faultsEverywhere(page, 'console-logs-none')).toEqual([])
  await page.setViewportSize({ width: 1280, height: 900 })
  await page.getByRole('button', { name: 'Remove all filters' }).click()
  await page.waitForURL((url) => url.search === '')
  await rowsOf(page).first().waitFor()

  const [reason] = (await room.home.portal.api<{ value: string }[]>('GET', `${LOGS}/values?of=error&find=OFFER`)).body
    .result
  await page.getByRole('button', { name: 'New filter' }).click()
  await page.getByLabel('Filter by').selectOption('Reason')
  await page.getByRole('combobox', { name: 'Is exactly' }).fill(reason?.value ?? '')
  await page.getByRole('button', { name: 'Filter', exact: true }).click()
  await told(page, `${await countOf(`error=${reason?.value}`)} rows`)
  const chip = page.getByText(/^Reason: /)
  // Its value is there to be read, and not cut off.
  expect(await chip.evaluate((one) => [one.scrollWidth - one.clientWidth, one.textContent])).toEqual([
    0,
    `Reason: ${reason?.value}`,
  ])
  await page.getByRole('button', { name: 'New filter' }).click()
  await page.getByLabel('Filter by').selectOption('Outcome')
  await page.getByRole('combobox', { name: 'Is exactly' }).selectOption('Refused')
  await page.getByRole('button', { name: 'Filter', exact: true }).click()
  await page.waitForURL(/outcome=refused/)
  await page.getByRole('button', { name: 'Remove all filters' }).click()
  expect(complaints).toEqual([])
})

test('the time is a stretch back from now or lies between two times as they are here, and the address has it', async () => {
  const { page, complaints } = await room.open('/logs?plane=mcp')
  const all = await countOf('plane=mcp')
  await told(page, `${all} rows`)
  const time = page.getByRole('combobox', { name: 'Time' })
  await time.selectOption('Last 15 minutes')
  await page.waitForURL(/range=15m/)
  await told(page, `${all} rows`)
  await time.selectOption('Between two times')
  await page.waitForURL(/since=.+&until=/)
  const zone = (await page.evaluate('Intl.DateTimeFormat().resolvedOptions().timeZone')) as string
  const from = page.getByLabel(`From (${zone})`)
  await from.fill('2026-01-02T03:04:05')
  const asHere = (await page.evaluate("new Date('2026-01-02T03:04:05').toISOString()")) as string
  await page.waitForURL((url) => url.searchParams.get('since') === asHere)
  await page.getByLabel(`To (${zone})`).fill('2026-01-02T03:04:06')
  await page.getByText('No row matches').waitFor()
  await page.reload()
  expect(await from.inputValue()).toBe('2026-01-02T03:04:05')
  expect(await faultsEverywhere(page, 'console-logs-between')).toEqual([])
  await page.getByRole('button', { name: 'Remove the filter Until' }).click()
  await told(page, `${all} rows`)
  await page.setViewportSize({ width: 1280, height: 900 })
  await time.selectOption('Any time')
  await page.waitForURL((url) => !/since|until|range/.test(url.search))
  expect(complaints).toEqual([])
})

test('a deed is told whole, by keyboard and by its link, and leads to why it was decided so', async () => {
  const { page, complaints } = await room.open('/logs?capability=ledger_post&actor=bob%40contractor.test')
  await rowsOf(page).first().getByRole('link').focus()
  await page.keyboard.press('Enter')
  const drawer = page.getByRole('dialog', { name: 'One deed' })
  await drawer.getByText('bob@contractor.test').first().waitFor()
  await page.waitForURL(/[?&]deed=/)
  await drawer.getByText(/is not kept in the log/).waitFor()
  expect(await faultsEverywhere(page, 'console-logs-deed')).toEqual([])
  const deed = new URL(page.url()).searchParams.get('deed')
  await page.keyboard.press('Escape')
  await drawer.waitFor({ state: 'detached' })
  await page.goto(`${room.url}/admin/logs?deed=${deed}`)
  await drawer.getByText(String(deed)).waitFor()
  await drawer.getByText('Allowed').waitFor()
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
  await drawer.getByRole('button', { name: 'Copy as curl' }).click()
  const curl = (await page.evaluate('navigator.clipboard.readText()')) as string
  expect(curl).not.toContain('Bearer pt')
  const before = await countOf('capability=ledger_post&client=curl')
  const ACCESS_TOKEN = await room.home.portal.userToken('ada@acme.test')
  const { stdout } = await promisify(execFile)('sh', ['-c', curl], { env: { PATH: process.env.PATH, ACCESS_TOKEN } })
  expect(JSON.parse(stdout)).toMatchObject({ jsonrpc: '2.0', id: 1 })
  expect(await countOf('capability=ledger_post&client=curl')).toBe(before + 1)
  await drawer.getByRole('link', { name: 'Explain this decision' }).click()
  await page.waitForURL(/\/admin\/access\?/)
  const { searchParams } = new URL(page.url())
  expect(Object.fromEntries(searchParams)).toMatchObject({
    ...{ user: 'bob@contractor.test', portal: 'default', name: 'ledger_post' },
  })
  expect(complaints).toEqual([])
})

test('from deed to deed by keyboard and by button, in the order of the list, and a made-up name stays one word for a shell', async () => {
  const evil = `it's $(touch x) "é" \u202e`
  const token = await room.home.portal.userToken('ada@acme.test')
  await ask2026(`${room.url}/mcp`, bearer(token), 'tools/call', { name: evil, arguments: {} })
  const { page, complaints } = await room.open('/logs?actor=ada%40acme.test&plane=mcp')
  const total = await countOf('actor=ada@acme.test&plane=mcp')
  await rowsOf(page).first().click()
  const drawer = page.getByRole('dialog', { name: 'One deed' })
  await said(drawer, `1 of ${total}`)
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
  await drawer.getByRole('button', { name: 'Copy as curl' }).click()
  const curl = (await page.evaluate('navigator.clipboard.readText()')) as string
  expect(curl).toMatch(/^[\x20-\x7e\n]+$/)
  const of = `client=curl&${new URLSearchParams({ capability: evil })}`
  await promisify(execFile)('sh', ['-c', curl], { env: { PATH: process.env.PATH, ACCESS_TOKEN: token } })
  expect(await countOf(of)).toBe(1)
  const at = () => new URL(page.url()).searchParams.get('deed')
  const first = at()
  await page.keyboard.press('j')
  await said(drawer, `2 of ${total}`)
  expect(at()).not.toBe(first)
  await drawer.getByRole('button', { name: 'Older' }).click()
  await said(drawer, `3 of ${total}`)
  await page.keyboard.press('k')
  await drawer.getByRole('button', { name: 'Newer' }).click()
  await said(drawer, `1 of ${total}`)
  await page.keyboard.press('k')
  expect(at()).toBe(first)
  expect(await faultsEverywhere(page, 'console-logs-step')).toEqual([])
  await page.keyboard.press('Escape')
  await drawer.waitFor({ state: 'detached' })
  expect(complaints).toEqual([])
})

test('a view is taken along as a file, and an auditor may', async () => {
  const { page, complaints } = await room.openAs('auditor', '/logs?capability=ledger_count')
  await rowsOf(page).first().waitFor()
  await page.getByRole('button', { name: 'Export' }).click()
  const [file] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('menuitem', { name: 'JSON lines' }).click(),
  ])
  const lines = readFileSync(await file.path(), 'utf8')
    .trimEnd()
    .split('\n')
  expect(lines).toHaveLength(await countOf('capability=ledger_count'))
  for (const line of lines) expect(JSON.parse(line)).toMatchObject({ capability: 'ledger_count', phase: 'ended' })
  expect(file.suggestedFilename()).toMatch(/^audit-[\d-]{10}-.*capability-ledger_count.*\.jsonl$/)
  expect(complaints).toEqual([])
})

test('under load no row is lost and none comes twice, and what is being read stays where it is', async () => {
  const { page, complaints } = await room.open('/logs?live=true&capability=ledger_count')
  await rowsOf(page).first().waitFor()
  const before = await countOf('capability=ledger_count')
  await told(page, `${before} rows`)
  const token = await room.home.portal.userToken('ada@acme.test')
  const client = new Client({ name: 'Busy client', version: '1' })
  const requestInit = { headers: { authorization: `Bearer ${token}` } }
  const transport = new StreamableHTTPClientTransport(new URL(`${room.url}/mcp`), { requestInit })
  await client.connect(transport as Transport)
  const call = (times: number) =>
    Promise.all(Array.from({ length: times }, () => client.callTool({ name: 'ledger_count', arguments: {} })))
  const load = (async () => {
    for (let round = 0; round < 20; round++) await call(10)
  })()
  await rowsOf(page).first().click()
  const drawer = page.getByRole('dialog', { name: 'One deed' })
  await drawer.getByText('ledger_count').first().waitFor()
  await page.keyboard.press('Escape')
  await drawer.waitFor({ state: 'detached' })
  await load
  await told(page, `${before + 200} rows`)
  expect(await countOf('capability=ledger_count')).toBe(before + 200)

  await rowsOf(page).first().hover()
  await page.mouse.wheel(0, 1200)
  const scrolled = () => page.locator('.rows').evaluate((rows) => rows.scrollTop)
  // A wheel scrolls by and by: what is compared below is where it comes to rest.
  await expect.poll(scrolled).toBe(1200)
  const seen = page.getByRole('table', { name: 'Logs' }).locator('[data-index="36"]')
  const read = await seen.innerText()
  await call(12)
  await page.getByRole('button', { name: '12 new rows' }).waitFor()
  expect(await seen.innerText()).toBe(read)
  expect(await scrolled()).toBe(1200)
  expect(await faultsEverywhere(page, 'console-logs-live')).toEqual([])
  await page.getByRole('button', { name: '12 new rows' }).click()
  await told(page, `${before + 212} rows`)
  await client.close()
  expect(complaints).toEqual([])
})

test('where the live log breaks off the page says so, goes on where it was, and nothing is lost or there twice', async () => {
  const { page } = await room.open('/logs?capability=ledger_count&client=Lost%20client')
  await page.getByText('No row matches').waitFor()
  const streams: string[] = []
  let isDown = true
  await page.route('**/logs/stream?*', async (route) => {
    streams.push(new URL(route.request().url()).searchParams.get('after') ?? '')
    const end = 'event: end\nid: 1\ndata: {"why":"closing"}\n\n'
    if (streams.length === 1)
      return route.fulfill({ contentType: 'text/event-stream', body: end.replace('1', streams[0] ?? '') })
    return isDown ? route.abort() : route.continue()
  })
  await page.getByRole('switch', { name: 'Live' }).check()
  await page.getByText('The portal does not answer. Trying again …').waitFor()
  const token = await room.home.portal.userToken('ada@acme.test')
  const _meta = { 'io.modelcontextprotocol/clientInfo': { name: 'Lost client', version: '1' } }
  const call = () =>
    ask2026(`${room.url}/mcp`, bearer(token), 'tools/call', { name: 'ledger_count', arguments: {}, _meta })
  for (let count = 0; count < 3; count++) await call()
  isDown = false
  await told(page, '3 rows')
  await call()
  await told(page, '4 rows')
  expect(await rowsOf(page).count()).toBe(4)
  expect(new Set(streams).size).toBe(1)
})

test('whose role is taken while listening hears no more', async () => {
  const { page } = await room.openAs('auditor', '/logs?live=true')
  await rowsOf(page).first().waitFor()
  await page.getByText('Connecting …').waitFor({ state: 'detached' })
  const roles = (await room.home.portal.api<{ id: string; email?: string }[]>('GET', '/access/roles')).body.result
  const id = roles.find(({ email }) => email === 'auditor@acme.test')?.id
  expect((await room.home.portal.api('DELETE', `/access/roles/${id}`)).status).toBe(200)
  await page
    .getByText(/no role/i)
    .first()
    .waitFor()
})

test('whose session is ended while listening hears no more, and is told so', async () => {
  const { page } = await room.openAs('auditor', '/logs?live=true')
  await rowsOf(page).first().waitFor()
  await page.getByText('Connecting …').waitFor({ state: 'detached' })
  const revoked = await room.home.portal.api('POST', '/access/organizations/revoke_user', {
    email: 'auditor@acme.test',
  })
  expect(revoked.status).toBe(200)
  await page.getByRole('dialog', { name: 'You have been signed out' }).waitFor()
  expect(await faultsEverywhere(page, 'console-logs-signed-out')).toEqual([])
})
