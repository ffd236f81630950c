/** What servers, clients, providers, people and admins write stands in the console as text, whatever it is: thirty payloads in every field. */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { route } from '../../src/http/urls.ts'
import type { Page } from '../browser.ts'
import { registerClient } from '../oauth-client.ts'
import { ask2026, bearer, send } from '../raw-mcp.ts'
import { json, modern, result, type ScriptedServer, startScripted } from '../scripted-server.ts'
import { everyGet } from '../support/every-get.ts'
import { type ConsoleRoom, openConsoleRoom } from './console-room.ts'
import { CONSOLE_PAGES } from './pages.ts'
import { inTexts, PAYLOADS } from './payloads.ts'

const MCP = '/access/ai-controls/mcp'
const ALL = PAYLOADS.join(' ')
const NAMES = inTexts(340)
const SHORT = inTexts(500)
/** Nobody answers there; a picture would be asked for in vain, and that it was asked for is what counts. */
const TRACKER = 'https://tracker.invalid/x.png'

let room: ConsoleRoom
let server: ScriptedServer
let paths: string[]
const authorizations: string[] = []

/** Everything that a definition can say to people. */
const tools = PAYLOADS.map((payload, at) => ({
  name: `tool_${at}`,
  title: payload,
  description: `${payload} ${ALL}`,
  inputSchema: { type: 'object', properties: { [payload]: { type: 'string', description: payload, title: payload } } },
  annotations: { title: payload },
  icons: [
    { src: TRACKER, mimeType: 'image/png' },
    { src: `data:image/svg+xml,${encodeURIComponent(PAYLOADS[2] ?? '')}` },
  ],
}))

beforeAll(async () => {
  room = await openConsoleRoom()
  server = await startScripted(
    modern(
      (seen, response) => {
        const error = { code: -32000, message: ALL, data: { html: ALL } }
        if (seen.body.method === 'tools/call')
          return json(response, { jsonrpc: '2.0', id: seen.body.id ?? null, error })
        const prompts = PAYLOADS.map((payload, at) => ({ name: `prompt_${at}`, title: payload, description: payload }))
        if (seen.body.method === 'prompts/list')
          return json(response, result(seen, { resultType: 'complete', prompts, ttlMs: 0, cacheScope: 'public' }))
        return json(response, result(seen, { resultType: 'complete' }))
      },
      { tools: {}, prompts: {} },
    ),
  )
  const own = server.script
  server.script = (seen, response, request) => {
    if (seen.body.method !== 'tools/list') return own(seen, response, request)
    return json(response, result(seen, { resultType: 'complete', tools, ttlMs: 0, cacheScope: 'public' }))
  }
  paths = await plant()
})
afterAll(async () => {
  await room?.close()
  await server?.close()
})

async function must<T = { id: string }>(method: string, path: string, body: unknown): Promise<T> {
  const answer = await room.home.portal.api<T>(method, path, body)
  if (!answer.body.success) throw new Error(`${method} ${path}: ${JSON.stringify(answer.body.errors).slice(0, 500)}`)
  return answer.body.result
}

