/** The pages about people and their clients, in a real browser, with real clients that are let in and stopped. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { faultsEverywhere } from '../browser.ts'
import { letIn, registerClient } from '../oauth-client.ts'
import { ADA, signInAs } from '../page-journey.ts'
import { type ConsoleRoom, openConsoleRoom } from './console-room.ts'
import { openRealClient, type RealClient } from './people-room.ts'

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
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

test('a person who is revoked everywhere is stopped at once, browser and clients, and the page shows it', async () => {
  const { url, home } = room
  const grace = await signInAs(home, 'grace')
  const { tokens } = await letIn(grace, await registerClient(url), ADA)
  const letInClient = await client(bearer(tokens.access_token))
  const minted = await client(bearer(await home.portal.userToken('grace@acme.test')))
  for (const each of [letInClient, minted]) expect(await each.tools()).toBeGreaterThan(0)

  const { page, complaints } = await room.open('/people')
  await page.getByRole('row').filter({ hasText: 'grace@acme.test' }).waitFor()
  expect(await faultsEverywhere(page, 'console-people')).toEqual([])
  await page.getByRole('searchbox').fill('GRACE')
  await page.waitForURL(`${url}/admin/people?q=GRACE`)
  const row = page.getByRole('row').filter({ hasText: 'grace@acme.test' })
  await expect.poll(() => page.getByRole('row').count()).toBe(2)
  expect(await row.innerText()).toContain('Acme account')
  await row.getByRole('link').focus()
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { level: 1, name: 'grace@acme.test' }).waitFor()
  await page.getByRole('button', { name: 'End: Test client' }).waitFor()
  await page.getByText('Groups:').waitFor()
  expect(await faultsEverywhere(page, 'console-person')).toEqual([])

  await page.getByRole('button', { name: 'Revoke everywhere' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByRole('button', { name: 'Revoke everywhere' }).waitFor()
  expect(await faultsEverywhere(page, 'console-person-revoke')).toEqual([])
  expect(await letInClient.stoppedBy()).toBeNull()
  await dialog.getByRole('button', { name: 'Revoke everywhere' }).click()
  await page.getByText('No client holds anything of theirs.').waitFor()
  await page.getByText('Signed in with no browser.').waitFor()
  for (const each of [letInClient, minted]) expect(await each.stoppedBy()).toBe(401)
  expect((await grace.open(url)).text).not.toContain('grace@acme.test')
  expect(complaints).toEqual([])
})

test('one client is ended alone, and the browser of the same person stays', async () => {
  const { url, home } = room
  const grace = await signInAs(home, 'grace')
  const first = await letIn(grace, await registerClient(url, { client_name: 'First' }), ADA)
  const second = await letIn(grace, await registerClient(url, { client_name: 'Second' }), ADA)
  const [one, other] = [
    await client(bearer(first.tokens.access_token)),
    await client(bearer(second.tokens.access_token)),
  ]
  const { page, complaints } = await room.open('/people?q=grace')
  await page.getByRole('row').filter({ hasText: 'grace@acme.test' }).click()
  await page.getByRole('button', { name: 'End: First' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'End' }).click()
  await page.getByRole('button', { name: 'End: First' }).waitFor({ state: 'detached' })
  expect(await one.stoppedBy()).toBe(401)
  expect(await other.tools()).toBeGreaterThan(0)
  expect((await grace.open(url)).text).toContain('grace@acme.test')
  expect(complaints).toEqual([])
})

test('a person is disabled and enabled, and cannot sign in meanwhile', async () => {
  const { page, complaints } = await room.open('/people?q=grace')
  await page.getByRole('row').filter({ hasText: 'grace@acme.test' }).click()
  await page.getByRole('button', { name: 'Disable' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Disable' }).click()
  await page.getByText('This person is disabled').waitFor()
  await expect(signInAs(room.home, 'grace')).rejects.toThrow()
  expect(await faultsEverywhere(page, 'console-person-disabled')).toEqual([])
  await page.getByRole('button', { name: 'Enable' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Enable' }).click()
  await page.getByText('This person is disabled').waitFor({ state: 'detached' })
  await signInAs(room.home, 'grace')
  expect(complaints).toEqual([])
})

test('an owner lets somebody in by a link, which is shown once and makes their account', async () => {
  const { page, complaints } = await room.open('/people')
  await page.getByRole('button', { name: 'Let somebody in' }).click()
  const dialog = page.getByRole('dialog', { name: 'Let somebody in' })
  await dialog.getByRole('textbox', { name: 'Email address' }).fill('nina@partner.test')
  expect(await faultsEverywhere(page, 'console-people-let-in')).toEqual([])
  await page.setViewportSize({ width: 1280, height: 900 })
  await page.keyboard.press('Enter')
  await dialog.getByText('Give it to nina@partner.test').waitFor()
  expect(await faultsEverywhere(page, 'console-people-link')).toEqual([])
  await page.setViewportSize({ width: 1280, height: 900 })
  const link = await dialog.getByText(`${room.url}/`).innerText()
  await dialog.getByRole('button', { name: 'I have kept it' }).click()

  const nina = await room.browser.visitor()
  await nina.goto(link.trim())
  await nina.getByLabel('Password, at least 12').fill('a password of nina alone')
  await nina.getByRole('button', { name: 'Set the password' }).click()
  await nina.getByRole('heading', { name: 'Your password is set' }).waitFor()
  await nina.close()
  await page.reload()
  await page.getByRole('row').filter({ hasText: 'nina@partner.test' }).waitFor()
  expect(complaints).toEqual([])
})

test('an auditor sees people and clients, and is offered nothing that changes them', async () => {
  const { page, complaints } = await room.openAs('auditor', '/people')
  await page.getByRole('row').filter({ hasText: ADA.email }).waitFor()
  expect(await page.getByRole('button', { name: 'Let somebody in' }).count()).toBe(0)
  await page.getByRole('row').filter({ hasText: ADA.email }).click()
  await page.getByText('Your role may look at this').waitFor()
  await page.getByText('No client holds anything of theirs.').waitFor()
  for (const name of ['Revoke everywhere', 'Disable', 'Password link'])
    expect(await page.getByRole('button', { name }).count()).toBe(0)
  expect(await page.getByRole('button', { name: /^End/ }).count()).toBe(0)
  expect(complaints).toEqual([])
})
