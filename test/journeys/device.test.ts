/** A device without a browser comes in by a code that a person types (RFC 8628), over real HTTP. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Person } from '../person.ts'
import { startTestPortal, type TestPortal } from '../portal.ts'
import { ask2026, bearer } from '../raw-mcp.ts'
import { openRaw } from '../raw-socket.ts'

const ADA = { email: 'ada@example.com', password: 'correct horse battery staple' }
const DEFAULT = '/access/ai-controls/mcp/portals/default'
const GRANT = 'urn:ietf:params:oauth:grant-type:device_code'

interface Told {
  device_code: string
  user_code: string
  verification_uri: string
  expires_in: number
  interval: number
}

describe('devices', () => {
  let portal: TestPortal
  let ada: Person
  let clientId: string

  beforeAll(async () => {
    portal = await startTestPortal({ config: { bootstrap: ADA } })
    ada = new Person(portal.url)
    await ada.submit(await ada.open(`${portal.url}/sign-in`), '/sign-in/local', ADA)
    const response = await fetch(`${portal.url}/oauth/register`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        ...{
          client_name: 'Terminal on a wall',
          grant_types: [GRANT, 'refresh_token'],
          token_endpoint_auth_method: 'none',
        },
      }),
    })
    clientId = ((await response.json()) as { client_id: string }).client_id
  })
  afterAll(() => portal?.close())

  const form = (fields: Record<string, string>) => ({ method: 'POST', body: new URLSearchParams(fields) })
  const begin = (more: Record<string, string> = {}) =>
    fetch(`${portal.url}/oauth/device_authorization`, form({ client_id: clientId, ...more }))
  const start = async (more: Record<string, string> = {}) => (await (await begin(more)).json()) as Told
  const poll = async ({ device_code }: Told) => {
    const response = await fetch(
      `${portal.url}/oauth/token`,
      form({ grant_type: GRANT, client_id: clientId, device_code }),
    )
    return (await response.json()) as { error?: string; access_token?: string; refresh_token?: string }
  }
  const turn = (enabled: boolean) =>
    portal.api('PUT', DEFAULT, { oauth_configuration: { device_authorization: { enabled } } })
  const type = async (who: Person, code: string) =>
    who.submit(await who.open(`${portal.url}/device`), '/device', { user_code: code })

  test('SEC-O15: devices are refused until a portal turns them on, and the metadata says which it is', async () => {
    const metadata = async () =>
      (await (await fetch(`${portal.url}/.well-known/oauth-authorization-server`)).json()) as Record<string, unknown>
    expect(await metadata()).not.toHaveProperty('device_authorization_endpoint')
    const refused = await begin()
    expect([refused.status, await refused.json()]).toMatchObject([400, { error: 'access_denied' }])
    await turn(true)
    expect(await metadata()).toHaveProperty('device_authorization_endpoint')
    expect(await start()).toMatchObject({ verification_uri: `${portal.url}/device`, expires_in: 600, interval: 5 })
    const other = await begin({ resource: `${portal.url}/p/nowhere/mcp` })
    expect([other.status, await other.json()]).toMatchObject([400, { error: 'invalid_target' }])
  })

  test('a person types the code, sees who asks, allows it, and the device gets tokens that open the portal', async () => {
    const told = await start({ scope: 'openid profile' })
    expect(told.user_code).toMatch(/^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/)
    expect(await poll(told)).toMatchObject({ error: 'authorization_pending' })
    const question = await type(ada, ` ${told.user_code.toLowerCase().replace('-', '')} `)
    expect(question.status).toBe(200)
    for (const seen of [
      'Terminal on a wall',
      told.user_code,
      '127.0.0.1',
      'less than a minute ago',
      `${portal.url}/mcp`,
    ]) {
      expect(question.text).toContain(seen)
    }
    const done = await ada.submit(question, '/device/answer', { decision: 'allow' })
    expect([done.status, done.text]).toEqual([200, expect.stringContaining('The device is in')])
    const tokens = await poll(told)
    expect((await ask2026(`${portal.url}/mcp`, bearer(tokens.access_token ?? ''), 'tools/list')).status).toBe(200)
    expect(tokens.refresh_token).toMatch(/^ptrt_/)
    expect(await poll(told)).toMatchObject({ error: 'invalid_grant' })
    expect((await type(ada, told.user_code)).text).toContain('No device waits with this code')
    const { body } = await portal.api<{ outcome: string; actor: { label: string } }[]>(
      'GET',
      '/access/ai-controls/mcp/logs?method=allow%20device&phase=ended',
    )
    expect(body.result).toMatchObject([{ outcome: 'answered', actor: { label: ADA.email } }])
  })

  test('a person who says no sends the device away', async () => {
    const told = await start()
    const page = await ada.submit(await type(ada, told.user_code), '/device/answer', { decision: 'deny' })
    expect(page.text).toContain('The device was told no')
    expect(await poll(told)).toMatchObject({ error: 'access_denied' })
  })

  test('SEC-O15: a link with the code fills nothing in, here or at the address of the library, and approves nothing', async () => {
    const told = await start()
    expect(told).not.toHaveProperty('verification_uri_complete')
    for (const path of [`/device?user_code=${told.user_code}`, `/device?user_code=${told.user_code}&decision=allow`]) {
      const page = await ada.open(`${portal.url}${path}`)
      expect([page.status, page.text.includes(told.user_code)]).toEqual([200, false])
    }
    // The library reads paths without regard to case, and with a slash at their end.
    for (const path of ['/oauth/device', '/oauth/device/', '/oauth/Device', '/oauth/DEVICE/', '/oauth/Device/x']) {
      const page = await ada.open(`${portal.url}${path}?user_code=${told.user_code}`)
      expect([path, page.status]).toEqual([path, 404])
      const posted = await fetch(`${portal.url}${path}`, form({ user_code: told.user_code, xsrf: 'x' }))
      expect([path, posted.status]).toEqual([path, 404])
    }
    const forged = await fetch(`${portal.url}/device/answer`, {
      ...form({ user_code: told.user_code, decision: 'allow' }),
      headers: { cookie: ada.cookies(portal.url), origin: portal.url },
    })
    expect(forged.status).toBeGreaterThanOrEqual(400)
    expect(await poll(told)).toMatchObject({ error: 'authorization_pending' })
  })

  test('SEC-O15: a portal that takes no devices takes none at another spelling of the address', async () => {
    await turn(false)
    for (const path of ['/oauth/Device_Authorization', '/oauth/device_authorization/']) {
      const asked = await fetch(`${portal.url}${path}`, form({ client_id: clientId, resource: `${portal.url}/mcp` }))
      expect([path, asked.status, await asked.json()]).toMatchObject([path, 404, { error: 'not_found' }])
    }
    await turn(true)
  })

  test('who is not signed in is asked to, and comes back without a code', async () => {
    const page = await new Person(portal.url).open(`${portal.url}/device?user_code=BCDF-GHJK`)
    expect(page.url).toBe(`${portal.url}/sign-in?return_to=%2Fdevice`)
  })

  test('a code is of no use after the portal turned devices off', async () => {
    const told = await start()
    await turn(false)
    expect((await type(ada, told.user_code)).text).toContain('No device waits with this code')
    await turn(true)
    expect((await type(ada, told.user_code)).status).toBe(200)
  })

  test('who signs out while their yes is on its way lets no device in', async () => {
    const bea = new Person(portal.url)
    await bea.submit(await bea.open(`${portal.url}/sign-in`), '/sign-in/local', ADA)
    const told = await start()
    const question = await type(bea, told.user_code)
    const token = /name="form_token" value="([^"]+)"/.exec(question.text)?.[1] ?? ''
    const body = String(new URLSearchParams({ form_token: token, user_code: told.user_code, decision: 'allow' }))
    const raw = openRaw(portal.url)
    const head = [
      ...['POST /device/answer HTTP/1.1', `host: ${new URL(portal.url).host}`, `cookie: ${bea.cookies(portal.url)}`],
      ...['content-type: application/x-www-form-urlencoded', `content-length: ${body.length}`],
      ...['expect: 100-continue', '', ''],
    ]
    raw.write(head.join('\r\n'))
    await raw.until(/100 Continue/)
    await bea.submit(await bea.open(`${portal.url}/sign-out`), '/sign-out')
    raw.write(body)
    await raw.until(/HTTP\/1\.1 [2-5]\d\d [\s\S]*\r\n\r\n/)
    raw.destroy()
    expect(await poll(told)).toMatchObject({ error: 'authorization_pending' })
    ada = new Person(portal.url)
    await ada.submit(await ada.open(`${portal.url}/sign-in`), '/sign-in/local', ADA)
  })

  test('SEC-O15: after five wrong codes no code is looked at any more, the right one neither', async () => {
    const told = await start()
    let page = await type(ada, 'BBBB-BBBB')
    for (let tries = 1; tries < 8 && page.status === 400; tries++) page = await type(ada, 'BBBB-BBBB')
    expect([page.status, page.text]).toEqual([429, expect.stringContaining('Too many tries')])
    expect((await type(ada, told.user_code)).status).toBe(429)
    expect(await poll(told)).toMatchObject({ error: 'authorization_pending' })
  })
})