/** @returns paths of the pages that show single objects */
async function plant(): Promise<string[]> {
  const { portal } = room.home
  const more: string[] = []
  await must('PUT', '/access/organizations', { name: NAMES[0]?.slice(0, 200) })
  for (const [at, name] of NAMES.entries()) {
    const id = `evil${at}`
    await must('POST', `${MCP}/servers`, {
      ...{ id, name, hostname: `${server.origin}/mcp`, auth_type: 'unauthenticated' },
      description: SHORT[at],
    })
    await must('POST', `${MCP}/portals`, { id, name, hostname: `evil${at}.acme.test`, description: SHORT[at] })
    await must('POST', '/access/service_tokens', { name })
    await must('POST', '/tokens/api', { name, role: 'auditor' })
    await must('POST', '/webhooks', { name, url: 'https://hooks.acme.test/x', enabled: false })
    const group = await must('POST', '/access/groups', { name, include: [{ everyone: {} }] })
    const policy = await must('POST', '/access/policies', {
      name,
      decision: 'deny',
      include: [{ group: { id: group.id } }],
    })
    more.push(`/policies/${policy.id}`, `/groups/${group.id}`, `/portals/${id}?tab=settings`)
    const client = await registerClient(portal.url, { client_name: name, client_uri: 'https://client.test' })
    authorizations.push(client.authorizeUrl({ resource: `${portal.url}/mcp` }).url)
  }
  await portal.api('POST', `${MCP}/servers/evil0/sync`)
  more.push('/servers/evil0', '/servers/evil0?tab=tools', '/servers/evil0?tab=prompts', '/servers/evil0?tab=held')
  await must('PUT', `${MCP}/portals/default`, { servers: [{ server_id: 'handbook' }, { server_id: 'evil0' }] })
  more.push('/portals/default?tab=tools')
  const caller = bearer(await portal.userToken('ada@acme.test'))
  for (const payload of PAYLOADS)
    await ask2026(`${portal.url}/mcp`, caller, 'tools/call', { name: payload, arguments: {} })
  await ask2026(`${portal.url}/mcp`, caller, 'tools/call', { name: 'evil0_tool_1', arguments: { [ALL]: ALL } })
  for (const name of NAMES) {
    const clientInfo = { name, version: name }
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo }
    await send(`${portal.url}/mcp`, { jsonrpc: '2.0', id: 1, method: 'initialize', params }, caller.credentials)
  }
  return more
}

/** What no browser shows as a page, whatever is in it. */
const NO_PAGE =
  /^(?:application\/(?:json|jsonl|openmetrics-text|javascript)|text\/(?:csv|event-stream|plain|javascript|css)|image\/)/

async function whole(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  for (;;) {
    const { value, done } = await reader.read()
    if (done) return text
    text += decoder.decode(value, { stream: true })
  }
}

