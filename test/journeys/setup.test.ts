/** The first run: from the link of the first start to a connected client, in four steps that an owner can leave, resume and open again. */
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { run } from '../../src/cli/program.ts'
import { PAGES } from '../../src/pages/index.ts'
import { faultsEverywhere, openBrowser, type Page, type TestBrowser } from '../browser.ts'
import { DATABASE_KINDS, type FreshPostgres, freshPostgres } from '../databases.ts'
import { letIn, registerClient } from '../oauth-client.ts'
import { ADA, complaintsOf, type LivedIn, startLivedIn } from '../page-journey.ts'
import { Person, type Page as Seen } from '../person.ts'
import { type PorticoProcess, startPorticoProcess } from '../portico-process.ts'
import { modern, type ScriptedServer, startScripted } from '../scripted-server.ts'
import { type RunningProvider, startProvider } from '../support/provider/start.ts'

const SERVERS = '/access/ai-controls/mcp/servers'
const PORTALS = '/access/ai-controls/mcp/portals'
const PROVIDERS = '/access/identity_providers'
const LOGS = '/access/ai-controls/mcp/logs'
const SETTLED = 'https://mcp.acme.test'

let browser: TestBrowser
let server: ScriptedServer
let provider: RunningProvider
beforeAll(async () => {
  ;[browser, server, provider] = await Promise.all([openBrowser(), startScripted(modern(() => {})), startProvider()])
})
afterAll(async () => {
  await Promise.all([browser?.close(), server?.close(), provider?.stop()])
})

const cleanups: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

/** As `portico start` leaves it, with the link in its file. */
async function freshPortal(settings: Record<string, string> = {}): Promise<PorticoProcess> {
  const portal = await startPorticoProcess(settings)
  cleanups.push(async () => {
    await portal.end('SIGTERM')
    await portal.remove()
  })
  await until(() => portal.output().includes('owner token'))
  return portal
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 25))
}

const linkOf = ({ data }: PorticoProcess): string => readFileSync(join(data, 'admin-link'), 'utf8').trim()
const storedIn = ({ data }: PorticoProcess): string => join(data, 'setup.json')
const heading = (page: Page) => page.getByRole('heading', { level: 1 }).innerText()

async function becomeOwner(page: Page, portal: PorticoProcess): Promise<void> {
  await page.goto(linkOf(portal))
  await page.getByLabel('Email address').fill(ADA.email)
  await page.getByLabel('Password').fill(ADA.password)
  await page.getByRole('button', { name: 'Become the owner' }).click()
  await page.waitForURL(`${portal.url}/setup/name`)
}

async function press(page: Page, name: string, at: string): Promise<void> {
  await page.getByRole('button', { name, exact: true }).click()
  await page.waitForURL(at)
}

