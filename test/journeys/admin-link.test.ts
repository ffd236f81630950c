/** The first person becomes owner: by the link that a start offers, by the one that the command line makes, or from the settings. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { run } from '../../src/cli/program.ts'
import { faultsEverywhere, openBrowser } from '../browser.ts'
import { type Page, Person } from '../person.ts'
import { type PorticoProcess, startPorticoProcess } from '../portico-process.ts'

const ADA = { email: 'ada@acme.test', name: 'Ada', password: 'correct horse battery staple' }
const LINK = /http:\/\/127\.0\.0\.1:\d+\/setup\/link\/[\w-]{43}/

let portal: PorticoProcess
afterEach(async () => {
  await portal.end('SIGTERM')
  await portal.remove()
})

/** What the program says last at its start, the link is made before. */
const greeted = (): Promise<void> => until(() => portal.output().includes('owner token'))

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 25))
}

const linkFile = (): string => join(portal.data, 'admin-link')
const linkIn = (text: string): string => LINK.exec(text)?.[0] ?? ''

function use(person: Person, shown: Page, fields: Partial<typeof ADA> = {}): Promise<Page> {
  return person.submit(shown, new URL(shown.url).pathname, { ...ADA, ...fields })
}

async function portico(...argv: string[]) {
  let [out, err] = ['', '']
  const stdout = { write: (text: string) => (out += text) }
  const stderr = { write: (text: string) => (err += text) }
  const env = { PORTICO_URL: portal.url, PORTICO_DATA: portal.data }
  const code = await run({ argv, env, cwd: portal.data, stdout, stderr })
  return { code, out, err }
}

// [SIGNIN-1]
test('where nobody reads a terminal it lies in a private file; it is looked at twice, used once, and stands nowhere else', async () => {
  portal = await startPorticoProcess({ LOG_LEVEL: 'debug' })
  await greeted()
  expect(statSync(linkFile()).mode & 0o777).toBe(0o600)
  const link = readFileSync(linkFile(), 'utf8').trim()
  expect(link).toMatch(new RegExp(`^${LINK.source}$`))

  const [scanner, ada, eve] = [new Person(portal.url), new Person(portal.url), new Person(portal.url)]
  for (const who of [scanner, ada, eve]) {
    const seen = await who.open(link)
    expect([seen.status, seen.headers.get('referrer-policy')]).toEqual([200, 'same-origin'])
  }
  const wrong = await use(ada, await ada.open(link), { password: 'short-one' })
  expect(wrong.status).toBe(400)
  expect(wrong.text).toContain('at least 12')
  const evesForm = await eve.open(link)
  const home = await use(ada, wrong)
  expect([home.status, new URL(home.url).pathname]).toEqual([200, '/setup/name'])
  expect(home.text).toContain(ADA.email)
  expect((await use(eve, evesForm, { email: 'eve@acme.test' })).status).toBe(410)
  expect((await ada.open(link)).status).toBe(410)

  const token = link.slice(-43)
  const forms = [token, Buffer.from(token, 'base64url').toString('hex'), Buffer.from(token).toString('base64')]
  expect(forms.filter((form) => portal.output().includes(form))).toEqual([])
  await portal.end('SIGTERM')
  const files = readdirSync(portal.data, { recursive: true, encoding: 'utf8' }).filter((name) => name !== 'admin-link')
  const holding = files.filter((name) => {
    const path = join(portal.data, name)
    return statSync(path).isFile() && forms.some((form) => readFileSync(path).includes(form))
  })
  expect(files).toContain('portico.db')
  expect(holding).toEqual([])

  await portal.start()
  await until(() => portal.output().split('owner token').length > 2)
  expect(existsSync(linkFile())).toBe(false)
})

test('a form that another site sends uses nothing up', async () => {
  portal = await startPorticoProcess()
  await greeted()
  const link = readFileSync(linkFile(), 'utf8').trim()
  const ada = new Person(portal.url)
  const shown = await ada.open(link)
  const body = new URLSearchParams({ ...ADA, form_token: 'a'.repeat(64) })
  const answer = await fetch(link, { method: 'POST', body, headers: { cookie: ada.cookies(portal.url) } })
  expect(answer.status).toBe(403)
  expect((await use(ada, shown)).status).toBe(200)
})

test('a terminal shows it, and no file does', async () => {
  // A shell whose words are the portal's command, in a terminal of its own.
  portal = await startPorticoProcess({}, { through: ['sh', '-c', 'exec script -qec "exec $*" /dev/null', 'sh'] })
  await until(() => portal.output().includes('Ctrl-C stops it'))
  const link = linkIn(portal.output())
  expect(existsSync(linkFile())).toBe(false)
  const ada = new Person(portal.url)
  expect((await use(ada, await ada.open(link))).status).toBe(200)
  await portal.end('SIGTERM')
  await until(() =>
    fetch(`${portal.url}/healthz`).then(
      () => false,
      () => true,
    ),
  )
})

