/**
 * A server behind OAuth inside the network of a portal that others reach: this machine is closed to the portal then, and what an admin opened
 * for one server is open for its discovery, registration, tokens, renewals and revocations, and nothing else is.
 */

import { request } from 'undici'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { run } from '../../src/cli/program.ts'
import { Person } from '../person.ts'
import { startTestPortal, type TestPortal } from '../portal.ts'
import type { OauthUpstream } from '../support/oauth-upstream/model.ts'
import { callOnce } from '../support/oauth-upstream/room.ts'
import { startOauthUpstream } from '../support/oauth-upstream/start.ts'

const MCP = '/access/ai-controls/mcp'
const PUBLIC = 'https://portal.example.com'

let portal: TestPortal
let upstream: OauthUpstream
let token: string
let places: { server: string; login: string }
beforeAll(async () => {
  ;[portal, upstream] = await Promise.all([startTestPortal({ config: { publicUrl: PUBLIC } }), startOauthUpstream()])
  token = await portal.userToken('ada@acme.test')
  const [server = '', login = ''] = upstream.places
  places = { server, login }
})
afterAll(async () => {
  await portal?.close()
  await upstream?.close()
})

/** A browser for which the portal's public name leads to this machine, as if a proxy stood before it. */
class Visitor extends Person {
  constructor() {
    super(PUBLIC)
  }

  protected override async send(url: string, init: RequestInit): Promise<Response> {
    if (!url.startsWith(`${PUBLIC}/`)) return super.send(url, init)
    const form = init.body instanceof URLSearchParams ? init.body.toString() : null
    const typed = form === null ? {} : { 'content-type': 'application/x-www-form-urlencoded' }
    // `fetch` says no other Host than it dials.
    const answer = await request(url.replace(PUBLIC, portal.url), {
      method: form === null ? 'GET' : 'POST',
      headers: { ...(init.headers as Record<string, string>), ...typed, host: new URL(PUBLIC).host },
      body: form,
    })
    const headers = Object.entries(answer.headers).flatMap(([name, value]) =>
      [value ?? []].flat().map((one): [string, string] => [name, one]),
    )
    return new Response(await answer.body.text(), { status: answer.statusCode, headers })
  }
}

async function cli(...argv: string[]) {
  let [out, err] = ['', '']
  const code = await run({
    ...{ argv, cwd: portal.data, env: { PORTICO_URL: portal.url, PORTICO_TOKEN: portal.adminToken } },
    stdout: { write: (text: string) => (out += text) },
    stderr: { write: (text: string) => (err += text) },
  })
  return { code, out, err, link: /https:\S+\?link=[\w-]+/.exec(out)?.[0] ?? '' }
}

const add = (name: string, ...allowed: string[]) =>
  cli('servers', 'add', name, upstream.url, '--oauth', ...allowed.flatMap((place) => ['--allow-private', place]))
const call = () => callOnce(portal.url, token, 'notes_whoami')

/** All the way from the admin's link. @returns the last page */
async function connect(link: string, account: string) {
  const [admin, there] = [new Visitor(), new Person(upstream.issuer)]
  const { left } = await admin.submit(await admin.open(link), new URL(link).pathname)
  const asked = await there.open(left?.href ?? '')
  const { left: back } = await there.submit(asked, '/sign-in', { user: account })
  const named = await admin.open(back?.href ?? '')
  expect(named.text).toContain(account)
  return admin.submit(named, '/connect/confirm', { decision: 'confirm' })
}

test('a server on this machine is not added, and the refusal says which words would open it', async () => {
  const refused = await add('Closed')
  expect(refused).toMatchObject({ code: 1, out: '' })
  expect(refused.err).toContain('is this machine, which is closed because others can reach the portal.')
  expect(refused.err).toContain(`Here: --allow-private ${places.server}\n`)
  expect(upstream.seen).toEqual([])
})

test('an authorization server that was not opened is not reached although its server was, and whoever connects reads what may be missing', async () => {
  expect((await add('Half', places.server)).code).toBe(0)
  const made = await cli('servers', 'connect', 'half')
  expect(made.err).toContain('allow_private of the server has to name its host and port too')
  expect(made.err).not.toContain(places.login)
  const page = await new Visitor().open(made.link)
  expect(page.text).toContain('does not answer')
  const doctor = await cli('doctor')
  expect(doctor.out).toMatch(/^warning +server half +nobody has connected its shared account/m)
  expect([upstream.clients(), upstream.tokenRequests, upstream.authorizations]).toEqual([0, [], []])
  await cli('servers', 'rm', 'half')
})

test('with both opened, discovery, registration, tokens and calls go there', async () => {
  expect((await add('Notes', places.server, places.login)).code).toBe(0)
  await portal.api('PUT', `${MCP}/portals/default`, { servers: [{ server_id: 'notes', on_behalf: false }] })
  const made = await cli('servers', 'connect', 'notes')
  expect(made.link).toMatch(/^https:\/\/portal\.example\.com\/connect\/notes\?link=/)
  expect(made.err).toContain(`Leads to ${upstream.issuer}`)
  expect((await connect(made.link, 'team')).text).toContain('is connected')
  expect(upstream.clients()).toBe(1)
  expect(upstream.authorizations.at(-1)).toMatchObject({
    ...{ resource: upstream.url, redirect_uri: `${PUBLIC}/servers-callback`, code_challenge_method: 'S256' },
  })
  await expect.poll(call).toEqual({ text: 'team', problem: null })
})

test('renewals go there too', async () => {
  upstream.endAccess('team')
  expect(await call()).toEqual({ text: 'team', problem: null })
  expect(upstream.tokenRequests.at(-1)).toMatchObject({ grantType: 'refresh_token', status: 200 })
})

test('who disconnects takes it back there', async () => {
  const bearers = upstream.secrets.map((secret) => ({ authorization: `Bearer ${secret}` }))
  const good = async () => {
    const answers = await Promise.all(bearers.map((headers) => fetch(upstream.url, { headers })))
    return answers.filter(({ status }) => status !== 401).length
  }
  expect(await good()).toBe(1)
  expect((await cli('servers', 'disconnect', 'notes')).code).toBe(0)
  await expect.poll(good).toBe(0)
  // What was listed with it is gone with it.
  expect(await call()).toEqual({ text: null, problem: 'Unknown tool: notes_whoami' })
})

test('a server that moves its sign-in to a place that was not opened leads nobody there', async () => {
  expect((await connect((await cli('servers', 'connect', 'notes')).link, 'team')).text).toContain('is connected')
  await expect.poll(call).toEqual({ text: 'team', problem: null })
  await upstream.move()
  const [asked, clients] = [upstream.tokenRequests.length, upstream.clients()]
  expect((await call()).text).toBeNull()
  expect((await cli('servers', 'connect', 'notes')).err).toContain('allow_private of the server')
  expect([upstream.tokenRequests.length, upstream.clients()]).toEqual([asked, clients])
  expect((await cli('servers', 'show', 'notes')).out).not.toContain(upstream.issuer)
})
