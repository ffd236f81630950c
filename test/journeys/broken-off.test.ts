/** Forms that break off on their way: anybody can send them, so they are no failure that the operator's log should fill with. */
import { expect, test } from 'vitest'
import { startPorticoProcess } from '../portico-process.ts'
import { openRaw } from '../raw-socket.ts'

const PATHS = [
  ...['/oauth/token', '/oauth/revoke', '/oauth/register', '/oauth/device_authorization'],
  ...['/sign-in/local', '/consent/x', '/device'],
]

test('a form that breaks off on its way leaves nothing in the log, and nothing beside it', async () => {
  const portal = await startPorticoProcess()
  try {
    const before = portal.output()
    for (const path of PATHS) {
      const raw = openRaw(portal.url)
      const type = path === '/oauth/register' ? 'application/json' : 'application/x-www-form-urlencoded'
      const head = [`POST ${path} HTTP/1.1`, `host: ${new URL(portal.url).host}`, `content-type: ${type}`]
      raw.write([...head, 'content-length: 100', 'expect: 100-continue', '', ''].join('\r\n'))
      await raw.until(/100 Continue/)
      raw.write('form_token=')
      raw.destroy()
      await raw.closed
    }
    expect((await fetch(`${portal.url}/sign-in`)).status).toBe(200)
    await portal.end('SIGTERM')
    expect(portal.output().slice(before.length)).not.toMatch(/error|failed|aborted/i)
  } finally {
    await portal.remove()
  }
})
