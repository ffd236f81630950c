/** A server's credential in the console: authenticated in the browser at a real authorization server, replaced, ended, and never shown. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { begin, type DraftStep, differing, step } from '../../web/src/parts/draft-steps.ts'
import { faultsEverywhere, type Page } from '../browser.ts'
import { json, modern, type ScriptedServer, startScripted } from '../scripted-server.ts'
import type { OauthUpstream } from '../support/oauth-upstream/model.ts'
import { startOauthUpstream } from '../support/oauth-upstream/start.ts'
import { type ConsoleRoom, openConsoleRoom } from './console-room.ts'
import { confirm } from './people-room.ts'

const SERVERS = '/access/ai-controls/mcp/servers'
const SECRET = 'the-secret-of-the-portal-there'
const KEY = 'the-second-key-of-the-ledger'

let room: ConsoleRoom
let notes: OauthUpstream
let strict: OauthUpstream
let closed: ScriptedServer

beforeAll(async () => {
  const list = modern(() => {})
  room = await openConsoleRoom()
  const byHand = { client_id: 'portico', client_secret: SECRET, redirect_uris: [`${room.url}/servers-callback/strict`] }
  ;[notes, strict, closed] = await Promise.all([
    startOauthUpstream(),
    startOauthUpstream({ noRegistration: true, clients: [byHand] }),
    startScripted((seen, response, request) =>
      seen.headers['x-api-key'] === KEY ? list(seen, response, request) : json(response, {}, 401),
    ),
  ])
})
afterAll(async () => {
  await room?.close()
  await Promise.all([notes?.close(), strict?.close(), closed?.close()])
})

async function add(id: string, upstream: OauthUpstream): Promise<void> {
  const body = { id, name: id, hostname: upstream.url, auth_type: 'oauth', allow_private: upstream.places }
  expect((await room.home.portal.api('POST', SERVERS, body)).body.errors).toEqual([])
}

const at = (id: string, tab = ''): string => `${room.url}/admin/servers/${id}${tab === '' ? '' : `?tab=${tab}`}`

/** From the console to the place where one signs in. */
async function leave(page: Page, button = 'Authenticate'): Promise<void> {
  await page.getByRole('button', { name: button, exact: true }).click()
  await page.getByRole('heading', { name: /^Connect / }).waitFor()
  const { pathname: from } = new URL(page.url())
  await page.getByRole('button', { name: 'Connect', exact: true }).click()
  const title = page.getByRole('heading', { level: 1 })
  await expect
    .poll(async () => page.url().startsWith(room.url + from) && (await title.innerText()).startsWith('Connect '))
    .toBe(false)
}

/** At that place, and on to the question whose account it is. */
async function signInThere(page: Page, account: string): Promise<void> {
  await page.getByRole('textbox').fill(account)
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Is this the right account?' }).waitFor()
}

test('a server is authenticated in the browser, back in the console its tools are listed, and its account is ended and renewed', async () => {
  await add('notes', notes)
  const { page, complaints } = await room.open('/servers/notes')
  await page.getByText('Not authenticated yet').waitFor()
  expect(await faultsEverywhere(page, 'console-account-none')).toEqual([])
  await leave(page)
  await signInThere(page, 'carol')
  await page.getByRole('button', { name: 'Connect this account' }).click()
  await page.waitForURL(at('notes'))
  await page.getByText(/^Authenticated, and synced: \d+ tools/).waitFor()
  await page.getByText('as carol').waitFor()
  expect(await faultsEverywhere(page, 'console-account-ready')).toEqual([])
  const shown = await room.home.portal.api('GET', `${SERVERS}/notes`)
  expect(shown.body.result).toMatchObject({ authentication_status: 'connected', status: 'ready' })

  // Taken back at the other side: the next sync finds out, and says what to do.
  notes.revoke('carol')
  await page.getByRole('button', { name: 'Sync now' }).click()
  await page.getByRole('alert').filter({ hasText: 'Calls that need this account fail' }).waitFor()
  expect(await page.getByText('Authenticated, and synced').count()).toBe(0)
  expect(await faultsEverywhere(page, 'console-account-over')).toEqual([])
  notes.forgetLogins()
  await leave(page, 'Authenticate again')
  await signInThere(page, 'dora')
  await page.getByRole('button', { name: 'Connect this account' }).click()
  await page.waitForURL(at('notes'))
  await page.getByText('as dora').waitFor()

  await page.getByRole('tab', { name: 'Credentials' }).click()
  await page.getByRole('listitem').filter({ hasText: 'For everybody' }).filter({ hasText: 'dora' }).waitFor()
  expect(await faultsEverywhere(page, 'console-credentials-oauth')).toEqual([])
  const text = await page.content()
  for (const secret of notes.secrets) expect(text).not.toContain(secret)
  await confirm(page, 'Disconnect')
  await page.getByText('Not authenticated yet').waitFor()
  await page.getByText('Nobody has connected one yet.').waitFor()
  expect(complaints).toEqual([])
  await page.close()
})