// [SETUP-1]
test('a newcomer comes from the link to a connected client in four steps, without script, on a phone', async () => {
  const portal = await freshPortal()
  const { url } = portal
  const page = await browser.visitor({ script: false, width: 375 })
  await becomeOwner(page, portal)
  expect(await heading(page)).toBe('Name and address')

  await page.getByLabel('Name of your organisation').fill('Acme Corp')
  await page.getByLabel('Public address').fill('http://mcp.acme.test')
  await page.getByRole('button', { name: 'Save and go on' }).click()
  expect(await page.getByRole('alert').innerText()).toContain('Public address: must be https://host')
  expect(await page.getByLabel('Name of your organisation').inputValue()).toBe('Acme Corp')
  expect(await portal.api('GET', '/access/organizations')).toMatchObject({ name: 'Portico' })
  await page.getByLabel('Public address').fill('')
  await press(page, 'Save and go on', `${url}/setup/server`)

  // Left, and taken up again.
  await page.goto(url)
  await page.getByRole('link', { name: 'Go on with the set-up' }).click()
  await page.waitForURL(`${url}/setup/server`)
  await page.getByLabel('Name', { exact: true }).fill('Team Handbook')
  await page.getByLabel('Address').fill('ftp://example.com')
  await page.getByRole('button', { name: 'Add the server' }).click()
  expect(await page.getByRole('alert').innerText()).toBe(
    'Address: give the full URL of the MCP endpoint, such as "https://example.com/mcp"',
  )
  await page.getByLabel('Address').fill('http://127.0.0.1:1/mcp')
  await page.getByRole('button', { name: 'Add the server' }).click()
  await page.getByText('has a port that is for something else than HTTP').waitFor()
  await page.getByLabel('Address').fill(`${server.origin}/mcp`)
  await page.getByRole('button', { name: 'Add the server' }).click()
  await page.getByText('answers, and offers 1 tool').waitFor()
  expect(await portal.api(`GET`, `${PORTALS}/default`)).toMatchObject({ servers: [{ server_id: 'team-handbook' }] })
  await press(page, 'Go on', `${url}/setup/sign-in`)

  await page.getByRole('link', { name: 'Another, by OpenID Connect' }).click()
  await page.getByLabel('Name', { exact: true }).fill('Acme account')
  await page.getByLabel('Issuer').fill(provider.issuer)
  await page.getByLabel('Client ID').fill('portico')
  await page.getByLabel('Client secret').fill('a secret that is typed')
  await page.getByLabel('Domains of your addresses').fill('acme.test, acme.example')
  await page.getByRole('button', { name: 'Add it' }).click()
  expect(await page.getByRole('alert').innerText()).toMatch(/^Issuer: .*tick the box below/)
  expect(await page.content()).not.toContain('a secret that is typed')
  await page.getByLabel('Client secret').fill('a secret that is typed')
  await page.getByLabel('It is on this machine').check()
  await page.getByRole('button', { name: 'Add it' }).click()
  await page.waitForURL(/\/setup\/sign-in\/at\/[\w-]+$/)
  const id = page.url().split('/').at(-1)
  expect(await page.locator('main').innerText()).toContain(`${url}/sign-in/to/${id}/callback`)
  await page.getByRole('button', { name: 'Try it' }).click()
  expect(await page.getByRole('status').innerText()).toContain('It can be used.')
  expect(await portal.api('GET', `${PROVIDERS}/${id}`)).toMatchObject({
    config: { email_domains: ['acme.test', 'acme.example'] },
    has_client_secret: true,
  })
  await page.getByRole('link', { name: 'Back to the ways to sign in' }).click()
  await press(page, 'Go on', `${url}/setup/client`)

  expect(await page.locator('main').innerText()).toContain(`claude mcp add --transport http portico ${url}/mcp`)
  expect(await page.locator('main').innerText()).toContain('No client of yours has come yet')
  await letIn(new Person(url), await registerClient(url, { client_name: 'First client' }), ADA)
  await page.getByRole('link', { name: 'Look again' }).click()
  expect(await page.getByRole('status').innerText()).toBe('“First client” was let in just now.')
  await press(page, 'Finish', `${url}/setup`)
  expect(await heading(page)).toBe('The portal is set up')
  await page.goto(url)
  await page.getByRole('link', { name: 'Open the set-up' }).click()
  expect(await heading(page)).toBe('The portal is set up')
  await page.getByRole('link', { name: '1. Name and address' }).click()
  expect(await page.getByLabel('Name of your organisation').inputValue()).toBe('Acme Corp')
  expect(existsSync(storedIn(portal))).toBe(false)
})

