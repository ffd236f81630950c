/** Servers in the console: found by looking, added, synced, renamed, held and approved, by an owner; seen and left alone by an auditor. */
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { faultsEverywhere, type Page } from '../browser.ts'
import { localCertificate } from '../certificate.ts'
import { ADA, signInWithPassword } from '../page-journey.ts'
import { everythingStdio, type HttpPeer, startEverythingHttp, startEverythingSse } from '../peers/servers.ts'
import { startTestPortal } from '../portal.ts'
import { json, legacy, modern, result, type ScriptedServer, startScripted } from '../scripted-server.ts'
import { stdioConfig } from '../stdio-config.ts'
import { startOauthUpstream } from '../support/oauth-upstream/start.ts'
import { type ConsoleRoom, openConsoleRoom } from './console-room.ts'

const MCP = '/access/ai-controls/mcp'
const TOKEN = 's3cret-of-the-ledger'

let room: ConsoleRoom
let everything: HttpPeer
let closed: ScriptedServer
let changing: ScriptedServer
let strange: ScriptedServer
let older: HttpPeer
const tool = { name: 'post', description: 'Posts an entry.', inputSchema: { type: 'object' } }

beforeAll(async () => {
  const list = modern(() => {})
  const old = legacy((_, response) => json(response, {}))
  ;[room, everything, older, strange, closed, changing] = await Promise.all([
    openConsoleRoom(),
    startEverythingHttp(),
    startEverythingSse(),
    startScripted((seen, response, request) => {
      const [, kind] = (request.url ?? '').split('/')
      if (kind === 'old') return old(seen, response, request)
      if (kind === 'moved') response.writeHead(302, { location: 'https://elsewhere.example/mcp' }).end()
      else if (kind === 'down') response.writeHead(503).end('down')
      else response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><h1>Welcome</h1>')
    }),
    startScripted((seen, response, request) =>
      seen.headers.authorization === `Bearer ${TOKEN}` ? list(seen, response, request) : json(response, {}, 401),
    ),
    startScripted((seen, response, request) =>
      seen.body.method === 'tools/list'
        ? json(response, result(seen, { resultType: 'complete', tools: [tool], ttlMs: 0, cacheScope: 'public' }))
        : list(seen, response, request),
    ),
  ])
})
afterAll(async () => {
  await room?.close()
  await Promise.all([everything?.stop(), older?.stop(), strange?.close(), closed?.close(), changing?.close()])
})