test('a no at the provider, an answer of another way and a server that is gone say what to do, and lead back', async () => {
  await add('odd', notes)
  const { page } = await room.open('/servers/odd')
  notes.forgetLogins()
  notes.faults.denied = true
  await leave(page)
  await page.getByRole('heading', { name: 'It was not allowed there' }).waitFor()
  notes.faults.denied = false
  await page.getByRole('link', { name: 'Back to the server in the console' }).click()
  await page.getByText('It was not authenticated').waitFor()
  expect(await faultsEverywhere(page, 'console-account-not-yet')).toEqual([])

  await leave(page)
  await page.goto(`${room.url}/servers-callback/odd?code=stolen&state=another`)
  await page.getByRole('heading', { name: 'This is over, or began in another browser' }).waitFor()
  await page.getByText('Begin again').waitFor()

  await page.goto(at('odd'))
  await leave(page)
  await signInThere(page, 'erin')
  await page.getByRole('button', { name: 'Not my account' }).click()
  await page.getByRole('link', { name: 'Back to the server in the console' }).click()
  await page.waitForURL(at('odd'))

  notes.forgetLogins()
  await leave(page)
  await page.getByRole('textbox').waitFor()
  await room.home.portal.api('DELETE', `${SERVERS}/odd`)
  await page.getByRole('textbox').fill('erin')
  await page.keyboard.press('Enter')
  await page.waitForURL(({ origin }) => origin === room.url)
  await page.getByText('or for a server that was changed or removed meanwhile').waitFor()
  await page.goto(at('odd'))
  await page.getByRole('alert').filter({ hasText: 'There is no' }).waitFor()
  await page.close()
})

