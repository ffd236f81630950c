/** The page for servers in a real browser, from the link in a client to the list that changes: by keyboard, without script. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { faultsEverywhere, openBrowser, type Page, type TestBrowser } from '../browser.ts'
import { letIn, registerClient } from '../oauth-client.ts'
import { type Ledger, startLedger } from '../peers/ledger.ts'
import { Person } from '../person.ts'
import { startTestPortal, type TestPortal } from '../portal.ts'
import { ask2026, bearer, messageOf } from '../raw-mcp.ts'

const ADA = { email: 'ada@acme.test', password: 'correct horse battery staple' }
const MCP = '/access/ai-controls/mcp'
/** What a client may call itself: it must stay text, and stay where it stands. */
const CLIENT = 'Tricky\u202e <b>client</b>'

let portal: TestPortal
let browser: TestBrowser
let servers: Ledger[]
let token: string

beforeAll(async () => {
  servers = await Promise.all([startLedger(), startLedger()])
  portal = await startTestPortal({ config: { bootstrap: ADA } })
  await portal.furnish(['ledger', 'wiki'].map((id, i) => ({ id, url: servers[i]?.url ?? '' })))
  const client = await registerClient(portal.url, { client_name: CLIENT })
  token = (await letIn(new Person(portal.url), client, ADA)).tokens.access_token
  await call('portal_list_servers')
  browser = await openBrowser()
})
afterAll(async () => {
  await browser?.close()
  await portal?.close()
  for (const server of servers ?? []) await server.stop()
})

async function call(name: string) {
  const clientInfo = { 'io.modelcontextprotocol/clientInfo': { name: CLIENT, version: '1' } }
  const params = { name, arguments: {}, _meta: clientInfo }
  return messageOf(await ask2026(`${portal.url}/mcp`, bearer(token), 'tools/call', params)).result
}

async function link(): Promise<string> {
  const { structuredContent } = (await call('portal_toggle_servers')) as { structuredContent: { url: string } }
  return structuredContent.url
}

const tools = async () =>
  JSON.stringify(messageOf(await ask2026(`${portal.url}/mcp`, bearer(token), 'tools/list')).result)

/** Opens a link as somebody who is not signed in yet. */
async function openSignedOut(page: Page, url: string): Promise<void> {
  await page.goto(url)
  const form = page.locator('form[action="/sign-in/local"]')
  await form.getByLabel('Address').fill(ADA.email)
  await form.getByLabel('Password').fill(ADA.password)
  await form.getByRole('button', { name: 'Sign in' }).click()
  await page.waitForURL(url)
}

test('a person who is not signed in opens the link, signs in, and switches a server off by keyboard, without script', async () => {
  const page = await browser.visitor({ script: false })
  await openSignedOut(page, await link())
  const ledger = page.getByRole('switch', { name: 'ledger' })
  expect(await ledger.isChecked()).toBe(true)
  await ledger.focus()
  await page.keyboard.press('Space')
  expect(await ledger.isChecked()).toBe(false)
  await page.keyboard.press('Tab')
  await page.keyboard.press('Tab')
  expect(await page.getByRole('button', { name: 'Save' }).evaluate((one) => one.matches(':focus'))).toBe(true)
  await page.keyboard.press('Enter')
  await page.getByRole('status').waitFor()
  expect(await page.getByRole('status').innerText()).toContain('Switched off: ledger.')
  expect(await page.getByRole('switch', { name: 'ledger' }).isChecked()).toBe(false)
  expect(await page.getByRole('switch', { name: 'wiki' }).isChecked()).toBe(true)
  expect(await tools()).not.toContain('ledger_post')

  await page.getByRole('switch', { name: 'ledger' }).check()
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByText('Switched on: ledger.').waitFor()
  expect(await tools()).toContain('ledger_post')
})

test('every state of the page is readable by everyone: new, down, saved, over', async () => {
  const third = await startLedger()
  servers.push(third)
  const added = { id: 'new', name: 'A server with a long name that has to find its place', hostname: third.url }
  await portal.api('POST', `${MCP}/servers`, { ...added, auth_type: 'unauthenticated' })
  const all = ['ledger', 'wiki', 'new'].map((id) => ({ server_id: id }))
  await portal.api('PUT', `${MCP}/portals/default`, { servers: all })
  await servers[1]?.stop()
  await portal.api('POST', `${MCP}/servers/wiki/sync`)

  const page = await browser.visitor()
  await openSignedOut(page, await link())
  const text = await page.locator('main').innerText()
  expect(text).toContain('“Tricky\\u{202e} <b>client</b>”')
  expect(await page.locator('.tag').allInnerTexts()).toEqual(['down', 'new'])
  expect(text).toContain('wiki cannot be reached: ')
  const faults = await faultsEverywhere(page, 'servers')
  await page.getByRole('switch', { name: 'wiki' }).uncheck()
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByRole('status').waitFor()
  faults.push(...(await faultsEverywhere(page, 'servers-saved')))
  await page.goto(`${portal.url}/authorize?elicitationId=${'A'.repeat(43)}`)
  expect(await page.getByRole('heading', { level: 1 }).innerText()).toBe('This link is over, or not yours')
  faults.push(...(await faultsEverywhere(page, 'servers-over')))
  expect(faults).toEqual([])
})
