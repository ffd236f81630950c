/** The portal's home tells a person how to connect, and tells nobody what is behind it. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestPortal, type TestPortal } from '../portal.ts'

let portal: TestPortal
beforeAll(async () => {
  portal = await startTestPortal()
})
afterAll(() => portal?.close())

test('the home shows the address and what a client must be told', async () => {
  const response = await fetch(portal.url)
  const page = await response.text()
  expect(response.status).toBe(200)
  expect(page).toContain(`${portal.url}/mcp`)
  expect(page).toContain('claude mcp add --transport http default')
})

test('every page refuses to be framed, scripted or sniffed', async () => {
  for (const path of ['/', '/nothing-here']) {
    const { headers } = await fetch(portal.url + path)
    expect(headers.get('content-security-policy')).toMatch(/^default-src 'none'; style-src 'sha256-/)
    expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
    expect(headers.get('x-frame-options')).toBe('DENY')
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('referrer-policy')).toBe('no-referrer')
  }
})

test('what an admin writes stands on the page as text', async () => {
  const name = `<script>alert(1)</script>`
  const path = '/access/ai-controls/mcp/portals/default'
  expect((await portal.api('PUT', path, { name, description: '"><img src=x>' })).status).toBe(200)
  const page = await (await fetch(portal.url)).text()
  expect(page).not.toContain('<script>')
  expect(page).not.toContain('<img')
  expect(page).toContain('&lt;script&gt;')
})

test('a path that is none has a page that says so', async () => {
  const response = await fetch(`${portal.url}/nothing-here`)
  expect([response.status, await response.text()]).toEqual([404, expect.stringContaining('There is nothing here')])
})