/** A server whose certificate nobody vouches for. */
async function startSecure(): Promise<{ url: string; close(): Promise<void> }> {
  const server = createServer({ ...localCertificate }, (_, response) => response.end('{}'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `https://127.0.0.1:${port}/mcp`,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
}

const tab = (page: Page, name: RegExp) => page.getByRole('tab', { name }).click()

/** Names of tools, and what is said of them, as a real client of the default portal has them. */
async function listed(): Promise<Map<string, string | undefined>> {
  const token = await room.home.portal.userToken('client@acme.test')
  const client = new Client({ name: 'journey', version: '1' })
  const url = new URL(`${room.url}/p/default/mcp`)
  await client.connect(
    new StreamableHTTPClientTransport(url, { requestInit: { headers: { authorization: `Bearer ${token}` } } }),
  )
  const { tools } = await client.listTools()
  await client.close()
  return new Map(tools.map(({ name, description }) => [name, description]))
}

test('a server is looked at while its URL is typed, and its tools are there once it is created', async () => {
  const { page, complaints } = await room.open('/servers')
  await page.getByRole('link', { name: 'Add a server' }).click()
  await page.getByRole('textbox', { name: 'URL' }).waitFor()
  expect(await faultsEverywhere(page, 'console-server-new-empty')).toEqual([])
  await page.getByRole('textbox', { name: 'URL' }).fill(everything.url)
  await page.getByText(/It lists \d+ tools/).waitFor()
  expect(await faultsEverywhere(page, 'console-server-new-found')).toEqual([])
  await page.getByRole('textbox', { name: 'Name' }).fill('Everything there is')
  await page.getByRole('textbox', { name: 'Id' }).fill('everything')
  await page.getByRole('button', { name: 'Create the server' }).click()
  await page.waitForURL(`${room.url}/admin/servers/everything`)
  await page.getByText('It answers, and its tools are known.').waitFor()
  await page.getByText('Behind no portal, nobody sees it').waitFor()
  expect(await faultsEverywhere(page, 'console-server-overview')).toEqual([])
  expect([...(await listed()).keys()]).not.toContain('everything_echo')
  await page.getByRole('button', { name: 'Add to the portal' }).click()
  await page.getByText('It is behind these portals').waitFor()
  expect([...(await listed()).keys()]).toContain('everything_echo')
  await tab(page, /^Tools/)
  await page.getByRole('row').filter({ hasText: 'echo' }).first().waitFor()
  expect(await faultsEverywhere(page, 'console-server-tools')).toEqual([])
  await tab(page, /^Prompts/)
  await page.getByRole('table', { name: 'Prompts' }).waitFor()
  expect(complaints).toEqual([])
  await page.close()
})

test('one that wants a token says so, and what is typed for it is never shown again', async () => {
  const { page, complaints } = await room.open('/servers/new')
  await page.getByRole('textbox', { name: 'URL' }).fill(`${closed.origin}/mcp`)
  await page.getByText('it wants a token or a header of its own').waitFor()
  await page.getByLabel('Token', { exact: true }).fill(TOKEN)
  await page.getByRole('button', { name: 'Look again' }).click()
  await page.getByText('It takes this credential.').waitFor()
  expect(await faultsEverywhere(page, 'console-server-new-token')).toEqual([])
  await page.getByRole('textbox', { name: 'Id' }).fill('ledger')
  await page.getByRole('button', { name: 'Create the server' }).click()
  await page.waitForURL(`${room.url}/admin/servers/ledger`)
  await page.getByText('It answers, and its tools are known.').waitFor()
  await tab(page, /Settings/)
  await page.getByLabel('Longest call, in seconds').waitFor()
  expect(await page.content()).not.toContain(TOKEN)
  expect(await faultsEverywhere(page, 'console-server-settings')).toEqual([])
  const longest = page.getByLabel('Longest call, in seconds')
  await longest.fill('30')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByText('Saved.').waitFor()
  const { body } = await room.home.portal.api('GET', `${MCP}/servers/ledger`)
  expect(body.result).toMatchObject({ deadlines: { total_seconds: 30 }, tool_count: 1 })
  expect(complaints).toEqual([])
  await page.close()
})

test('whatever stands at an address, it is said what that is and what to do', async () => {
  const [secure, account] = await Promise.all([startSecure(), startOauthUpstream()])
  const { page } = await room.open('/servers/new')
  const places: readonly (readonly [url: string, says: RegExp])[] = [
    [`${strange.origin}/old/mcp`, /It speaks MCP of 2025-11-25 or earlier, with a handshake/],
    [older.url, /server-sent events, the transport of 2024/],
    [`${strange.origin}/page/mcp`, /not MCP, such as a web page.*Check the path/],
    [`${strange.origin}/moved/mcp`, /HTTP 302, which sends elsewhere.*Give the address that it leads to/],
    [`${strange.origin}/down/mcp`, /HTTP 503: it is there.*See its own log/],
    [account.url, /It wants people to sign in with OAuth, at http/],
    [secure.url, /has to be one that the portal trusts/],
  ]
  for (const [url, says] of places) {
    await page.getByRole('textbox', { name: 'URL' }).fill(url)
    await page.getByText(says).waitFor()
    expect(await faultsEverywhere(page, `console-probe-${places.findIndex(([one]) => one === url)}`)).toEqual([])
  }
  await Promise.all([secure.close(), account.close()])
  await page.getByRole('textbox', { name: 'URL' }).fill('http://10.0.0.5:9000/mcp')
  await page.getByText('Nothing that speaks MCP can be reached at this address').waitFor()
  await page.getByText('allow 10.0.0.5:9000').waitFor()
  await page.close()
})

test('a program is registered by no browser: the refusal shows the command line and the file that do it', async () => {
  const { page, complaints } = await room.open('/servers/new?by=command')
  await page.getByRole('textbox', { name: 'Command' }).fill('npx')
  await page.getByRole('textbox', { name: 'Arguments' }).fill('-y\n@modelcontextprotocol/server-memory@2026.8.31')
  await page.getByRole('textbox', { name: 'Environment' }).fill('SECRET=never-shown')
  await page.getByRole('textbox', { name: 'Id' }).fill('memory')
  await page.getByRole('button', { name: 'Create the server' }).click()
  await page.getByText('A stdio server runs a program on the portal').waitFor()
  await page
    .getByText(
      "portico servers add npx --id memory --env 'SECRET=…' -- npx -y @modelcontextprotocol/server-memory@2026.8.31",
    )
    .waitFor()
  expect(await page.locator('pre, code').allInnerTexts()).not.toContainEqual(expect.stringContaining('never-shown'))
  expect(await faultsEverywhere(page, 'console-server-new-command')).toEqual([])
  expect((await room.home.portal.api('GET', `${MCP}/servers/memory`)).status).toBe(404)
  expect(complaints).toEqual([])
  await page.close()
})

test('where the portal lets its API register programs, the form does, and the program is there', async () => {
  const { command, args } = everythingStdio()
  const dir = await mkdtemp(join(tmpdir(), 'portico-console-'))
  const open = await startTestPortal({
    config: { bootstrap: ADA, stdio: stdioConfig(dir, { register: 'api', commands: [command] }) },
  })
  const page = await room.browser.visitor({ width: 1280 })
  await page.goto(`${open.url}/admin/servers/new?by=command`)
  await signInWithPassword(page, ADA)
  await page.getByRole('textbox', { name: 'Command' }).fill(command)
  await page.getByRole('textbox', { name: 'Arguments' }).fill((args ?? []).join('\n'))
  await page.getByRole('textbox', { name: 'Environment' }).fill('SECRET=never-shown')
  await page.getByRole('textbox', { name: 'Id' }).fill('child')
  await page.getByRole('button', { name: 'Create the server' }).click()
  await page.getByText('It answers, and its tools are known.').waitFor()
  await tab(page, /Credentials/)
  await page.getByRole('textbox', { name: 'Environment' }).fill('SECRET=another')
  await page.getByRole('button', { name: 'Replace it' }).click()
  await page.getByText('The new environment is stored.').waitFor()
  expect(await page.getByRole('textbox', { name: 'Environment' }).inputValue()).toBe('')
  expect(await faultsEverywhere(page, 'console-credentials-environment')).toEqual([])
  await page.close()
  await open.close()
  await rm(dir, { recursive: true })
})

test('the process of a program that was registered on the machine is there to see', async () => {
  const body = {
    id: 'child',
    name: 'child',
    auth_type: 'unauthenticated',
    hostname: 'stdio://child',
    transport: { type: 'stdio', ...everythingStdio() },
  }
  const made = await room.home.portal.api<{ status: string }>('POST', `${MCP}/servers`, body)
  expect(made.body.errors).toEqual([])
  const { page, complaints } = await room.open('/servers/child?tab=processes')
  await page.getByRole('row').filter({ hasText: 'everybody' }).waitFor()
  expect(await faultsEverywhere(page, 'console-server-processes')).toEqual([])
  expect(complaints).toEqual([])
  await page.close()
})

test('a tool that changed is held with what changed, and a client has it once it is approved; renamed, the client has the new name', async () => {
  const { portal } = room.home
  await portal.api('POST', `${MCP}/servers`, {
    id: 'books',
    name: 'Books',
    auth_type: 'unauthenticated',
    hostname: `${changing.origin}/mcp`,
  })
  const rows = ['handbook', 'books'].map((server_id) => ({ server_id }))
  await portal.api('PUT', `${MCP}/portals/default`, { servers: rows })
  expect((await listed()).get('books_post')).toBe('Posts an entry.')
  tool.description = 'Posts an entry, and tells everybody.'
  const { page, complaints } = await room.open('/servers/books')
  await page.getByRole('button', { name: 'Sync now' }).click()
  await page.getByRole('tab', { name: 'Held definitions (1)' }).click()
  await page.getByText('Posts an entry, and tells everybody.').waitFor()
  expect(await faultsEverywhere(page, 'console-server-held')).toEqual([])
  expect((await listed()).get('books_post')).not.toBe('Posts an entry, and tells everybody.')
  await page.getByLabel('Choose post').check()
  await page.getByRole('button', { name: 'Approve 1' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Approve 1' }).click()
  await page.getByText('Nothing is held').waitFor()
  await expect
    .poll(async () => (await listed()).get('books_post'), { timeout: 20_000 })
    .toBe('Posts an entry, and tells everybody.')

  await tab(page, /^Tools/)
  await page.getByRole('row').filter({ hasText: 'post' }).click()
  await page.getByLabel('Name for clients').fill('write-entry')
  expect(await faultsEverywhere(page, 'console-server-tool')).toEqual([])
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByRole('row').filter({ hasText: 'write-entry' }).waitFor()
  await expect.poll(async () => [...(await listed()).keys()], { timeout: 20_000 }).toContain('books_write-entry')
  expect(complaints).toEqual([])
  await page.close()
})

test('a row is a link: it opens in a new tab where the mouse asks for one, wherever it is pressed', async () => {
  const { page } = await room.open('/servers')
  const row = page.getByRole('row').filter({ hasText: 'handbook' })
  expect(await row.getByRole('link').getAttribute('href')).toBe('/admin/servers/handbook')
  const opened = page.context().waitForEvent('page')
  await row
    .getByRole('cell')
    .last()
    .click({ modifiers: ['ControlOrMeta'] })
  await (await opened).waitForURL(`${room.url}/admin/servers/handbook`)
  expect(new URL(page.url()).pathname).toBe('/admin/servers')
  await page.close()
})

test('the list is narrowed by a text and a status, which the address keeps', async () => {
  const { page } = await room.open('/servers?q=hand')
  await page.getByRole('row').filter({ hasText: 'handbook' }).waitFor()
  expect(await page.getByRole('row').filter({ hasText: 'Books' }).count()).toBe(0)
  await page.getByLabel('Status').selectOption('error')
  await page.getByText('Nothing matches.').waitFor()
  expect(page.url()).toBe(`${room.url}/admin/servers?q=hand&status=error`)
  await page.close()
})

test('an auditor sees everything and can change nothing', async () => {
  const { page, complaints } = await room.openAs('auditor', '/servers/handbook')
  await page.getByText('It answers, and its tools are known.').waitFor()
  for (const name of ['Sync now', 'Delete']) expect(await page.getByRole('button', { name }).count()).toBe(0)
  await tab(page, /^Tools/)
  await page.getByRole('row').filter({ hasText: 'echo' }).click()
  await page.getByText('it lacks servers:write').waitFor()
  expect(await page.getByLabel('Name for clients').isDisabled()).toBe(true)
  expect(await page.getByRole('dialog').getByRole('button', { name: 'Save' }).count()).toBe(0)
  await page.keyboard.press('Escape')
  await tab(page, /Settings/)
  expect(await page.getByRole('textbox', { name: 'Name' }).isDisabled()).toBe(true)
  expect(await page.getByRole('button', { name: 'Save' }).count()).toBe(0)
  expect(await faultsEverywhere(page, 'console-server-auditor')).toEqual([])
  await page.goto(`${room.url}/admin/servers/new`)
  await page.getByText('it lacks servers:write').waitFor()
  expect(complaints).toEqual([])
  await page.close()
})

test('a deed that fails says why, and a server is deleted once that is confirmed', async () => {
  const { portal } = room.home
  const create = () =>
    portal.api('POST', `${MCP}/servers`, {
      id: 'brief',
      name: 'Brief',
      auth_type: 'unauthenticated',
      hostname: `${changing.origin}/mcp?brief`,
    })
  expect((await create()).body.errors).toEqual([])
  const { page } = await room.open('/servers/brief')
  await page.getByRole('button', { name: 'Sync now' }).waitFor()
  await portal.api('DELETE', `${MCP}/servers/brief`)
  await page.getByRole('button', { name: 'Sync now' }).click()
  await page.getByRole('alert').filter({ hasText: 'There is no' }).waitFor()
  await create()
  await page.getByRole('button', { name: 'Delete' }).click()
  expect(await faultsEverywhere(page, 'console-server-delete')).toEqual([])
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
  await page.waitForURL(`${room.url}/admin/servers`)
  expect((await portal.api('GET', `${MCP}/servers/brief`)).status).toBe(404)
  await page.close()
})