// [PAGE-1]
test('its page is readable by everyone in every state, and does its work without script', async () => {
  const browser = await openBrowser()
  try {
    portal = await startPorticoProcess()
    await greeted()
    const link = readFileSync(linkFile(), 'utf8').trim()
    const looking = await browser.visitor()
    await looking.goto(link)
    const faults = await faultsEverywhere(looking, 'admin-link')
    await looking.getByLabel('Email address').fill(ADA.email)
    await looking.getByLabel('Password').fill(ADA.email)
    await looking.getByRole('button', { name: 'Become the owner' }).click()
    await looking.getByRole('alert').waitFor()
    expect(await looking.getByRole('alert').innerText()).toContain('The password is the address')
    expect(await looking.getByLabel('Email address').inputValue()).toBe(ADA.email)
    faults.push(...(await faultsEverywhere(looking, 'admin-link-wrong')))
    expect(faults).toEqual([])

    const plain = await browser.visitor({ script: false, width: 375 })
    await plain.goto(link)
    await plain.getByLabel('Email address').fill(ADA.email)
    await plain.getByLabel('Password').fill(ADA.password)
    await plain.keyboard.press('Enter')
    await plain.waitForURL(`${portal.url}/setup/name`)
    expect(await plain.locator('header.brand').innerText()).toContain(ADA.email)
  } finally {
    await browser.close()
  }
})

describe('the command line', () => {
  test('makes another link, which ends the one before, and none once somebody is owner', async () => {
    portal = await startPorticoProcess()
    await greeted()
    const first = readFileSync(linkFile(), 'utf8').trim()
    const made = await portico('admin', 'link')
    expect([made.code, made.out.trim()]).toEqual([0, linkIn(made.out)])
    const ada = new Person(portal.url)
    expect((await ada.open(first)).status).toBe(410)
    expect((await use(ada, await ada.open(made.out.trim()))).status).toBe(200)
    const refused = await portico('admin', 'link')
    expect([refused.code, refused.out]).toEqual([1, ''])
    expect(refused.err).toContain('There is an owner already. An owner makes others: portico roles add owner --email')
  })

  test('hands on a link by which a person sets their password, on a page that is readable by everyone', async () => {
    portal = await startPorticoProcess()
    const { code, out } = await portico('admin', 'password', ADA.email)
    expect([code, out]).toEqual([0, expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/setup\/password\/[\w-]{43}\n$/)])
    const browser = await openBrowser()
    try {
      const ada = await browser.visitor()
      await ada.goto(out.trim())
      const faults = await faultsEverywhere(ada, 'password-link')
      await ada.getByLabel('Password, at least 12').fill(ADA.email)
      await ada.getByRole('button', { name: 'Set the password' }).click()
      await ada.getByRole('alert').waitFor()
      faults.push(...(await faultsEverywhere(ada, 'password-link-wrong')))
      await ada.getByLabel('Password, at least 12').fill(ADA.password)
      await ada.getByRole('button', { name: 'Set the password' }).click()
      await ada.getByRole('heading', { name: 'Your password is set' }).waitFor()
      faults.push(...(await faultsEverywhere(ada, 'password-link-set')))
      expect(faults).toEqual([])
    } finally {
      await browser.close()
    }
    const ada = new Person(portal.url)
    const signedIn = await ada.submit(await ada.open(`${portal.url}/sign-in`), '/sign-in/local', ADA)
    expect(signedIn.text).toContain(ADA.email)
    expect((await ada.open(out.trim())).status).toBe(410)
  })

  // [SIGNIN-6]
  test('gives and takes roles, and keeps the last owner, whom the settings made', async () => {
    portal = await startPorticoProcess({
      ...{ PORTICO_BOOTSTRAP_ADMIN_EMAIL: ADA.email, PORTICO_BOOTSTRAP_ADMIN_PASSWORD: ADA.password },
    })
    await greeted()
    expect(existsSync(linkFile())).toBe(false)
    expect(portal.output()).not.toContain(ADA.password)
    expect((await portico('roles', 'add', 'auditor', '--email', 'Eve@acme.test')).code).toBe(0)
    const listed = await portico('--json', 'roles', 'list')
    const members = JSON.parse(listed.out) as { id: string; role: string; email: string }[]
    expect(members.map(({ role, email }) => [role, email])).toEqual([
      ['owner', ADA.email],
      ['auditor', 'eve@acme.test'],
    ])
    const [owner, auditor] = members.map(({ id }) => id)
    expect((await portico('roles', 'remove', auditor ?? '')).code).toBe(0)
    const last = await portico('roles', 'remove', owner ?? '')
    expect([last.code, last.err]).toEqual([1, expect.stringContaining('This is the last owner')])
    const nobody = await portico('roles', 'add', 'admin')
    expect([nobody.code, nobody.err]).toEqual([2, expect.stringContaining('Say whom: --email or --group')])

    const ada = new Person(portal.url)
    const signedIn = await ada.submit(await ada.open(`${portal.url}/sign-in`), '/sign-in/local', ADA)
    expect(signedIn.text).toContain(ADA.email)
  })
})