test('where nobody is registered by itself, a client is written down by form, its secret is kept and never shown, and it is the one that is used', async () => {
  await add('strict', strict)
  const { page, complaints } = await room.open('/servers/strict')
  await leave(page)
  await page.getByRole('heading', { name: 'The server does not know this portal yet' }).waitFor()
  await page.getByRole('link', { name: 'Back to the server in the console' }).click()
  await page.getByText('It was not authenticated').waitFor()
  await page.getByRole('link', { name: 'Write down a client' }).click()
  await page.getByLabel('How it is known').selectOption('manual')
  expect(await faultsEverywhere(page, 'console-client-manual')).toEqual([])
  await page.getByLabel('Client ID').fill('portico')
  await page.getByLabel('Client secret', { exact: false }).first().fill(SECRET)
  await page.getByLabel('Authorization endpoint').fill('nowhere')
  await page.getByLabel('Token endpoint').fill(`${strict.issuer}/token`)
  await page.getByLabel('Issuer').fill(strict.issuer)
  await page.getByLabel('Scopes', { exact: true }).fill('openid email notes:read')
  await page.getByRole('button', { name: 'Save the client' }).click()
  await page.getByText('begins with http').waitFor()
  const { authorization_endpoint, token_endpoint } = (await (
    await fetch(`${strict.issuer}/.well-known/oauth-authorization-server`)
  ).json()) as Record<string, string>
  await page.getByLabel('Authorization endpoint').fill(authorization_endpoint ?? '')
  await page.getByLabel('Token endpoint').fill(token_endpoint ?? '')
  await page.getByRole('button', { name: 'Save the client' }).click()
  await page.getByText('One is stored (number 1)').waitFor()
  await page.getByText(`${room.url}/servers-callback/strict`).waitFor()
  expect(await page.getByLabel('Client secret', { exact: false }).first().inputValue()).toBe('')
  expect(await faultsEverywhere(page, 'console-client-stored')).toEqual([])
  await expect.poll(() => page.content()).not.toContain(SECRET)
  await leave(page)
  await signInThere(page, 'frank')
  await page.getByRole('button', { name: 'Connect this account' }).click()
  await page.getByText(/^Authenticated, and synced/).waitFor()

  const { page: auditors } = await room.openAs('auditor', '/servers/strict?tab=credentials')
  await auditors.getByText('it lacks servers:write').waitFor()
  await auditors.getByText('For everybody').waitFor()
  expect(await auditors.getByLabel('Client ID').isDisabled()).toBe(true)
  for (const name of ['Authenticate again', 'Make a link', 'Disconnect', 'Save the client', 'End'])
    expect(await auditors.getByRole('button', { name }).count(), name).toBe(0)
  expect(await faultsEverywhere(auditors, 'console-credentials-auditor')).toEqual([])
  await auditors.close()

  await page.getByRole('tab', { name: 'Credentials' }).click()
  await page.getByLabel('How it proves itself').selectOption('none')
  await page.getByRole('button', { name: 'Save the client' }).click()
  await expect
    .poll(async () => (await room.home.portal.api('GET', `${SERVERS}/strict`)).body.result)
    .toMatchObject({ auth_config_summary: { has_client_secret: false } })
  expect(complaints).toEqual([])
  await page.close()
})

test('a credential that is refused is replaced by headers, in the form that says that one is stored', async () => {
  const body = { id: 'ledger', name: 'Ledger', hostname: `${closed.origin}/mcp`, auth_type: 'bearer' }
  await room.home.portal.api('POST', SERVERS, { ...body, auth_credentials: 'the-first-key-of-the-ledger' })
  const { page, complaints } = await room.open('/servers/ledger')
  await page.getByRole('status').getByRole('link', { name: 'Credentials' }).click()
  await page.getByText('One is stored, encrypted').waitFor()
  await page.getByLabel('What it wants').selectOption('headers')
  await page.getByLabel('Header', { exact: true }).fill('X-Api-Key')
  await page.getByLabel('Value', { exact: true }).fill(KEY)
  expect(await faultsEverywhere(page, 'console-credentials-headers')).toEqual([])
  await page.getByRole('button', { name: 'Replace it' }).click()
  await page.getByText('The new one is stored.').waitFor()
  await expect.poll(() => page.content()).not.toContain(KEY)
  await page.getByRole('tab', { name: 'Overview' }).click()
  await page.getByText('It answers, and its tools are known.').waitFor()

  await page.getByRole('tab', { name: 'Settings' }).click()
  await page.getByLabel('Tell the server who calls').check()
  await page.getByRole('combobox', { name: 'What it is told beside who it is' }).fill('groups')
  await page.keyboard.press('Enter')
  await page.getByLabel('Description', { exact: true }).fill('Mine')
  // Meanwhile somebody else, by the API.
  await room.home.portal.api('PUT', `${SERVERS}/ledger`, { name: 'Ledger of all', description: 'Theirs' })
  const look = async () => {
    await page.evaluate("window.dispatchEvent(new Event('visibilitychange'))")
    return told.isVisible()
  }
  const told = page.getByRole('alert').filter({ hasText: 'This was changed elsewhere meanwhile' })
  await expect.poll(look).toBe(true)
  expect(await told.innerText()).toContain('Changed elsewhere: Name, Description.')
  expect(await page.getByLabel('Description', { exact: true }).inputValue()).toBe('Mine')
  expect(await page.getByRole('button', { name: 'Save' }).isDisabled()).toBe(true)
  expect(await faultsEverywhere(page, 'console-server-elsewhere')).toEqual([])
  await told.getByRole('button', { name: 'Keep what I typed' }).click()
  expect(await page.getByRole('textbox', { name: 'Name' }).inputValue()).toBe('Ledger of all')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByText('Saved.').waitFor()
  await page.getByText('The audience (aud)').first().waitFor()
  const { result } = (await room.home.portal.api<{ identity_audience: string }>('GET', `${SERVERS}/ledger`)).body
  expect(result).toMatchObject({ name: 'Ledger of all', description: 'Mine', identity_claims: ['groups'] })
  await page.getByText(result.identity_audience).waitFor()
  expect(complaints).toEqual([])
  await page.close()
})

