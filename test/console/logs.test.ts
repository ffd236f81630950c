/** The log in a real browser: filters, one deed, files, and rows that come while it is being read. */
import { readFileSync } from 'node:fs'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { faultsEverywhere, type Page } from '../browser.ts'
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

const rowsOf = (page: Page) => page.getByRole('table', { name: 'Logs' }).locator('[data-index]')
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
  await page.getByLabel('Is exactly').fill('bob@contractor.test')
  expect(await faultsEverywhere(page, 'console-logs-filter')).toEqual([])
  await page.setViewportSize({ width: 1280, height: 900 })
  await page.getByRole('button', { name: 'Filter', exact: true }).click()
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
  expect(await faultsEverywhere(page, 'console-logs-none')).toEqual([])
  expect(complaints).toEqual([])
})

test('a deed is told whole, by keyboard and by its link, and leads to why it was decided so', async () => {
  const { page, complaints } = await room.open('/logs?capability=ledger_post&actor=bob%40contractor.test')
  await rowsOf(page).first().getByRole('link').focus()
  await page.keyboard.press('Enter')
  const drawer = page.getByRole('dialog', { name: 'One deed' })
  await drawer.getByText('bob@contractor.test').first().waitFor()
  await page.waitForURL(/[?&]deed=/)
  expect(await faultsEverywhere(page, 'console-logs-deed')).toEqual([])
  const deed = new URL(page.url()).searchParams.get('deed')
  await page.keyboard.press('Escape')
  await drawer.waitFor({ state: 'detached' })
  await page.goto(`${room.url}/admin/logs?deed=${deed}`)
  await drawer.getByText(String(deed)).waitFor()
  await drawer.getByText('Allowed').waitFor()
  await drawer.getByRole('link', { name: 'Explain this decision' }).click()
  await page.waitForURL(/\/admin\/access\?/)
  const { searchParams } = new URL(page.url())
  expect(Object.fromEntries(searchParams)).toMatchObject({
    ...{ user: 'bob@contractor.test', portal: 'default', name: 'ledger_post' },
  })
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
  expect(file.suggestedFilename()).toBe('audit.jsonl')
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
