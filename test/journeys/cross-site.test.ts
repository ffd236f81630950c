/**
 * A real browser with an owner's session, and a page that wants to use it: of another site, and of another port of this machine, to which the
 * browser does send its cookie. None of what a page can do changes or reads anything; a page of the portal's own origin can.
 */

import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { silentLog } from '../../src/base/log.ts'
import { keyRing, openSealer } from '../../src/base/secret.ts'
import { openBrowserSessions } from '../../src/identity/browser-session-store.ts'
import { openStore, type Store } from '../../src/store/open.ts'
import { openBrowser, type Page, type TestBrowser } from '../browser.ts'
import { type FreshPostgres, freshPostgres } from '../databases.ts'
import { startTestPortal, type TestPortal } from '../portal.ts'
import { giveRole, signIn } from '../support/people.ts'

const PORTALS = '/access/ai-controls/mcp/portals'
const BODY = JSON.stringify({ id: 'evil', name: 'evil', hostname: 'evil.example.com' })

let database: FreshPostgres
let portal: TestPortal
let store: Store
let browser: TestBrowser
let elsewhere: Server
let api: string
let stream: string
let cookie: { name: string; value: string }

beforeAll(async () => {
  database = await freshPostgres(process.env.PORTICO_TEST_TEMPLATE)
  portal = await startTestPortal({ databaseUrl: database.url })
  store = await openStore({ dir: portal.data, databaseUrl: database.url, clock: systemClock, log: silentLog })
  await giveRole(store, 'owner', 'olga@acme.test')
  const sealer = openSealer(keyRing([randomBytes(32)]), 'store')
  const owner = await signIn(
    { store, sealer, browsers: openBrowserSessions(store, () => portal.url) },
    'olga@acme.test',
  )
  const [name = '', value = ''] = owner.cookie.split('=')
  cookie = { name, value }
  browser = await openBrowser()
  elsewhere = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'text/html' })
    response.end('<!doctype html><title>Elsewhere</title>')
  })
  elsewhere.listen(0, '127.0.0.1')
  await once(elsewhere, 'listening')
  api = `${portal.url}/client/v4/accounts/default${PORTALS}`
  stream = `${portal.url}/client/v4/accounts/default/access/ai-controls/mcp/logs/stream?after=0`
})
afterAll(async () => {
  await browser?.close()
  elsewhere?.close()
  await store?.close()
  await portal?.close()
  await database?.drop()
})

async function visit(url: string): Promise<Page> {
  const page = await browser.visitor()
  await page.context().addCookies([{ ...cookie, url: portal.url, sameSite: 'Lax', httpOnly: true }])
  await page.goto(url)
  return page
}

const portalIds = async () => (await portal.api<{ id: string }[]>('GET', PORTALS)).body.result.map(({ id }) => id)

/** What a page can make a browser send: in words of the page, since they run there. */
const TRICKS: [string, string][] = [
  ['a form', form('application/x-www-form-urlencoded', '<input name="id" value="evil">')],
  ['a form whose text is JSON', form('text/plain', `<input name='${BODY.slice(0, -1)},"x":"' value='"}'>`)],
  ['a fetch that is told to ignore the answer', fetching('text/plain', 'no-cors')],
]

function form(enctype: string, fields: string): string {
  const html = `<form method="post" enctype="${enctype}" action="API">${fields}</form>`
  return `document.body.innerHTML = ${JSON.stringify(html)}; document.forms[0].submit()`
}

function fetching(type: string, mode: string, more = ''): string {
  const headers = `{ 'content-type': '${type}'${more} }`
  const init = `{ method: 'POST', mode: '${mode}', credentials: 'include', body: ${JSON.stringify(BODY)}, headers: ${headers} }`
  return `fetch('API', ${init}).then(() => 'answered', () => 'refused by the browser')`
}

describe.each([
  ['another site', 'localhost'],
  ['another port of this machine', '127.0.0.1'],
])('a page of %s', (_, host) => {
  const address = () => `http://${host}:${(elsewhere.address() as AddressInfo).port}/`

  // [API-5]
  test.each(TRICKS)('changes nothing with %s', async (_trick, script) => {
    const page = await visit(address())
    const before = await portalIds()
    const answered = page.waitForResponse((response) => response.url() === api)
    await page.evaluate(script.replace('API', api))
    expect([401, 403]).toContain((await answered).status())
    expect(await portalIds()).toEqual(before)
  })

  test('does not get our header through: the browser asks first, and is told no', async () => {
    const page = await visit(address())
    const before = await portalIds()
    const script = fetching('application/json', 'cors', ", 'x-portico-request': '1'").replace('API', api)
    expect(await page.evaluate(script)).toBe('refused by the browser')
    expect(await portalIds()).toEqual(before)
  })

  test('hears nothing of the live log, by any way that a page can listen', async () => {
    const page = await visit(address())
    const heard = await page.evaluate(
      (url) =>
        new Promise<string>((resolve) => {
          const source = new EventSource(url, { withCredentials: true })
          for (const name of ['open', 'row', 'mark', 'error'])
            source.addEventListener(name, () => {
              source.close()
              resolve(name)
            })
        }),
      stream,
    )
    expect(heard).toBe('error')
    const script = (mode: string, more: string) =>
      `fetch('${stream}', { mode: '${mode}', credentials: 'include'${more} }).then((r) => r.text(), () => 'refused by the browser')`
    expect(await page.evaluate(script('cors', ", headers: { 'x-portico-request': '1' }"))).toBe(
      'refused by the browser',
    )
    const answered = page.waitForResponse((response) => response.url() === stream)
    expect(await page.evaluate(script('no-cors', ''))).toBe('')
    expect([401, 403]).toContain((await answered).status())
  })

  test('reads nothing by a link to the API', async () => {
    const page = await visit(address())
    const answered = page.waitForResponse((response) => response.url() === api)
    await page.evaluate(`location.href = '${api}'`)
    const response = await answered
    expect(response.status()).toBe(401)
    expect(await response.text()).not.toContain('Default portal')
  })
})

test('a page of the portal changes and reads with the same session', async () => {
  const page = await visit(`${portal.url}/openapi.json`)
  const ask = (method: string, body: string | null) =>
    page.evaluate(
      ([url, how, sent]) =>
        fetch(url ?? '', {
          method: how ?? '',
          headers: { 'x-portico-request': '1', ...(sent === null ? {} : { 'content-type': 'application/json' }) },
          body: sent ?? null,
        }).then((response) => response.status),
      [api, method, body] as const,
    )
  expect(await ask('POST', BODY.replaceAll('evil', 'good'))).toBe(200)
  expect(await ask('GET', null)).toBe(200)
  expect(await portalIds()).toContain('good')
  const first = await page.evaluate(async (url) => {
    const response = await fetch(url, { headers: { 'x-portico-request': '1' } })
    const reader = response.body?.getReader()
    let text = ''
    while (!text.includes('event: row')) text += new TextDecoder().decode((await reader?.read())?.value)
    await reader?.cancel()
    return [response.status, response.headers.get('content-type'), response.headers.get('cache-control')]
  }, stream)
  expect(first).toEqual([200, 'text/event-stream', 'no-store'])
})
