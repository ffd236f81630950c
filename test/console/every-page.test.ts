/** Every page of the console as a visitor finds it: readable by everyone, in every scheme and width, and held to its policy. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { faultsEverywhere } from '../browser.ts'
import { furnishBusy } from './busy-portal.ts'
import { type ConsoleRoom, openConsoleRoom } from './console-room.ts'
import { CONSOLE_PAGES } from './pages.ts'

let room: ConsoleRoom
let end: (() => Promise<void>) | undefined
beforeAll(async () => {
  room = await openConsoleRoom()
  end = await furnishBusy(room.home.portal)
})
afterAll(async () => {
  await room?.close()
  await end?.()
})

/** Thirty pages, each looked at in four ways. */
const LONG = { timeout: 400_000 }

// [CONSOLE-1]
test(
  'axe finds nothing serious on any page, light and dark, nothing needs scrolling sideways, and no policy is broken',
  LONG,
  async () => {
    const { page, complaints } = await room.open('/')
    const faults: string[] = []
    for (const [name, path] of CONSOLE_PAGES) {
      await page.goto(`${room.url}/admin${path}`)
      await page.getByRole('heading', { level: 1 }).waitFor()
      await page.locator('[aria-busy="true"]').first().waitFor({ state: 'detached' })
      faults.push(...(await faultsEverywhere(page, `console-${name}`)))
      expect(await page.getByRole('heading', { level: 1 }).count(), name).toBe(1)
      expect(await page.title(), name).toMatch(/ · Portico$/)
    }
    expect(faults).toEqual([])
    expect(complaints).toEqual([])
  },
)

test('at twice the size, as somebody with weak eyes has it, every page is still all there', LONG, async () => {
  const { page } = await room.open('/', { width: 640 })
  const tooWide: string[] = []
  for (const [name, path] of CONSOLE_PAGES) {
    await page.goto(`${room.url}/admin${path}`)
    await page.getByRole('heading', { level: 1 }).waitFor()
    const [needed, given] = (await page.evaluate(
      '[document.documentElement.scrollWidth, document.documentElement.clientWidth]',
    )) as [number, number]
    if (needed > given) tooWide.push(`${name}: ${needed} in ${given}`)
  }
  expect(tooWide).toEqual([])
})

test('from the first key on, everything is reached by keyboard: the content, the pages, the palette', async () => {
  const { page } = await room.open('/servers')
  await page.goto(`${room.url}/admin/servers`)
  await page.getByRole('heading', { level: 1 }).waitFor()
  await page.keyboard.press('Tab')
  expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to the content')
  await page.keyboard.press('Enter')
  expect(await page.evaluate('document.activeElement.id || location.hash')).toContain('content')
  await page.keyboard.press('Control+k')
  const search = page.getByPlaceholder('Find a page')
  await search.waitFor()
  await expect.poll(() => page.evaluate('document.activeElement.placeholder ?? ""')).toContain('Find a page')
  await page.keyboard.type('Polic')
  await page.getByRole('dialog').getByText('Who may use what').waitFor()
  await page.keyboard.press('Enter')
  await page.waitForURL(`${room.url}/admin/policies`)
  await expect.poll(() => page.evaluate('document.activeElement.tagName')).toBe('H1')
})

test('an auditor finds every page, and no button on it that would change something', LONG, async () => {
  const { page, complaints } = await room.openAs('auditor', '/')
  for (const [, path] of CONSOLE_PAGES) {
    await page.goto(`${room.url}/admin${path}`)
    await page.getByRole('heading', { level: 1 }).waitFor()
    await page.locator('[aria-busy="true"]').first().waitFor({ state: 'detached' })
    const open = page
      .getByRole('main')
      .getByRole('button', { name: /^(Add|Create|Save|Delete|Revoke|Sync|Rotate|Approve|Disable)/ })
    const usable: string[] = []
    for (const button of await open.all()) if (await button.isEnabled()) usable.push(await button.innerText())
    expect(usable, path).toEqual([])
  }
  expect(complaints).toEqual([])
})