/** All addresses that there are beside the API, read from the table itself: with nothing, with something of others', and with a deed of theirs. */
function pagesOf(): string[] {
  const source = readFileSync(new URL('../../src/http/urls.ts', import.meta.url), 'utf8')
  const [, named = ''] = /const PAGES = \/\^\\\/\(\?:([a-z|-]+)\)/.exec(source) ?? []
  const exact = [...source.matchAll(/case '([^']+)'/g)].map(([, path = '']) => path)
  const below = [...source.matchAll(/startsWith\('([^']+)'\)/g)].map(([, path = '']) => `${path}evil0`)
  const pages = named.split('|').flatMap((name) => [`/${name}`, `/${name}/evil0`])
  const odd = encodeURIComponent(`${PAYLOADS[0]} ${PAYLOADS[11]}`)
  const asked = pages.flatMap((path) => [
    path,
    `${path}?return_to=${odd}&error=${odd}&error_description=${odd}&state=${odd}&code=${odd}&user_code=${odd}`,
  ])
  return [...exact, ...below, ...asked, `/${odd}`, '/p/default/mcp', '/p/evil0/s/evil0/mcp', '/admin/servers/evil0']
}

/** Whatever a payload made of itself: its mark, an element, a request. */
async function tracesIn(page: Page): Promise<unknown> {
  return page.evaluate(`({
    pwned: window.pwned ?? null,
    made: document.querySelectorAll('main iframe, main object, main script, main base, main math, main video, main style:not([data-mantine-styles]), main meta, main [onerror], main [onload], main [onfocus], main img[src^="http"], main a[href^="javascript" i], main a[href^="data"]').length,
  })`)
}

describe('thirty payloads in everything that others write', () => {
  // [CONSOLE-2]
  test('are text on every page: nothing runs, nothing is made of them, nobody is asked for a picture, and no policy is broken', {
    timeout: 400_000,
  }, async () => {
    const { page, complaints } = await room.open('/')
    const foreign: string[] = []
    page.on('request', (request) => {
      if (!request.url().startsWith(room.url) && !request.url().startsWith('data:image/')) foreign.push(request.url())
    })
    page.on('dialog', (dialog) => {
      complaints.push(`dialog: ${dialog.message()}`)
      void dialog.dismiss()
    })
    const seen = new Set<number>()
    for (const path of [
      ...CONSOLE_PAGES.map(([, path]) => path).filter((path) => !path.includes('ledger')),
      ...paths,
    ]) {
      await page.goto(`${room.url}/admin${path}`)
      await page.getByRole('heading', { level: 1 }).waitFor()
      await page.locator('[aria-busy="true"]').first().waitFor({ state: 'detached' })
      expect(await tracesIn(page), path).toEqual({ pwned: null, made: 0 })
      const text = await page.locator('body').innerText()
      for (const [, mark] of text.matchAll(/\(window\.pwned\|\|''\)\+(\d+)/g)) seen.add(Number(mark))
      for (const field of await page.locator('input, textarea').all()) {
        for (const [, mark] of (await field.inputValue()).matchAll(/\(window\.pwned\|\|''\)\+(\d+)/g))
          seen.add(Number(mark))
      }
    }
    // They were all there to be seen.
    expect([...seen].sort((a, b) => a - b)).toEqual(PAYLOADS.map((_, at) => at))
    expect(complaints).toEqual([])
    expect(foreign).toEqual([])
    expect(server.asked('resources/read')).toEqual([])
  })

  // [SEC-T18]
  test('leave no address as a page: each answers something else, or a page in which they stand escaped', async () => {
    const { page } = await room.open('/')
    const headers = { authorization: `Bearer ${room.home.portal.adminToken}` }
    const ask = (path: string) => fetch(`${room.url}${path}`, { headers }).then((response) => response.text())
    const api = await everyGet(room.url, {
      ask: (path) => (path.endsWith('/stream') ? Promise.resolve('') : ask(path)),
      most: 2,
    })
    const pages = [...pagesOf(), ...authorizations.map((url) => url.slice(room.url.length))]
    expect(new Set(pages.map((path) => route(path).kind))).toEqual(
      new Set(['mcp', 'health', 'ready', 'metrics', 'oauth', 'rest', 'bad']),
    )
    expect(api.length).toBeGreaterThan(60)
    const planted = PAYLOADS.filter((payload) => payload.includes('<'))
    const seen = { html: 0, other: 0 }
    for (const path of [...api, ...pages]) {
      const isApi = path.startsWith('/client/v4/')
      const query = path.endsWith('/logs/stream') ? '?after=0' : path.endsWith('/logs') ? '?limit=1000' : ''
      const answer = isApi
        ? await fetch(`${room.url}${path}${query}`, { headers })
        : await page.request.get(`${room.url}${path}`)
      const types = answer instanceof Response ? answer.headers.get('content-type') : answer.headers()['content-type']
      const type = types ?? ''
      const reader = answer instanceof Response ? answer.body?.getReader() : undefined
      const text =
        query === '?after=0'
          ? new TextDecoder().decode((await reader?.read())?.value)
          : reader !== undefined
            ? await whole(reader)
            : await (answer as Exclude<typeof answer, Response>).text()
      if (query === '?after=0') await reader?.cancel()
      if (isApi) expect([path, type]).toEqual([path, expect.not.stringContaining('html')])
      if (type !== '' && !type.startsWith('text/html')) {
        expect([path, type]).toEqual([path, expect.stringMatching(NO_PAGE)])
        seen.other += planted.some((payload) => text.includes(JSON.stringify(payload).slice(1, -1))) ? 1 : 0
        continue
      }
      expect([path, planted.filter((payload) => text.includes(payload))]).toEqual([path, []])
      expect([path, /href="\s*(?:javascript|data):|src="https:\/\/tracker/i.exec(text)]).toEqual([path, null])
      seen.html += text.includes('&lt;script&gt;') || text.includes('&lt;img') ? 1 : 0
    }
    // They were there to be seen, both ways.
    expect(seen.html).toBeGreaterThan(3)
    expect(seen.other).toBeGreaterThan(20)
  })

  test('and what leads on from a page leads to a page, never into a script', async () => {
    const { page } = await room.open('/servers')
    for (const path of ['/servers/evil0', '/clients', '/people', '/portals/evil0']) {
      await page.goto(`${room.url}/admin${path}`)
      await page.getByRole('heading', { level: 1 }).waitFor()
      const schemes = (await page.evaluate(
        `[...new Set([...document.querySelectorAll('a[href]')].map((a) => a.protocol))]`,
      )) as string[]
      expect(
        schemes.filter((scheme) => !['http:', 'https:', 'cursor:', 'vscode:', 'mailto:'].includes(scheme)),
        path,
      ).toEqual([])
    }
  })
})
