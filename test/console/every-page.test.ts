/** Every page of the console as a visitor finds it: readable by everyone, in every scheme and width, and held to its policy. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { faultsEverywhere, faultsOf, overhangOf, settled } from '../browser.ts'
import { furnishBusy } from './busy-portal.ts'
import { type ConsoleRoom, openConsoleRoom } from './console-room.ts'
import { DIALOGS, LISTS, MADE_OF, OPENERS } from './dialogs.ts'
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

/** How many milliseconds something moves, of what can be seen; of somebody who asked for less motion nothing may. */
const MOVES = `[...document.querySelectorAll('*')].flatMap((one) => {
  const { animationName, animationDuration, transitionProperty, transitionDuration } = getComputedStyle(one)
  const longest = (durations) => Math.max(...durations.split(',').map((each) => parseFloat(each) * (/ms$/.test(each) ? 1 : 1000)))
  const moves = animationName !== 'none' && longest(animationDuration) > 10 ? 'is animated' : ''
  const slides = transitionProperty !== 'none' && longest(transitionDuration) > 10 ? 'slides' : ''
  return moves + slides === '' ? [] : [one.className + ' ' + moves + slides]
})`

test(
  'at twice and four times the size, as somebody with weak eyes has it, every page is still all there, and nothing moves',
  LONG,
  async () => {
    const { page } = await room.open('/', { width: 640 })
    const faults: string[] = []
    for (const [name, path] of CONSOLE_PAGES) {
      await page.setViewportSize({ width: 640, height: 450 })
      await page.goto(`${room.url}/admin${path}`)
      await page.getByRole('heading', { level: 1 }).waitFor()
      await page.locator('[aria-busy="true"]').first().waitFor({ state: 'detached' })
      for (const width of [640, 320]) {
        await page.setViewportSize({ width, height: 450 })
        faults.push(...(await overhangOf(page)).map((fault) => `${name}: ${fault}`))
      }
      const moving = (await page.evaluate(MOVES)) as string[]
      faults.push(...moving.map((one) => `${name}: ${one}`))
    }
    expect([...new Set(faults)]).toEqual([])
    await page.emulateMedia({ reducedMotion: 'no-preference' })
    expect(await page.evaluate(MOVES)).not.toEqual([])
  },
)

const SOURCES = join(import.meta.dirname, '..', '..', 'web', 'src')

test('everything that opens over a page is in the list by which it is looked at', () => {
  const files = readdirSync(SOURCES, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.tsx'))
  const opens = files.flatMap((file) => {
    const tags = [...readFileSync(join(SOURCES, file), 'utf8').matchAll(/<([A-Z]\w+)(?=[\s>])/g)].map(([, tag]) => tag)
    return OPENERS.filter((one) => tags.includes(one) && !MADE_OF.includes(file)).map((one) => `${file} ${one}`)
  })
  const isList = (one: string) => Object.keys(LISTS).includes(one.split(' ')[1] ?? '')
  const listed = Object.entries(DIALOGS).flatMap(([file, ones]) => Object.keys(ones).map((one) => `${file} ${one}`))
  // A deed of the log is no question.
  const others = ['pages/access/answer.tsx Deed', 'pages/logs/deed.tsx Deed']
  expect(opens.filter((one) => !isList(one) && !others.includes(one)).sort()).toEqual(listed.sort())
  expect(Object.keys(LISTS).filter((kind) => !opens.some((one) => one.endsWith(` ${kind}`)))).toEqual([])
  const tests = readdirSync(import.meta.dirname).filter((file) => file.endsWith('.test.ts'))
  const looked = tests.map((file) => readFileSync(join(import.meta.dirname, file), 'utf8')).join('\n')
  const states = Object.values(DIALOGS).flatMap((ones) =>
    Object.values(ones).filter((one) => String(one).startsWith('console-')),
  )
  expect(states.filter((one) => !looked.includes(`faultsEverywhere(page, '${one}')`))).toEqual([])
})

const OPEN = '[role="dialog"], [role="menu"], [role="listbox"]'

test(
  'axe finds nothing serious in any question, menu or list that opens, light and dark, and it fits a narrow screen',
  LONG,
  async () => {
    const { portal } = room.home
    const items = [{ value: 'bo@partner.test' }]
    await portal.api('POST', '/gateway/lists', { name: 'Partners', type: 'EMAIL', items })
    await portal.api('POST', '/access/oauth/clients', {
      client_name: 'Desk',
      redirect_uris: ['https://desk.acme.test/cb'],
    })
    await portal.api('POST', '/tokens/api', { name: 'Pipeline', role: 'auditor' })
    await portal.api('POST', '/access/roles', { role: 'auditor', email: 'auditor@acme.test' })
    await portal.api('POST', '/webhooks', { name: 'Pager', url: 'https://pager.acme.test/hook' })
    const { page, complaints } = await room.open('/')
    const ways = [...Object.values(DIALOGS).flatMap((ones) => Object.values(ones)), ...Object.values(LISTS)]
    const faults: string[] = []
    for (const way of ways.filter((one) => typeof one !== 'string')) {
      const [path, ...pressed] = way
      await page.setViewportSize({ width: 375, height: 800 })
      await page.goto(`${room.url}/admin${path}`)
      const part = path === '/' ? page.getByRole('banner') : page.getByRole('main')
      for (const name of pressed) {
        const named = { name, exact: true }
        const field = part.getByRole('combobox', named).or(part.getByRole('textbox', named))
        const button = part.getByRole('link', named).or(part.getByRole('button', named))
        await button.or(field).or(page.getByRole('option', named)).first().click()
      }
      await page.locator(OPEN).filter({ visible: true }).first().waitFor()
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme })
        await settled(page, colorScheme)
        const found = await faultsOf(page, OPEN)
        faults.push(...found.map((fault) => `${way.join(' > ')}, ${colorScheme}: ${fault}`))
      }
    }
    expect(faults).toEqual([])
    expect(complaints).toEqual([])
  },
)

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