// [SETUP-2]
test('every change is a deed of the person in the audit, and nothing that was typed as a secret is in it', async () => {
  const portal = await freshPortal()
  const ada = await owner(portal)
  const secret = 'token-that-nobody-reads'
  await ada.submit(await ada.open(`${portal.url}/setup/name`), '/setup/name', { name: 'Acme', public_url: SETTLED })
  await ada.submit(await ada.open(`${portal.url}/setup/server`), '/setup/server', {
    ...{ name: 'Book', hostname: `${server.origin}/mcp`, token: secret },
  })
  const rows = await portal.api<Record<string, unknown>[]>('GET', `${LOGS}?actor=${ADA.email}&plane=admin&phase=ended`)
  const told = rows.map(({ method, change, outcome }) => [method, (change as { fields: string[] }).fields, outcome])
  expect(told.reverse()).toEqual([
    ['PUT /access/organizations', ['name'], 'answered'],
    ['POST /setup/name', ['public_url'], 'answered'],
    [`POST ${SERVERS}`, expect.arrayContaining(['auth_credentials']), 'answered'],
    [`PUT ${PORTALS}/default`, ['servers'], 'answered'],
  ])
  for (const { session, actor } of rows) {
    expect(session).toEqual(expect.any(String))
    expect(actor).toMatchObject({ kind: 'user', label: ADA.email, role: 'owner' })
  }
  expect(JSON.stringify(rows)).not.toContain(secret)
  expect((await ada.open(`${portal.url}/setup/server`)).text).not.toContain(secret)
  expect(server.seen.at(-1)?.headers.authorization).toBe(`Bearer ${secret}`)
})

async function owner(portal: PorticoProcess): Promise<Person> {
  const ada = new Person(portal.url)
  const link = linkOf(portal)
  const home = await ada.submit(await ada.open(link), new URL(link).pathname, { name: 'Ada', ...ADA })
  expect(new URL(home.url).pathname).toBe('/setup/name')
  return ada
}

// [SETUP-3]
describe.each(DATABASE_KINDS)('the public address, on %s', (kind) => {
  let database: FreshPostgres | undefined
  beforeAll(async () => {
    database = kind === 'postgres' ? await freshPostgres(process.env.PORTICO_TEST_TEMPLATE) : undefined
  })
  afterAll(() => database?.drop())

  test('is in force at the next start, with its origin told, and a variable overrules it', async () => {
    const portal = await freshPortal(database === undefined ? {} : { DATABASE_URL: database.url })
    const ada = await owner(portal)
    const before = await ada.open(`${portal.url}/setup/name`)
    const after = await ada.submit(before, '/setup/name', { name: 'Acme', public_url: `${SETTLED}/` })
    expect(new URL(after.url).pathname).toBe('/setup/server')
    expect(after.text).toContain(`at its next start: <strong>${SETTLED}</strong>`)
    expect(statSync(storedIn(portal)).mode & 0o777).toBe(0o600)
    // Nothing has moved yet.
    expect(await metadata(portal)).toBe(portal.url)
    const google = await addGoogle(portal, ada)
    expect(google.text).toContain(`${portal.url}/sign-in/to/`)
    expect(google.text).toContain(`${SETTLED}/sign-in/to/`)

    await portal.end('SIGTERM')
    await portal.start()
    await until(() => portal.output().includes(`public URL   ${SETTLED} (by the set-up, in ${storedIn(portal)})`))
    expect(await metadata(portal)).toBe(SETTLED)
    const { out } = await portico(portal, {}, '--json', 'config', 'print')
    expect(JSON.parse(out)).toContainEqual({
      ...{ setting: 'public_url', value: SETTLED, origin: 'set-up', where: `${storedIn(portal)}: public_url` },
    })
    const overruled = { PORTICO_PUBLIC_URL: 'https://other.acme.test' }
    expect((await portico(portal, overruled, 'doctor')).out).toContain(
      `the set-up stored ${SETTLED}, and PORTICO_PUBLIC_URL overrules it with https://other.acme.test`,
    )
  })
})

async function metadata({ url }: PorticoProcess): Promise<string> {
  const response = await fetch(`${url}/.well-known/oauth-authorization-server`)
  return ((await response.json()) as { issuer: string }).issuer
}

function addGoogle(portal: PorticoProcess, ada: Person): Promise<Seen> {
  return ada.open(`${portal.url}/setup/sign-in/google`).then((page) =>
    ada.submit(page, '/setup/sign-in/google', {
      ...{ name: 'Google', client_id: 'acme', client_secret: 'shh', email_domains: 'acme.test' },
    }),
  )
}

