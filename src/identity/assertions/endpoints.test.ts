import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { DATABASE_KINDS, freshStore, type TestStore } from '../../../test/databases.ts'
import { keyRing, openSealer } from '../../base/secret.ts'
import { type BrowserSessions, endBrowserSessions, openBrowserSessions } from '../browser-session-store.ts'
import { saveSignIn, type Vouched } from '../identity-store.ts'
import { type AccessEndpoints, openAccessEndpoints } from './endpoints.ts'

const ISSUER = 'https://portal.test'
const ADA: Vouched = {
  ...{ provider: 'p1', issuer: 'https://idp.test', subject: 'sub-1', groups: null, amr: ['pwd', 'mfa'] },
  ...{ claims: { department: 'sales' }, email: 'ada@acme.test', name: 'Ada', idToken: 'id-token', refreshToken: 'rt' },
}

describe.each(DATABASE_KINDS)('get-identity on %s', (kind) => {
  let at: TestStore
  let browsers: BrowserSessions
  let endpoints: AccessEndpoints
  let cookie: string
  let session: { id: string; userId: string }
  beforeEach(async () => {
    at = await freshStore(kind)
    browsers = openBrowserSessions(at.store, () => ISSUER)
    endpoints = openAccessEndpoints({ keys: { published: () => [] }, browsers })
    const sealer = openSealer(keyRing([Buffer.alloc(32, 3)]), 'store')
    session = await at.store.write(async (trx) => {
      const who = await saveSignIn(at.store, trx, ADA, sealer)
      if (who === 'disabled') throw new Error('disabled')
      const from = { clientIp: '192.0.2.1', userAgent: 'test', lifetime: 3_600_000 }
      const opened = await browsers.open(trx, { ...who, ...from })
      cookie = opened.setCookie.split(';')[0] ?? ''
      return { id: opened.id, userId: who.userId }
    })
  })
  afterEach(() => at.end())

  const ask = async (headers: Record<string, string>, path = '/cdn-cgi/access/get-identity') =>
    endpoints.fetch(new Request(ISSUER + path, { headers }))

  test('tells the person whose browser asks who they are, and never what the portal keeps for itself', async () => {
    const answer = await ask({ cookie, 'sec-fetch-site': 'same-origin' })
    expect([answer.status, answer.headers.get('cache-control')]).toEqual([200, 'no-store'])
    expect(answer.headers.get('access-control-allow-origin')).toBeNull()
    const text = await answer.text()
    expect(JSON.parse(text)).toEqual({
      ...{ id: session.userId, user_uuid: session.userId, email: 'ada@acme.test', name: 'ada@acme.test' },
      ...{ groups: null, amr: ['pwd', 'mfa'], custom: { department: 'sales' } },
      idp: { id: 'p1', issuer: 'https://idp.test', subject: 'sub-1' },
      ...{ iat: expect.any(Number), exp: expect.any(Number) },
    })
    for (const secret of ['id-token', 'rt', '192.0.2.1', session.id, cookie.split('=')[1] ?? '?'])
      expect(text).not.toContain(`"${secret}"`)
  })

  // [IDENTITY-6]
  test.each(['cross-site', 'same-site', ''])('tells a page from elsewhere (%j) nothing', async (site) => {
    const answer = await ask({ cookie, ...(site === '' ? {} : { 'sec-fetch-site': site }) })
    expect([answer.status, await answer.text()]).toEqual([403, expect.not.stringContaining('ada')])
  })

  test('tells nothing without a session, with a planted one, or with one that has ended', async () => {
    const status = async (sent: string) => (await ask({ cookie: sent, 'sec-fetch-site': 'none' })).status
    expect(await status('')).toBe(401)
    expect(await status(`${cookie}; __Host-portico-session=planted`)).toBe(401)
    expect(await status(cookie)).toBe(200)
    await at.store.write((trx) => endBrowserSessions(at.store, trx, { id: session.id }))
    expect(await status(cookie)).toBe(401)
  })
})
