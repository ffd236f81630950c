/** The frame of the console in a real browser: who comes in, what its policy lets happen, and how it is got around in. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { faultsEverywhere } from '../browser.ts'
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
  expect(complaints).toEqual([])
  expect(await faultsEverywhere(page, 'console-servers')).toEqual([])
  expect(complaints).toEqual([])
})