async function portico(portal: PorticoProcess, env: Record<string, string>, ...argv: string[]) {
  let out = ''
  const sink = { write: (text: string) => (out += text) }
  const all = { PORTICO_URL: portal.url, PORTICO_DATA: portal.data, ...env }
  const code = await run({ argv, env: all, cwd: portal.data, stdout: sink, stderr: sink })
  return { code, out }
}

test('where the file settles the public address, the set-up says so and stores none', async () => {
  const portal = await freshPortal()
  const ada = await owner(portal)
  await portal.end('SIGTERM')
  const file = join(portal.data, '..', 'portico.yaml')
  writeFileSync(file, `public_url: ${portal.url}\n`)
  await portal.start()
  const shown = await ada.open(`${portal.url}/setup/name`)
  expect(shown.text).toContain(`<strong>${portal.url}</strong>, settled by <code>${file}:1: public_url</code>`)
  expect(shown.text).not.toContain('name="public_url"')
  const after = await ada.submit(shown, '/setup/name', { name: 'Acme', public_url: SETTLED })
  expect(new URL(after.url).pathname).toBe('/setup/server')
  expect(existsSync(storedIn(portal))).toBe(false)
})

test('an address that cannot be stored is told on the form, and the audit has it', async () => {
  const portal = await freshPortal()
  const ada = await owner(portal)
  mkdirSync(join(storedIn(portal), 'in-the-way'), { recursive: true })
  const form = await ada.open(`${portal.url}/setup/name`)
  const refused = await ada.submit(form, '/setup/name', { name: 'Acme', public_url: SETTLED })
  expect(refused.status).toBe(400)
  expect(refused.text).toContain(`could not be written to ${storedIn(portal)}`)
  expect(readdirSync(portal.data).filter((name) => name.startsWith('setup.json'))).toEqual(['setup.json'])
  const [row] = await portal.api<object[]>('GET', `${LOGS}?method=POST /setup/name&phase=ended`)
  expect(row).toMatchObject({ outcome: 'failed', error: 'not-written' })
})

test('doctor says that nobody is owner, and how somebody becomes it; the pages do too', async () => {
  const portal = await freshPortal()
  expect((await portico(portal, {}, 'doctor')).out).toMatch(
    /warning +owner +nobody is owner yet.*\n +.*portico admin link/,
  )
  for (const path of ['/', '/sign-in']) {
    expect(await (await fetch(`${portal.url}${path}`)).text()).toContain('Nobody is owner of this portal yet.')
  }
  await owner(portal)
  expect((await portico(portal, {}, 'doctor')).out).not.toContain('nobody is owner')
  for (const path of ['/', '/sign-in']) {
    expect(await (await fetch(`${portal.url}${path}`)).text()).not.toContain('Nobody is owner')
  }
})