interface Both {
  name: string
  about: string
}

const STORED: Both = { name: 'a', about: 'b' }
const mine: DraftStep<Both> = { kind: 'type', part: { about: 'mine' } }
const read = (part: Partial<Both>): DraftStep<Both> => ({ kind: 'read', stored: { ...STORED, ...part } })

const drafts: readonly { when: string; steps: DraftStep<Both>[]; values: Both; elsewhere: string[] }[] = [
  { when: 'nothing was typed', steps: [read({ name: 'x' })], values: { name: 'x', about: 'b' }, elsewhere: [] },
  {
    when: 'something was',
    steps: [mine, read({ name: 'x' })],
    values: { name: 'a', about: 'mine' },
    elsewhere: ['name'],
  },
  {
    ...{ when: 'it is kept', steps: [mine, read({ name: 'x' }), { kind: 'keep' }] },
    ...{ values: { name: 'x', about: 'mine' }, elsewhere: [] },
  },
  {
    ...{ when: 'it is let go', steps: [mine, read({ name: 'x', about: 'y' }), { kind: 'drop' }] },
    ...{ values: { name: 'x', about: 'y' }, elsewhere: [] },
  },
  {
    ...{ when: 'it is what somebody else wrote', steps: [mine, read({ about: 'mine' })] },
    ...{ values: { name: 'a', about: 'mine' }, elsewhere: [] },
  },
  {
    ...{ when: 'it is saved, and read before that is known', values: { name: 'a', about: 'MINE' }, elsewhere: [] },
    steps: [mine, { kind: 'send' }, read({ about: 'MINE' }), { kind: 'saved' }],
  },
  {
    ...{ when: 'it is saved, and read after', values: { name: 'a', about: 'MINE' }, elsewhere: [] },
    steps: [mine, { kind: 'send' }, { kind: 'saved' }, read({ about: 'MINE' })],
  },
  {
    ...{ when: 'it is saved and not read yet', values: { name: 'a', about: 'mine' }, elsewhere: [] },
    steps: [mine, { kind: 'send' }, { kind: 'saved' }],
  },
  {
    ...{ when: 'it goes on while it is saved', values: { name: 'typed on', about: 'mine' }, elsewhere: [] },
    steps: [
      mine,
      { kind: 'send' },
      { kind: 'type', part: { name: 'typed on' } },
      read({ about: 'mine' }),
      { kind: 'saved' },
    ],
  },
  {
    ...{ when: 'it is refused, and somebody else wrote', values: { name: 'a', about: 'mine' }, elsewhere: ['name'] },
    steps: [mine, { kind: 'send' }, read({ name: 'x' }), { kind: 'failed' }],
  },
]
test.each(drafts)('a draft stays what it is until its writer says otherwise: $when', ({ steps, values, elsewhere }) => {
  const state = steps.reduce(step<Both>, begin(STORED))
  expect(state.values).toEqual(values)
  expect(state.isBehind ? [] : differing(state.base, state.stored)).toEqual(elsewhere)
})
