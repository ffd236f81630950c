/**
 * Takes a picture of every page of the console, in both colour schemes, of a portal that looks lived in: `npm run pictures -- DIR`. Those
 * that the guides show are kept in `docs/pictures/`: `npm run pictures -- docs/pictures --only overview,server-tools,…`.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { endBrowser } from '../test/browser.ts'
import { furnishBusy } from '../test/console/busy-portal.ts'
import { openConsoleRoom } from '../test/console/console-room.ts'
import { CONSOLE_PAGES, PAGES_OF_ONE } from '../test/console/pages.ts'
import { buildConsole } from './build-console.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { only: { type: 'string' }, schemes: { type: 'string', default: 'light,dark' } },
})
const dir = positionals[0] ?? 'pictures'
const only = values.only?.split(',')
mkdirSync(dir, { recursive: true })

await buildConsole()
const room = await openConsoleRoom()
const end = await furnishBusy(room.home.portal)
try {
  const { page } = await room.open('/')
  await page.setViewportSize({ width: 1280, height: 800 })
  const wanted = ([name]: readonly [string, string]) => only?.includes(name) ?? true
  const pages = CONSOLE_PAGES.filter(wanted).map(([name, path]) => [name, path] as const)
  for (const [name, list] of PAGES_OF_ONE.filter(wanted)) {
    await page.goto(`${room.url}/admin${list}`)
    pages.push([name, ((await page.locator('.row-link').first().getAttribute('href')) ?? list).replace('/admin', '')])
  }
  for (const [name, path] of pages) {
    for (const scheme of values.schemes.split(',') as ('light' | 'dark')[]) {
      await page.emulateMedia({ colorScheme: scheme })
      await page.goto(`${room.url}/admin${path}`, { waitUntil: 'networkidle' })
      await page.getByRole('heading', { level: 1 }).waitFor()
      await page.screenshot({ path: join(dir, `${name}-${scheme}.png`) })
    }
    console.log(name)
  }
} finally {
  await room.close()
  await end()
  await endBrowser()
}
