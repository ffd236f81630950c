/** An identity provider from the command line to the browser: added, tried, signed in through, attacked, removed. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { run } from '../../src/cli/program.ts'
import { Person } from '../person.ts'
import { startTestPortal, type TestPortal } from '../portal.ts'
import type { Mode } from '../support/provider/mode.ts'
import { passThrough, type RunningProvider, startProvider } from '../support/provider/start.ts'

const SECRET = 'canary secret of the client'
let portal: TestPortal
let provider: RunningProvider
let id: string

beforeAll(async () => {
  portal = await startTestPortal()
  provider = await startProvider()
  writeFileSync(join(portal.data, 'secret'), `${SECRET}\n`)
})
afterEach(() => provider.mode('good'))
afterAll(async () => {
  await portal?.close()
  await provider?.stop()
})

async function portico(...argv: string[]) {
  let [out, err] = ['', '']
  const stdout = { write: (text: string) => (out += text) }
  const stderr = { write: (text: string) => (err += text) }
  const env = { PORTICO_URL: portal.url, PORTICO_TOKEN: portal.adminToken }
  const code = await run({ argv, env, cwd: portal.data, stdout, stderr })
  return { code, out, err }
}

const add = (...more: string[]) =>
  portico('idp', 'add', 'Acme account', '--client-id', 'portico', '--client-secret-file', 'secret', ...more)

/** To where the provider would send the browser back. */
async function through(person: Person, user = 'alice'): Promise<string> {
  const left = (await person.submit(await person.open(`${portal.url}/sign-in`), `/sign-in/to/${id}`)).left
  if (left === null) throw new Error('the browser was not sent to the provider')
  return (await passThrough(left.href, user)).href
}

test('idp add says what to register, and list, show and test say how it stands, without the secret', async () => {
  const place = ['--issuer', provider.issuer, '--allow-private', provider.place]
  const added = await add(...place, '--email-domain', 'acme.test', '--groups', '/groups', '--groups-from', 'claim')
  expect(added).toMatchObject({ code: 0 })
  id = /\(([0-9a-f-]{36})\)/.exec(added.out)?.[1] ?? ''
  const redirect = `${portal.url}/sign-in/to/${id}/callback`
  expect(added.out).toContain(`Register this redirect URI there: ${redirect}\n`)
  await provider.addClient({ client_id: 'portico', client_secret: SECRET, redirect_uris: [redirect] })

  const list = await portico('idp', 'list')
  expect(list.out).toMatch(new RegExp(`${id} +oidc +Acme account +acme.test`))
  const shown = await portico('idp', 'show', id)
  expect(shown.out).toContain(`redirect URI  ${redirect}`)
  expect(shown.out).toContain('secret        set')
  const tried = await portico('idp', 'test', id)
  expect(tried).toMatchObject({ code: 0 })
  expect(tried.out).toContain(`ok    discovery: The issuer is ${provider.issuer}.`)
  const json = await portico('idp', 'show', id, '--json')
  expect(JSON.parse(json.out)).toMatchObject({ id, config: { groups: { claim: '/groups', source: 'claim' } } })
  for (const { out, err } of [added, list, shown, tried, json]) expect(out + err).not.toContain(SECRET)
})

test('idp says what is wrong', async () => {
  expect(await add('--issuer', 'http://login.acme.test')).toMatchObject({
    ...{ code: 1, err: expect.stringContaining('config.issuer: must begin with https://') },
  })
  expect((await add('--groups-from', 'userinfo')).code).toBe(2)
  expect((await add('--client-secret', 'x', '--issuer', provider.issuer)).code).toBe(2)
  expect((await portico('idp', 'show', 'none')).code).toBe(1)
  expect((await portico('idp', 'remove', 'none')).err).toContain('There is no identity provider "none".')
  await provider.mode('down')
  const tried = await portico('idp', 'test', id)
  expect(tried.code).toBe(1)
  expect(tried.out).toContain('FAIL  discovery: Nobody answers there')
})

describe('in a browser', () => {
  const isSignedIn = (person: Person): boolean => person.cookies(portal.url).includes('portico-session=')

  test('a person signs in, and is shown who they are', async () => {
    const person = new Person(portal.url)
    await person.open(await through(person))
    expect(isSignedIn(person)).toBe(true)
    expect((await person.open(`${portal.url}/`)).text).toContain('alice@acme.test')
  })

  // [IDP-1]
  test('a callback that was captured signs in neither who stole it nor who was made to open it', async () => {
    const [attacker, victim] = [new Person(portal.url), new Person(portal.url)]
    const own = await through(attacker, 'bob')
    expect((await victim.open(own)).status).toBeGreaterThanOrEqual(400)
    expect(isSignedIn(victim)).toBe(false)
    const theirs = await through(victim, 'alice')
    expect((await attacker.open(theirs)).status).toBeGreaterThanOrEqual(400)
    expect(isSignedIn(attacker)).toBe(false)
    // Nor is it good any more where it belonged.
    expect((await victim.open(theirs)).status).toBeGreaterThanOrEqual(400)
    expect(isSignedIn(victim)).toBe(false)
  })

  test.each<[Mode, string, string]>([
    ['wrong-nonce', 'alice', 'bad-token'],
    ['denied', 'alice', 'provider-refused'],
    ['token-html', 'alice', 'provider-unreachable'],
    ['good', 'mallory', 'foreign-address'],
  ])('in mode %s, %s meets a page that says what to do, and the audit says why', async (mode, user, reason) => {
    const person = new Person(portal.url)
    const left = (await person.submit(await person.open(`${portal.url}/sign-in`), `/sign-in/to/${id}`)).left
    await provider.mode(mode)
    const page = await person.open((await passThrough(left?.href ?? '', user)).href)
    expect(page.status).toBeGreaterThanOrEqual(400)
    expect(page.text).toMatch(/<h1/)
    expect(isSignedIn(person)).toBe(false)
    const logs = await portal.api<{ error?: string }[]>(
      'GET',
      '/access/ai-controls/mcp/logs?plane=sign-in&phase=ended&limit=1',
    )
    expect(logs.body.result[0]?.error).toBe(reason)
  })

  test('who came through a provider that is removed is signed out', async () => {
    const person = new Person(portal.url)
    await person.open(await through(person))
    expect((await person.open(`${portal.url}/`)).text).toContain('alice@acme.test')
    expect((await portico('idp', 'remove', id)).out).toContain(`Removed ${id}`)
    expect((await person.open(`${portal.url}/`)).text).not.toContain('alice@acme.test')
    expect((await person.open(`${portal.url}/sign-in`)).text).not.toContain('Acme account')
  })
})