// [PAGE-1]
test('every state of every step is readable by everyone', async () => {
  const mail = { PORTICO_SMTP_HOST: '127.0.0.1', PORTICO_SMTP_FROM: 'portal@acme.test', PORTICO_SMTP_TLS: 'none' }
  const portal = await freshPortal(mail)
  const { url } = portal
  const page = await browser.visitor()
  const complaints = complaintsOf(page)
  const faults: string[] = []
  const look = async (name: string) => void faults.push(...(await faultsEverywhere(page, `setup-${name}`)))
  await page.goto(url)
  await look('home-without-owner')
  await page.goto(`${url}/setup`)
  await look('sign-in-without-owner')
  await becomeOwner(page, portal)
  await page.getByText('What a public address needs').click()
  await look('name')
  await page.getByLabel('Public address').fill('mcp.acme.test')
  await page.getByRole('button', { name: 'Save and go on' }).click()
  await page.getByRole('alert').waitFor()
  await look('name-wrong')
  await page.getByLabel('Public address').fill(SETTLED)
  await press(page, 'Save and go on', `${url}/setup/server`)
  await look('server')
  await page.getByLabel('Name', { exact: true }).fill('Portal')
  await page.getByLabel('Address').fill('example')
  await page.getByRole('button', { name: 'Add the server' }).click()
  await page.getByRole('alert').waitFor()
  await look('server-wrong')
  for (const [name, address] of [
    ['Gone', 'http://127.0.0.1:2/mcp'],
    ['Handbook', `${server.origin}/mcp`],
  ] as const) {
    await page.getByLabel('Name', { exact: true }).fill(name)
    await page.getByLabel('Address').fill(address)
    await page.getByRole('button', { name: 'Add the server' }).click()
    await page.getByText(name, { exact: true }).waitFor()
  }
  await look('server-added')
  await page.getByRole('button', { name: 'Ask again: Gone' }).click()
  await page.getByText('does not work yet').waitFor()
  await page.getByRole('button', { name: 'Remove: Gone' }).click()
  await page.getByText('Gone', { exact: true }).waitFor({ state: 'detached' })
  await page.waitForURL(`${url}/setup/server`)
  await press(page, 'Go on', `${url}/setup/sign-in`)
  await page.getByRole('button', { name: 'Offer codes by mail' }).click()
  await page.getByRole('alert').waitFor()
  await look('sign-in')
  for (const type of ['azureAD', 'oidc']) {
    await page.goto(`${url}/setup/sign-in/${type}`)
    await look(`sign-in-${type}`)
  }
  await page.getByLabel('Name', { exact: true }).fill('Acme account')
  await page.getByLabel('Issuer').fill(`${provider.issuer}/elsewhere`)
  await page.getByLabel('Client ID').fill('portico')
  await page.getByLabel('Domains of your addresses').fill('no domain, -')
  await page.getByLabel('It is on this machine').check()
  await page.getByRole('button', { name: 'Add it' }).click()
  await page.getByRole('alert').waitFor()
  await look('sign-in-oidc-wrong')
  await page.getByLabel('Domains of your addresses').fill('acme.test')
  await page.getByRole('button', { name: 'Add it' }).click()
  await page.waitForURL(/\/at\//)
  await look('provider')
  await page.getByRole('button', { name: 'Try it' }).click()
  await page.getByRole('alert').waitFor()
  await look('provider-wrong')
  await page.getByRole('button', { name: 'Remove it: Acme account' }).click()
  await page.getByLabel('I know that everybody with a mailbox').check()
  await press(page, 'Offer codes by mail', `${url}/setup/sign-in`)
  await page.getByText('gets a code of eight digits by mail').waitFor()
  await look('sign-in-with-codes')
  await page.getByRole('button', { name: /^Go on/ }).click()
  await page.waitForURL(`${url}/setup/client`)
  await look('client')
  await press(page, 'Finish without', `${url}/setup`)
  await look('done')
  await page.goto(url)
  await look('home-of-owner')
  expect(faults).toEqual([])
  expect(complaints).toEqual([])
}, 300_000)

describe('whoever is no owner', () => {
  let home: LivedIn
  let url: string
  beforeAll(async () => {
    home = await startLivedIn()
    url = home.portal.url
  })
  afterAll(() => home?.close())

  const STEPS = PAGES.filter(({ path }) => path.startsWith('/setup') && !/^\/setup\/(?:link|password)/.test(path))
  const at = (path: string) => `${url}${path.replace(':type', 'google').replace(':id', 'x')}`
  const grace = async (): Promise<Person> => {
    const person = new Person(url, home.provider.issuer)
    const asked = await person.submit(await person.open(`${url}/sign-in`), `/sign-in/to/${home.providerId}`)
    await person.open(`${asked.url}?user=grace`)
    return person
  }
  const state = async () => {
    const [servers, providers, organization, portals] = await Promise.all(
      [SERVERS, PROVIDERS, '/access/organizations', PORTALS].map((path) => home.portal.api('GET', path)),
    )
    return JSON.stringify([servers, providers, organization, portals].map((answer) => answer?.body.result))
  }

  // [SETUP-4]
  test.each(['no role', 'auditor', 'admin'])('with %s is told whom to ask, and changes nothing', async (role) => {
    if (role !== 'no role') {
      const given = await home.portal.api<{ id: string }>('POST', '/access/roles', { role, email: 'grace@acme.test' })
      expect(given.status).toBe(200)
      cleanups.push(() => home.portal.api('DELETE', `/access/roles/${given.body.result.id}`))
    }
    const person = await grace()
    const before = await state()
    // The token is the browser's, so a form of any page carries it.
    const own = /name="form_token" value="([^"]+)"/.exec((await person.open(`${url}/sign-out`)).text)?.[1] ?? ''
    expect(own).not.toBe('')
    for (const { method, path } of STEPS) {
      const filled = { form_token: own, step: 'name', name: 'Evil', hostname: 'https://evil.test/mcp', id: 'handbook' }
      const body = { ...filled, client_id: 'x', client_secret: 'x', email_domains: 'evil.test', public_url: SETTLED }
      const sent = { headers: { cookie: person.cookies(url), origin: url }, redirect: 'manual' as const }
      const answer =
        method === 'GET'
          ? await fetch(at(path), sent)
          : await fetch(at(path), { ...sent, method, body: new URLSearchParams(body) })
      expect([method, path, answer.status]).toEqual([method, path, 403])
      expect(await answer.text()).toContain('Ask whoever set this portal up')
    }
    expect(await state()).toBe(before)
    expect(existsSync(join(home.portal.data, 'setup.json'))).toBe(false)
    expect((await person.open(url)).text).not.toContain('/setup')
  })

  test('is asked to sign in where nobody is known, and comes back', async () => {
    const ada = new Person(url)
    const asked = await ada.open(`${url}/setup/server`)
    expect(asked.url).toBe(`${url}/sign-in?return_to=%2Fsetup%2Fserver`)
    const back = await ada.submit(asked, '/sign-in/local', ADA)
    expect(new URL(back.url).pathname).toBe('/setup/server')
  })

  test('but another site, with an owner’s browser, changes nothing', async () => {
    const ada = new Person(url)
    await ada.submit(await ada.open(`${url}/sign-in`), '/sign-in/local', ADA)
    const before = await state()
    const cookie = ada.cookies(url)
    for (const { path } of STEPS.filter(({ method }) => method === 'POST')) {
      for (const [headers, form_token] of [
        [{ cookie, origin: 'https://evil.test', 'sec-fetch-site': 'cross-site' }, 'a'.repeat(64)],
        [{ cookie }, 'a'.repeat(64)],
        [{ cookie }, ''],
      ] as const) {
        const body = new URLSearchParams({ form_token, step: 'name', name: 'Evil', public_url: SETTLED })
        const answer = await fetch(at(path), { method: 'POST', headers, body, redirect: 'manual' })
        expect([path, answer.status]).toEqual([path, 403])
      }
    }
    expect(await state()).toBe(before)
  })

  // [SETUP-5]
  test('and looking changes nothing, whoever looks: no deed is in the audit, and nobody is asked anything', async () => {
    const ada = new Person(url)
    await ada.submit(await ada.open(`${url}/sign-in`), '/sign-in/local', ADA)
    const deeds = async () => (await home.portal.api<unknown[]>('GET', `${LOGS}?plane=admin&limit=1`)).body.result
    const before = [await state(), await deeds()]
    for (const { path } of STEPS.filter(({ method }) => method === 'GET')) {
      const query = '?step=name&name=Evil&public_url=https://evil.test&id=handbook'
      await ada.open(at(path).replace('/at/x', `/at/${home.providerId}`) + query)
    }
    expect([await state(), await deeds()]).toEqual(before)
    expect(existsSync(join(home.portal.data, 'setup.json'))).toBe(false)
  })

  test('a provider’s name, a server’s name and what is typed stand on the pages as text', async () => {
    const ada = new Person(url)
    await ada.submit(await ada.open(`${url}/sign-in`), '/sign-in/local', ADA)
    const hostile = '"><script>alert(1)</script>'
    const form = await ada.open(`${url}/setup/server`)
    const shown = await ada.submit(form, '/setup/server', { name: hostile, hostname: hostile, id: hostile })
    expect(shown.status).toBe(400)
    expect(shown.text).not.toContain('<script>alert')
    expect(shown.text).toContain('&quot;&gt;&lt;script&gt;alert')
  })
})
