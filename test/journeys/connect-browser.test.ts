/** Connecting an account in a real browser: by keyboard, without script, past a Content-Security-Policy that names where a form leads; and every state for everyone. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { faultsEverywhere, openBrowser, type Page, type TestBrowser } from '../browser.ts'
import { type ConnectRoom, openConnectRoom } from '../connect-room.ts'
import { complaintsOf, signInAs, signInWithPassword } from '../page-journey.ts'

let room: ConnectRoom
let browser: TestBrowser
beforeAll(async () => {
  ;[room, browser] = await Promise.all([openConnectRoom(), openBrowser()])
  await signInAs(room.home)
})
afterAll(async () => {
  await Promise.all([browser?.close(), room?.close()])
})

const heading = (page: Page) => page.getByRole('heading', { level: 1 }).innerText()

async function signedIn(page: Page): Promise<void> {
  await page.goto(`${room.url}/sign-in`)
  await signInWithPassword(page)
  await page.waitForURL(`${room.url}/`)
}

/** At the server's side, where a browser that is signed in there is not asked. */
async function signInThere(page: Page, account: string): Promise<void> {
  await page.waitForURL((url) => url.origin !== room.url || url.pathname === '/connect/confirm')
  if (new URL(page.url()).origin === room.url) return
  await page.getByRole('textbox').fill(account)
  await page.keyboard.press('Enter')
  await page.waitForURL((url) => url.origin === room.url)
}

// [PAGE-2]
test('from the link of a call to the word that it is done, by keyboard and without script, over sign-in here and there', async () => {
  const page = await browser.visitor({ script: false, width: 375 })
  const complaints = complaintsOf(page)
  await page.goto(room.url + (await room.askedBy('ada@acme.test')))
  await signInWithPassword(page)
  await page.getByRole('heading', { name: 'Connect Notes of the team' }).waitFor()
  await page.getByRole('button', { name: 'Connect' }).focus()
  await page.keyboard.press('Enter')
  await signInThere(page, 'alice')
  expect(await heading(page)).toBe('Is this the right account?')
  expect(page.url()).not.toContain('code=')
  expect(await page.locator('.proof').innerText()).toContain('alice')
  await page.getByRole('button', { name: 'Connect this account' }).focus()
  await page.keyboard.press('Enter')
  await page.getByRole('status').waitFor()
  expect(await page.getByRole('status').innerText()).toContain('Go back to your client')
  expect(await room.connections()).toMatchObject([{ status: 'ready' }])
  expect(complaints).toEqual([])
  await page.goto(room.url)
  await page.getByRole('button', { name: 'Disconnect: Notes of the team' }).click()
  await page.getByText('Your account is disconnected').waitFor()
})

// [PAGE-1]
describe('every state is readable by everyone, in light and dark, wide and narrow', () => {
  const asked = async (scope: string | null = null) => room.url + (await room.askedBy('ada@acme.test', { scope }))
  const connect = async (page: Page, account: string, button = 'Connect') => {
    room.upstream.forgetLogins()
    await page.getByRole('button', { name: button, exact: true }).click()
    await signInThere(page, account)
  }
  const say = async (page: Page, word: string) => {
    await page.getByRole('button', { name: word }).click()
    await page.getByRole('status').waitFor()
  }

  /** Looks at each state that the work comes by. */
  const looking = async (work: (page: Page, look: (name: string) => Promise<void>) => Promise<void>) => {
    const page = await browser.visitor()
    const complaints = complaintsOf(page)
    const faults: string[] = []
    await signedIn(page)
    await work(page, async (name) => void faults.push(...(await faultsEverywhere(page, `connect-${name}`))))
    expect(faults).toEqual([])
    expect(complaints).toEqual([])
  }

  test('from not connected to done', () =>
    looking(async (page, look) => {
      await look('home-none')
      await page.goto(await asked())
      await look('first')
      await connect(page, 'alice')
      await look('confirm')
      await say(page, 'Connect this account')
      await look('done')
    }))

  test('of another account, with more rights, and of a no', () =>
    looking(async (page, look) => {
      await page.goto(await asked('notes:admin'))
      await look('again')
      await connect(page, 'bob', 'Connect again')
      await look('confirm-another')
      await say(page, 'Not my account')
      await look('declined')
      room.upstream.faults.denied = true
      await page.goto(`${room.url}/connect/notes`)
      await page.getByRole('button', { name: 'Connect again' }).click()
      await page.getByRole('heading', { name: 'It was not allowed there' }).waitFor()
      room.upstream.faults.denied = false
      await look('denied')
    }))

  test('of a pasted token, and of one that is refused by now', () =>
    looking(async (page, look) => {
      const token = page.getByLabel('Token that you made at the server')
      await page.goto(`${room.url}/connect/desk`)
      await look('token')
      await token.fill('two words')
      await page.getByRole('button', { name: 'Connect', exact: true }).click()
      await page.getByRole('alert').waitFor()
      await look('token-wrong')
      await token.fill('a-token-of-adas-own')
      await page.getByRole('button', { name: 'Connect', exact: true }).click()
      await page.waitForURL(`${room.url}/?done=connected`)
      const refused = { status: 'needs_reauth', reason: 'refused' } as const
      await room.store.db.updateTable('connections').set(refused).where('kind', '=', 'token').execute()
      await page.goto(room.url)
      await look('home-both')
      await page.goto(`${room.url}/sign-out`)
      await look('sign-out')
    }))

  test('of the account of everyone', () =>
    looking(async (page, look) => {
      const path = '/access/ai-controls/mcp/servers/notes/authorize'
      await page.goto((await room.home.portal.api<{ url: string }>('POST', path, {})).body.result.url)
      await look('shared')
      await connect(page, 'carol')
      await look('confirm-shared')
      await say(page, 'Connect this account')
      await look('done-shared')
    }))

  test('of a server that is not safe, and of none', () =>
    looking(async (page, look) => {
      await room.addServer('odd', { noPkce: true })
      await page.goto(`${room.url}/connect/odd`)
      await look('unsafe')
      await page.goto(`${room.url}/connect/no-such-server`)
      await look('over')
    }))
})
