/** The settings, in a real browser: what is made there works, is shown once, and ends when it is ended. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { faultsEverywhere } from '../browser.ts'
import { type Receiver, startReceiver } from '../webhook-room.ts'
import { type ConsoleRoom, openConsoleRoom } from './console-room.ts'
import { confirm, passProvider, takeSecrets } from './people-room.ts'

let room: ConsoleRoom
let receiver: Receiver
beforeAll(async () => {
  ;[room, receiver] = await Promise.all([openConsoleRoom(), startReceiver()])
})
afterAll(async () => {
  await Promise.all([room?.close(), receiver?.close()])
})

test('an identity provider is checked, and a real sign-in through it is told, by whom and why not', async () => {
  const { page, complaints } = await room.open('/settings/providers')
  await page.getByRole('row').filter({ hasText: 'Acme account' }).click()
  await page.getByRole('button', { name: 'Check it' }).click()
  await page.getByText('It can be used.').waitFor()
  await page.getByRole('button', { name: 'Test sign-in' }).click()
  await page.getByText('Waiting for somebody').waitFor()
  expect(await faultsEverywhere(page, 'console-provider')).toEqual([])
  const link = await page.getByRole('region', { name: 'Test sign-in' }).locator('pre').innerText()

  // In a tab of the same browser, whose person stays who they are.
  const opened = page.context().waitForEvent('page')
  await page.getByRole('link', { name: 'Open the test in a new tab' }).click()
  const tester = await opened
  await tester.getByRole('heading', { name: 'Test the sign-in' }).waitFor()
  expect(await faultsEverywhere(tester, 'sign-in-test')).toEqual([])
  await passProvider(tester, room.home.providerId, 'grace')
  await tester.getByRole('heading', { name: 'The sign-in works' }).waitFor()
  expect(await tester.getByRole('status').innerText()).toContain('grace@acme.test')
  expect(await faultsEverywhere(tester, 'sign-in-tested')).toEqual([])
  await tester.goto(room.url)
  await tester.getByText('You are an owner of this portal').first().waitFor()
  await tester.close()
  await page.getByText('It works. The provider vouched for').waitFor()
  expect(await page.getByRole('region', { name: 'Test sign-in' }).innerText()).toContain('grace@acme.test')
  const log = await room.home.portal.api<{ outcome: string; capability: string }[]>(
    'GET',
    `/access/ai-controls/mcp/logs?phase=ended&method=${encodeURIComponent('sign-in test')}`,
  )
  expect(log.body.result).toMatchObject([{ outcome: 'answered', capability: room.home.providerId }])
  const people = await room.home.portal.api<{ email: string }[]>('GET', '/access/users')
  expect(people.body.result.map(({ email }) => email)).not.toContain('grace@acme.test')

  await page.getByLabel('Domains of your addresses').fill('other.test')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByText('The provider is changed.').waitFor()
  const again = await room.browser.visitor()
  await again.goto(link)
  await passProvider(again, room.home.providerId, 'grace')
  await page.getByText('is not verified, or not of one of the domains').waitFor()
  expect(await faultsEverywhere(page, 'console-provider-refused')).toEqual([])
  await page.getByLabel('Domains of your addresses').fill('acme.test')
  await page.getByRole('button', { name: 'Save' }).click()
  const kept = await room.home.portal.api<{ config: object; has_client_secret: boolean }>(
    'GET',
    `/access/identity_providers/${room.home.providerId}`,
  )
  expect(kept.body.result).toMatchObject({ has_client_secret: true, config: { issuer: room.home.provider.issuer } })
  expect(complaints).toEqual([])
})

test('an API token is shown once and does what it may; revoked, it does nothing', async () => {
  const { page, complaints } = await room.open('/settings/tokens')
  await page.getByRole('button', { name: 'Make an API token' }).click()
  await page.getByLabel('Name').fill('Pipeline')
  await page.getByLabel('Role', { exact: true }).selectOption('admin')
  await page.getByLabel('servers:read').check()
  expect(await faultsEverywhere(page, 'console-api-token-new')).toEqual([])
  await page.getByRole('button', { name: 'Make it' }).click()
  const [token = ''] = await takeSecrets(page, 'console-api-token-secret')
  const ask = async (path: string) => {
    const headers = { authorization: `Bearer ${token}` }
    return (await fetch(`${room.url}/client/v4/accounts/default/access/${path}`, { headers })).status
  }
  expect([await ask('ai-controls/mcp/servers'), await ask('users')]).toEqual([200, 403])
  expect(await page.content()).not.toContain(token)
  await confirm(page, 'Revoke')
  await page.getByText('Revoked').first().waitFor()
  expect(await ask('ai-controls/mcp/servers')).toBe(401)
  expect(complaints).toEqual([])
})

test('a webhook is added and tried, and a role is given and taken away', async () => {
  const { page, complaints } = await room.open('/settings/webhooks')
  await page.getByRole('button', { name: 'Add a webhook' }).click()
  await page.getByLabel('Name').fill('Pager')
  await page.getByLabel('Address').fill(receiver.url)
  await page.getByLabel('Place inside').fill(receiver.place)
  await page.getByRole('button', { name: 'Add it' }).click()
  await takeSecrets(page, 'console-webhook-secret')
  await confirm(page, 'Send a test')
  await page.getByText('Delivered').waitFor()
  expect(receiver.received).toHaveLength(1)
  expect(await faultsEverywhere(page, 'console-webhook')).toEqual([])

  await page.getByRole('link', { name: 'Roles' }).click()
  await page.getByRole('button', { name: 'Give a role' }).click()
  await page.getByLabel('Address').fill('kim@acme.test')
  expect(await faultsEverywhere(page, 'console-role-new')).toEqual([])
  await page.getByRole('button', { name: 'Give it' }).click()
  await page.getByRole('row').filter({ hasText: 'kim@acme.test' }).click()
  await confirm(page, 'Take it away')
  await page.getByRole('row').filter({ hasText: 'ada@acme.test' }).waitFor()
  expect(await page.getByText('kim@acme.test').count()).toBe(0)
  expect(complaints).toEqual([])
})

test('the organisation is settled, keys are replaced, and what it was started with is shown', async () => {
  const { page, complaints } = await room.open('/settings')
  await page.getByLabel('A browser stays signed in for').fill('12h')
  await page.getByLabel('An access token is good for').fill('never')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByText('give a duration').waitFor()
  expect(await faultsEverywhere(page, 'console-organization-wrong')).toEqual([])
  await page.getByLabel('An access token is good for').fill('10m')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByText('The settings are kept.').waitFor()
  const settled = await room.home.portal.api('GET', '/access/organizations')
  expect(settled.body.result).toMatchObject({ session_duration: '12h', access_token_lifetime: '10m' })
  await page.getByRole('link', { name: 'Keys' }).click()
  await confirm(page, 'Replace now')
  await page.getByText('A new key signs now.').waitFor()
  expect(await faultsEverywhere(page, 'console-keys')).toEqual([])
  await page.getByRole('link', { name: 'Mail and addresses' }).click()
  await page.getByText('portal@acme.test').waitFor()
  expect(await faultsEverywhere(page, 'console-mail')).toEqual([])
  await page.getByRole('link', { name: 'About' }).click()
  await page.getByText('SQLite').waitFor()
  expect(await faultsEverywhere(page, 'console-about')).toEqual([])
  expect(complaints).toEqual([])
})

test('an auditor reads the settings, and cannot change them', async () => {
  const { page, complaints } = await room.openAs('auditor', '/settings/organization')
  await page.getByText('Your role may look at this').waitFor()
  expect(await page.getByRole('button', { name: 'Save' }).count()).toBe(0)
  expect(await page.getByLabel('A browser stays signed in for').isDisabled()).toBe(true)
  await page.getByRole('link', { name: 'Identity providers' }).click()
  await page.getByRole('row').filter({ hasText: 'Acme account' }).waitFor()
  expect(await page.getByRole('button', { name: 'Add an identity provider' }).count()).toBe(0)
  await page.getByRole('link', { name: 'API tokens' }).click()
  await page.getByRole('row').nth(1).waitFor()
  expect(await page.getByRole('button', { name: 'Make an API token' }).count()).toBe(0)
  expect(complaints).toEqual([])
})
