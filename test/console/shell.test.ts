/** The frame of the console in a real browser: who comes in, what its policy lets happen, and how it is got around in. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { faultsEverywhere } from '../browser.ts'
import { signInWithPassword } from '../page-journey.ts'
import { type ConsoleRoom, openConsoleRoom } from './console-room.ts'

let room: ConsoleRoom
beforeAll(async () => {
  room = await openConsoleRoom()
})
afterAll(() => room?.close())

test('who is not signed in is sent to sign in, and comes back to the page that was asked for', async () => {
  const { page, complaints } = await room.open('/servers')
  expect(await page.getByRole('heading', { level: 1 }).innerText()).toBe('Servers')
  await page.getByRole('row').filter({ hasText: 'handbook' }).waitFor()
  expect(await faultsEverywhere(page, 'console-shell')).toEqual([])
  expect(complaints).toEqual([])
})

test('the portal’s home leads to it, for who has a role and for nobody else', async () => {
  const { page } = await room.openAs('auditor', '/servers')
  await page.goto(room.url)
  await page.getByRole('link', { name: 'Open the console' }).click()
  await page.waitForURL(`${room.url}/admin`)
  const visitor = await room.browser.visitor()
  await visitor.goto(room.url)
  expect(await visitor.getByRole('link', { name: 'Open the console' }).count()).toBe(0)
})

test('who has no role is told so, and how one is given', async () => {
  const { page } = await room.openAs('auditor', '/servers')
  const { body } = await room.home.portal.api<{ id: string; email: string }[]>('GET', '/access/roles')
  const own = body.result.find(({ email }) => email === 'auditor@acme.test')
  await room.home.portal.api('DELETE', `/access/roles/${own?.id}`)
  await page.reload()
  await page.getByRole('heading', { name: 'You have no role here' }).waitFor()
  expect(await faultsEverywhere(page, 'console-no-role')).toEqual([])
})

test('whose session ends is told so where they are, and comes back there', async () => {
  const { page } = await room.open('/servers')
  await page.context().clearCookies()
  await page.getByRole('link', { name: 'People' }).click()
  const dialog = page.getByRole('dialog', { name: 'You have been signed out' })
  await dialog.waitFor()
  expect(await faultsEverywhere(page, 'console-signed-out')).toEqual([])
  await dialog.getByRole('link', { name: 'Sign in again' }).click()
  await signInWithPassword(page)
  await page.waitForURL(`${room.url}/admin/people`)
})

test('colours are kept, and are there before anything is painted', async () => {
  const { page } = await room.open('/servers')
  await page.getByRole('button', { name: /^Signed in as/ }).click()
  expect(await faultsEverywhere(page, 'console-account')).toEqual([])
  await page.getByRole('menuitemradio', { name: 'Dark' }).click()
  await page.route('**/index-*.js', (route) => route.abort())
  await page.reload({ waitUntil: 'domcontentloaded' })
  expect(await page.evaluate('document.documentElement.dataset.mantineColorScheme')).toBe('dark')
})

test('an address that is no page says so, and leads back', async () => {
  const { page } = await room.open('/servers')
  await page.goto(`${room.url}/admin/nowhere/at-all`)
  await page.getByRole('heading', { name: 'There is no such page' }).waitFor()
})
