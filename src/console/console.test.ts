/** What the server does for the console: whom it shows its page, under which policy, and what else it gives away: nothing. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { NONCE } from './assets.ts'
import type { ConsoleState } from './builder.ts'
import { createConsole } from './console.ts'

const ISSUER = 'https://portal.test'
const SCRIPT = 'const words = "all of them, and again: all of them"\n'.repeat(20)
const COOKIE = 'session=of-ada'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'console-'))
  mkdirSync(join(folder, 'assets'))
  writeFileSync(join(folder, 'assets', 'index-abc.js'), SCRIPT)
  writeFileSync(join(folder, 'assets', 'page.html'), '<script>alert(1)</script>')
  writeFileSync(join(folder, 'secret.txt'), 'not served')
  writeFileSync(join(folder, 'index.html'), `<style nonce="${NONCE}"></style><link nonce="${NONCE}">`)
})
afterAll(() => rmSync(folder, { recursive: true }))

const browsers = {
  look: async (cookie: string | null) => ({ session: cookie === COOKIE ? ({} as never) : null }) as never,
}

function ask(path: string, { method = 'GET', origin = ISSUER, headers = {}, state }: Asked = {}): Promise<Response> {
  const builder = { state: state ?? ({ is: 'ready', folder } as const) }
  const shown = createConsole({ browsers, builder, issuer: () => ISSUER })
  return shown.fetch(new Request(`${origin}${path}`, { method, headers }), { origin })
}
interface Asked {
  method?: string
  origin?: string
  headers?: Record<string, string>
  state?: ConsoleState
}
const signedIn = { cookie: COOKIE }

describe('its page', () => {
  test.each(['/admin', '/admin/logs?deed=1', '/admin/servers/x'])('%s is shown to who is signed in', async (path) => {
    const answer = await ask(path, { headers: signedIn })
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(answer.headers.get('cache-control')).toBe('no-store')
  })

  // [W3]
  test('lets only scripts of its own folder run, is framed by nobody, and each answer has a nonce of its own', async () => {
    const [one, other] = await Promise.all([ask('/admin', { headers: signedIn }), ask('/admin', { headers: signedIn })])
    const policy = one.headers.get('content-security-policy') ?? ''
    const said = new Map(policy.split('; ').map((line) => [line.split(' ')[0], line.split(' ').slice(1).join(' ')]))
    expect(said.get('default-src')).toBe("'none'")
    expect(said.get('script-src')).toBe(`${ISSUER}/admin/assets/`)
    expect(said.get('connect-src')).toBe("'self'")
    expect(said.get('frame-ancestors')).toBe("'none'")
    expect(said.get('require-trusted-types-for')).toBe("'script'")
    expect(said.get('img-src')).toBe(`${ISSUER}/admin/assets/ data:`)
    expect(one.headers.get('x-frame-options')).toBe('DENY')
    const nonce = /'nonce-([^']+)'/.exec(policy)?.[1] ?? ''
    expect(nonce.length).toBeGreaterThanOrEqual(22)
    expect(await one.text()).toBe(`<style nonce="${nonce}"></style><link nonce="${nonce}">`)
    expect(other.headers.get('content-security-policy')).not.toContain(nonce)
  })

  test('nobody who is not signed in sees it: they sign in, and come back to where they wanted to go', async () => {
    const answer = await ask('/admin/logs?q=a%20b')
    expect(answer.status).toBe(303)
    expect(answer.headers.get('location')).toBe(`/sign-in?return_to=${encodeURIComponent('/admin/logs?q=a%20b')}`)
  })

  test('under another host of the portal, the browser is sent to where the session is', async () => {
    const answer = await ask('/admin/logs', { origin: 'https://tools.test', headers: signedIn })
    expect([answer.status, answer.headers.get('location')]).toEqual([303, `${ISSUER}/admin/logs`])
  })

  test.each(['POST', 'PUT', 'DELETE', 'OPTIONS'])('%s is not a way to ask for it', async (method) => {
    expect((await ask('/admin', { method, headers: signedIn })).status).toBe(405)
  })
})

describe('its files', () => {
  test('are the same for everybody, kept for ever, and shorter where the browser takes that', async () => {
    const plain = await ask('/admin/assets/index-abc.js')
    expect(plain.headers.get('content-type')).toBe('text/javascript; charset=utf-8')
    expect(plain.headers.get('x-content-type-options')).toBe('nosniff')
    expect(plain.headers.get('cache-control')).toContain('immutable')
    expect(await plain.text()).toBe(SCRIPT)
    const zipped = await ask('/admin/assets/index-abc.js', { headers: { 'accept-encoding': 'br, gzip' } })
    expect(zipped.headers.get('content-encoding')).toBe('gzip')
    expect(gunzipSync(Buffer.from(await zipped.arrayBuffer())).toString()).toBe(SCRIPT)
  })

  test.each([
    '/admin/assets/page.html',
    '/admin/assets/../secret.txt',
    '/admin/assets/%2e%2e/secret.txt',
    '/admin/assets/..%2fsecret.txt',
    '/admin/assets/',
    '/admin/assets/index-abc.js/',
    '/admin/assets/__proto__',
  ])('%s is none of them', async (path) => {
    const answer = await ask(path)
    expect(answer.status === 404 || answer.status === 303).toBe(true)
    expect(await answer.text()).not.toContain('not served')
  })
})

describe('while there is no console', () => {
  test.each([
    ['building', 'is being built'],
    ['failed', 'npm run build'],
    ['absent', 'npm ci'],
  ] as const)('%s: the page says so, runs nothing, and is not kept', async (is, says) => {
    const answer = await ask('/admin', { headers: signedIn, state: { is } })
    expect(answer.status).toBe(503)
    expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'; style-src 'sha256-")
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(await answer.text()).toContain(says)
  })
})
