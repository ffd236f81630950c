/** Portals in the console: what is offered through one is changed while a real client is connected, and who may only look changes nothing. */
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { faultsEverywhere, type Page } from '../browser.ts'
import { ADA, signInWithPassword } from '../page-journey.ts'
import { type Ledger, startLedger } from '../peers/ledger.ts'
import { startTestPortal, type TestPortal } from '../portal.ts'
import { type ConsoleRoom, openConsoleRoom } from './console-room.ts'

const MCP = '/access/ai-controls/mcp'
const DECLARED = {
  portals: [{ id: 'declared', name: 'Declared', hostname: 'declared.localhost' }],
  servers: [],
  policies: [],
}

let room: ConsoleRoom
let ledger: Ledger
const clients: Client[] = []
const others: TestPortal[] = []
beforeAll(async () => {
  ;[room, ledger] = await Promise.all([openConsoleRoom(), startLedger()])
  await must('POST', `${MCP}/servers`, {
    ...{ id: 'ledger', name: 'Ledger', hostname: ledger.url, auth_type: 'unauthenticated' },
  })
  await must('POST', `${MCP}/servers/ledger/sync`)
  await must('PUT', `${MCP}/portals/default`, { servers: [{ server_id: 'handbook' }, { server_id: 'ledger' }] })
})
afterAll(async () => {
  for (const client of clients) await client.close()
  for (const portal of others) await portal.close()
  await room?.close()
  await ledger?.stop()
})

async function must<T>(method: string, path: string, body?: unknown): Promise<T> {
  const answer = await room.home.portal.api<T>(method, path, body)
  if (!answer.body.success) throw new Error(`${method} ${path}: ${JSON.stringify(answer.body)}`)
  return answer.body.result
}

interface Connected {
  client: Client
  /** How often it heard that its list changed. */
  told(): number
  names(): Promise<string[]>
}

async function connect(email: string): Promise<Connected> {
  let told = 0
  const client = new Client({ name: 'curious', version: '1' }, { versionNegotiation: { mode: 'legacy' } })
  client.setNotificationHandler('notifications/tools/list_changed', () => {
    told++
  })
  const headers = { authorization: `Bearer ${await room.home.portal.userToken(email)}` }
  await client.connect(new StreamableHTTPClientTransport(new URL(`${room.url}/mcp`), { requestInit: { headers } }))
  clients.push(client)
  const names = async () => (await client.listTools()).tools.map(({ name }) => name)
  return { client, told: () => told, names }
}

const TOOLS = '/portals/default?tab=tools'
const rowOf = (page: Page, name: string) => page.getByRole('row').filter({ hasText: name })

