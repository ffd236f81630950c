/** From an empty portal to the first call of a real client, through the console: the owner sees it arrive. */
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { faultsEverywhere } from '../browser.ts'
import { type Ledger, startLedger } from '../peers/ledger.ts'
import { type ConsoleRoom, openConsoleRoom } from './console-room.ts'

let room: ConsoleRoom
let ledger: Ledger
const clients: Client[] = []
beforeAll(async () => {
  ;[room, ledger] = await Promise.all([openConsoleRoom(), startLedger()])
  const { portal } = room.home
  await portal.api('POST', '/access/ai-controls/mcp/servers', {
    ...{ id: 'ledger', name: 'Ledger', hostname: ledger.url, auth_type: 'unauthenticated' },
  })
  await portal.api('POST', '/access/ai-controls/mcp/servers/ledger/sync')
  await portal.api('POST', '/access/policies', {
    ...{ name: 'Everybody', decision: 'allow', include: [{ everyone: {} }] },
  })
})
afterAll(async () => {
  for (const client of clients) await client.close()
  await room?.close()
  await ledger?.stop()
})

async function connect(url: string, token: string): Promise<Client> {
  const client = new Client({ name: 'first-client', version: '3.2.1' })
  const headers = { authorization: `Bearer ${token}` }
  await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }))
  clients.push(client)
  return client
}

test('a new portal waits for its first client, turns green when one comes, and shows its first call', async () => {
  const { page, complaints } = await room.open('/portals/new')
  expect(await faultsEverywhere(page, 'console-portal-new')).toEqual([])
  await page.getByLabel('Name', { exact: false }).first().fill('Finance tools')
  expect(await page.getByLabel('Id', { exact: false }).first().inputValue()).toBe('finance-tools')
  expect(await page.getByLabel('Hostname', { exact: false }).first().inputValue()).toBe('finance-tools.localhost')
  await page.getByRole('combobox', { name: /^Servers/ }).click()
  await page.getByRole('option', { name: 'Ledger (ledger)' }).click()
  await page.keyboard.press('Escape')
  await page.getByRole('combobox', { name: /^Policies/ }).click()
  await page
    .getByRole('option', { name: /^Everybody/ })
    .first()
    .click()
  await page.keyboard.press('Escape')
  await page.getByRole('button', { name: 'Create the portal' }).click()

  await page.waitForURL(`${room.url}/admin/portals/finance-tools`)
  await page.getByText('Waiting for the first connection').waitFor()
  expect(await faultsEverywhere(page, 'console-portal-waiting')).toEqual([])
  const address = `${room.url}/p/finance-tools/mcp`
  await page.getByText(address, { exact: true }).first().waitFor()
  await page.getByText(`claude mcp add --transport http finance-tools ${address}`).waitFor()

  const client = await connect(address, await room.home.portal.userToken('ada@acme.test', 'finance-tools'))
  await page.getByText('Connected', { exact: true }).waitFor()
  await client.callTool({ name: 'ledger_post', arguments: { entry: 'first' } })
  expect(ledger.posted).toEqual(['first'])
  const lately = page.getByRole('list', { name: 'Asked lately' })
  const call = lately.getByRole('listitem').filter({ hasText: 'ledger_post' })
  await call.waitFor()
  expect(await call.innerText()).toContain('first-client 3.2.1, for ada@acme.test')
  expect(await faultsEverywhere(page, 'console-portal-connected')).toEqual([])
  expect(complaints).toEqual([])
})
