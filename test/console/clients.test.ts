/** The page about clients, in a real browser: what is made there works, is shown once, and ends when it is ended. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { faultsEverywhere } from '../browser.ts'
import { letIn, REDIRECT, registerClient } from '../oauth-client.ts'
import { ADA, signInAs } from '../page-journey.ts'
import { type ConsoleRoom, openConsoleRoom } from './console-room.ts'
import { confirm, openRealClient, type RealClient, takeSecrets } from './people-room.ts'

let room: ConsoleRoom
const clients: RealClient[] = []
beforeAll(async () => {
  room = await openConsoleRoom()
})
afterAll(async () => {
  for (const client of clients) await client.close().catch(() => {})
  await room?.close()
})

const client = async (headers: Record<string, string>) => {
  const made = await openRealClient(room.url, headers)
  clients.push(made)
  return made
}

test('a service token is made, used by a real client, rotated, and deleted', async () => {
  const { page, complaints } = await room.open('/clients?tab=service')
  await page.getByText('No service tokens yet').waitFor()
  expect(await faultsEverywhere(page, 'console-service-none')).toEqual([])
  await page.getByRole('button', { name: 'Make a service token' }).click()
  await page.getByLabel('Name').fill('Nightly job')
  expect(await faultsEverywhere(page, 'console-service-new')).toEqual([])
  await page.getByRole('button', { name: 'Make it' }).click()
  const [id = '', secret = ''] = await takeSecrets(page, 'console-service-secret')
  const headersOf = (shown: string) => ({ 'cf-access-client-id': id, 'cf-access-client-secret': shown })
  const first = await client(headersOf(secret))
  expect(await first.tools()).toBeGreaterThan(0)
  await page.getByRole('heading', { name: 'Nightly job' }).waitFor()
  expect(await page.content()).not.toContain(secret)

  await confirm(page, 'Rotate')
  const [, fresh = ''] = await takeSecrets(page, 'console-service-rotated')
  expect(fresh).not.toBe(secret)
  expect(await first.stoppedBy()).toBe(401)
  const second = await client(headersOf(fresh))
  expect(await second.tools()).toBeGreaterThan(0)
  await confirm(page, 'Delete')
  await page.getByText('No service tokens yet').waitFor()
  expect(await second.stoppedBy()).toBe(401)
  expect(complaints).toEqual([])
})

test('an OAuth client is written down with a secret that is shown once; an access token is made and revoked', async () => {
  const { page, complaints } = await room.open('/clients')
  await page.getByText('Clients that introduce themselves').waitFor()
  expect(await faultsEverywhere(page, 'console-clients')).toEqual([])
  await page.getByRole('button', { name: 'Write down a client' }).click()
  await page.getByLabel('Name').fill('Desk')
  await page.getByLabel('Redirect URIs').fill('not an address')
  await page.getByLabel('How it proves itself').selectOption('client_secret_basic')
  await page.getByRole('button', { name: 'Write it down' }).click()
  await page.getByRole('alert').waitFor()
  await page.getByLabel('Redirect URIs').fill('https://desk.acme.test/callback')
  await page.getByRole('button', { name: 'Write it down' }).click()
  const [, secret = ''] = await takeSecrets(page, 'console-client-secret')
  expect(secret).toMatch(/^ptcs_/)
  await page.getByText('https://desk.acme.test/callback').waitFor()
  expect(await faultsEverywhere(page, 'console-client')).toEqual([])

  await page.getByRole('tab', { name: 'Access tokens' }).click()
  await page.getByRole('button', { name: 'Make an access token' }).first().click()
  await page.getByLabel('For whom').fill('grace@acme.test')
  await page.getByRole('button', { name: 'Make it' }).click()
  const [token = ''] = await takeSecrets(page, 'console-access-secret')
  const used = await client({ authorization: `Bearer ${token}` })
  expect(await used.tools()).toBeGreaterThan(0)
  await confirm(page, 'Revoke')
  await page.getByText('Revoked').first().waitFor()
  expect(await used.stoppedBy()).toBe(401)
  expect(complaints).toEqual([])
})

test('the rules for clients that introduce themselves: kept unlimited they change nothing, limited they let in what is named alone', async () => {
  const { url, home } = room
  const { page, complaints } = await room.open('/clients')
  const rules = page.getByRole('region', { name: 'Clients that introduce themselves' })
  const save = async (says: Record<string, unknown>) => {
    await rules.getByRole('button', { name: 'Save' }).click()
    const kept = () => home.portal.api('GET', '/access/oauth/configuration').then(({ body }) => body.result)
    await expect.poll(kept).toEqual({ dynamic_client_registration: says })
  }
  await rules.getByLabel('They may').waitFor()
  await save({ enabled: true })
  const ada = await signInAs(home)
  const desk = await registerClient(url)
  const first = await letIn(ada, desk, ADA)
  const remote = await registerClient(url, { redirect_uris: ['https://desk.acme.test/callback'] })

  await rules.getByLabel('Only to the redirect URIs below').check()
  await rules.getByLabel('From 127.0.0.1').check()
  await rules.getByLabel('Redirect URIs that they may have').fill('https://app.acme.test/*/cb')
  await rules.getByRole('button', { name: 'Save' }).click()
  await rules.getByText('may hold "*" only at its end').waitFor()
  expect(await faultsEverywhere(page, 'console-client-rules')).toEqual([])
  await rules.getByLabel('Redirect URIs that they may have').fill('https://app.acme.test/*')
  const limits = { allow_any_on_localhost: false, allow_any_on_loopback: true }
  await save({ enabled: true, ...limits, allowed_uris: ['https://app.acme.test/*'] })
  expect((await desk.refresh(first.tokens.refresh_token)).status).toBe(200)
  await letIn(ada, desk, ADA)
  await registerClient(url, { redirect_uris: ['https://app.acme.test/callback'] })
  await expect(registerClient(url, { redirect_uris: ['https://desk.acme.test/callback'] })).rejects.toThrow('400')
  const refused = await ada.open(remote.authorizeUrl().url)
  expect([refused.status, refused.left]).toEqual([400, null])

  await page.reload()
  expect(await rules.getByLabel('Only to the redirect URIs below').isChecked()).toBe(true)
  expect(await rules.getByLabel('Redirect URIs that they may have').inputValue()).toBe('https://app.acme.test/*')
  await rules.getByLabel('Only to the redirect URIs below').uncheck()
  await save({ enabled: true })
  await letIn(ada, await registerClient(url, { redirect_uris: [REDIRECT.replace('127.0.0.1', 'localhost')] }), ADA)
  expect((await ada.open(remote.authorizeUrl().url)).status).toBe(200)
  expect(complaints).toEqual([])
})

test('an auditor reads the clients, and cannot change them', async () => {
  const { page, complaints } = await room.openAs('auditor', '/clients')
  await page.getByText('Your role may look at this').waitFor()
  expect(await page.getByLabel('They may').isDisabled()).toBe(true)
  for (const button of ['Write down a client', 'Save'])
    expect(await page.getByRole('button', { name: button }).count()).toBe(0)
  expect(complaints).toEqual([])
})