describe('what a portal offers', () => {
  test('a tool that is turned off is gone from a connected client, which hears of it; another gets a new name', async () => {
    const { client, told, names } = await connect('ada@acme.test')
    expect(await names()).toEqual(expect.arrayContaining(['ledger_post', 'ledger_count', 'handbook_echo']))
    const { page, complaints } = await room.open(TOOLS)
    await rowOf(page, 'ledger_post').waitFor()
    expect(await faultsEverywhere(page, 'console-portal-tools')).toEqual([])
    await page.setViewportSize({ width: 1280, height: 900 })

    // A switch that is drawn by its label: the label is what is pressed.
    await page.getByRole('switch', { name: 'Offer ledger_post' }).press('Space')
    await expect.poll(names, { timeout: 30_000 }).not.toContain('ledger_post')
    await expect.poll(told, { timeout: 30_000 }).toBeGreaterThan(0)
    const call = client.callTool({ name: 'ledger_post', arguments: { entry: 'no' } })
    await expect(call).rejects.toThrow()
    expect(ledger.posted).toEqual([])

    await page.getByRole('button', { name: 'Change ledger_count' }).click()
    const dialog = page.getByRole('dialog', { name: 'ledger_count' })
    await dialog.getByText('Counts entries.').waitFor()
    expect(await faultsEverywhere(page, 'console-portal-tool')).toEqual([])
    await page.setViewportSize({ width: 1280, height: 900 })
    await dialog.getByLabel('Name').fill('tally')
    await dialog.getByText('Clients see ledger_tally').waitFor()
    await dialog.getByLabel('Description').fill('How many there are.')
    await dialog.getByRole('button', { name: 'Save' }).click()
    await dialog.waitFor({ state: 'detached' })
    await expect.poll(names, { timeout: 30_000 }).toContain('ledger_tally')
    const { tools } = await client.listTools()
    expect(tools.find(({ name }) => name === 'ledger_tally')?.description).toBe('How many there are.')
    expect(complaints).toEqual([])
  })

  test('all that a search finds is turned off and on at once, after a question', async () => {
    const { names } = await connect('bob@acme.test')
    const { page } = await room.open(`${TOOLS}&find=handbook`)
    await page.getByRole('button', { name: 'Turn off 1' }).click()
    const dialog = page.getByRole('dialog', { name: 'Turn off 1' })
    await dialog.getByText('disappear from every client').waitFor()
    await dialog.getByRole('button', { name: 'Turn off 1' }).click()
    await dialog.waitFor({ state: 'detached' })
    await expect.poll(names, { timeout: 30_000 }).not.toContain('handbook_echo')
    await page.getByRole('button', { name: 'Turn on 1' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Turn on 1' }).click()
    await expect.poll(names, { timeout: 30_000 }).toContain('handbook_echo')
    // What holds anyway is not said: a later change at the server is not shut out.
    const { servers } = await must<{ servers: { server_id: string; updated_tools?: unknown[] }[] }>(
      'GET',
      `${MCP}/portals/default`,
    )
    expect(servers.find(({ server_id }) => server_id === 'handbook')?.updated_tools).toEqual([])
  })

  test('servers are put in another order, taken out and put in again', async () => {
    const { page, complaints } = await room.open('/portals/default?tab=servers')
    const order = async () =>
      (await must<{ servers: { server_id: string }[] }>('GET', `${MCP}/portals/default`)).servers.map(
        ({ server_id }) => server_id,
      )
    await page.getByRole('button', { name: 'Move Ledger up' }).click()
    await expect.poll(order, { timeout: 30_000 }).toEqual(['ledger', 'handbook'])
    expect(await faultsEverywhere(page, 'console-portal-servers')).toEqual([])
    await page.setViewportSize({ width: 1280, height: 900 })
    await page.getByRole('button', { name: 'Take out handbook' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Take out', exact: true }).click()
    await expect.poll(order, { timeout: 30_000 }).toEqual(['ledger'])
    await page.getByRole('combobox', { name: 'Server to add' }).click()
    await page.getByRole('option', { name: 'handbook' }).click()
    await page.getByRole('button', { name: 'Add', exact: true }).click()
    await expect.poll(order, { timeout: 30_000 }).toEqual(['ledger', 'handbook'])
    await page.getByText('All servers are in this portal.').waitFor()
    expect(complaints).toEqual([])
  })
})

test('how much a model is shown is chosen, and what that costs is measured', async () => {
  const { page, complaints } = await room.open('/portals/default?tab=context')
  await page.getByRole('radio', { name: 'Search and call' }).check()
  await page.getByRole('button', { name: 'Save' }).click()
  const mode = async () => (await must<{ optimize_context: string }>('GET', `${MCP}/portals/default`)).optimize_context
  await expect.poll(mode, { timeout: 30_000 }).toBe('search_and_execute')
  await page.getByRole('button', { name: 'Measure' }).click()
  const usual = page.getByRole('row').filter({ hasText: 'what clients get' })
  await usual.waitFor()
  expect(await usual.innerText()).toContain('Search and call')
  expect(await faultsEverywhere(page, 'console-portal-context')).toEqual([])
  await must('PUT', `${MCP}/portals/default`, { optimize_context: 'off' })
  expect(complaints).toEqual([])
})

test('a portal is renamed, limited, and deleted after a question; what the server refuses is told at its field', async () => {
  await must('POST', `${MCP}/portals`, { id: 'labs', name: 'Labs', hostname: 'labs.localhost' })
  const { page, complaints } = await room.open('/portals/labs?tab=settings')
  await page.getByLabel('Hostname').fill('http://labs')
  await page.getByLabel('Name', { exact: false }).first().fill('Laboratory')
  await page.getByRole('button', { name: 'Add a limit' }).click()
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByText('give a host name such as').first().waitFor()
  expect(await faultsEverywhere(page, 'console-portal-settings')).toEqual([])
  await page.setViewportSize({ width: 1280, height: 900 })
  await page.getByLabel('Hostname').fill('laboratory.localhost')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByRole('heading', { level: 1, name: 'Laboratory' }).waitFor()
  expect(await must('GET', `${MCP}/portals/labs`)).toMatchObject({
    ...{ name: 'Laboratory', hostname: 'laboratory.localhost' },
    limits: [{ per: 'principal', calls: 60, window: '1m' }],
  })
  await page.getByRole('button', { name: 'Delete the portal' }).click()
  await page.getByRole('dialog').getByText('stops working at once').waitFor()
  await page.getByRole('dialog').getByRole('button', { name: 'Delete the portal' }).click()
  await page.waitForURL(`${room.url}/admin/portals`)
  await rowOf(page, 'Team tools').waitFor()
  expect(await rowOf(page, 'Laboratory').count()).toBe(0)
  expect(await faultsEverywhere(page, 'console-portals')).toEqual([])
  await page.goto(`${room.url}/admin/portals/labs`)
  await page.getByRole('heading', { name: 'There is no such portal' }).first().waitFor()
  expect(complaints).toEqual([])
})

test('what the configuration file declares says so, and has nothing to change', async () => {
  const portal = await startTestPortal({ config: { bootstrap: ADA, declared: DECLARED } })
  others.push(portal)
  const page = await room.browser.visitor({ width: 1280 })
  await page.goto(`${portal.url}/admin/portals/declared?tab=settings`)
  await signInWithPassword(page)
  await page.getByText('It can be changed there, and nowhere else').waitFor()
  await page.getByText('Managed by the config file').waitFor()
  expect(await page.getByRole('button', { name: /Save|Delete/ }).count()).toBe(0)
  expect(await page.getByLabel('Hostname').getAttribute('readonly')).not.toBeNull()
  expect(await faultsEverywhere(page, 'console-portal-declared')).toEqual([])
})

test('an auditor reads it all and can change nothing', async () => {
  const { page, complaints } = await room.openAs('auditor', TOOLS)
  await page.getByText('Your role may look at this').waitFor()
  await rowOf(page, 'handbook_echo').waitFor()
  for (const control of await page.getByRole('switch').all()) expect(await control.isDisabled()).toBe(true)
  expect(await page.getByRole('button', { name: /^Turn (on|off)/, disabled: false }).count()).toBe(0)
  await page.getByRole('tab', { name: 'Settings' }).click()
  await page.waitForURL(`${room.url}/admin/portals/default?tab=settings`)
  await page.getByLabel('Hostname').waitFor()
  expect(await page.getByRole('button', { name: /Save|Delete|Add a limit/ }).count()).toBe(0)
  expect(await faultsEverywhere(page, 'console-portal-auditor')).toEqual([])
  await page.goto(`${room.url}/admin/portals`)
  await rowOf(page, 'Team tools').waitFor()
  expect(await page.getByRole('link', { name: 'New portal' }).count()).toBe(0)
  expect(complaints).toEqual([])
})
