/**
 * A real browser for journeys: Chromium without a window, and what every state of every page must pass. Each visitor has cookies of its own.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { AxeResults } from 'axe-core'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'

export type { Locator, Page } from 'playwright-core'

export interface VisitorOptions {
  /** Default true. */
  script?: boolean
  /** Default `light`. */
  colors?: 'light' | 'dark'
  /** In CSS pixels; default 1000. */
  width?: number
  /** Default `none`. */
  forcedColors?: 'active' | 'none'
}

export interface TestBrowser {
  /** A visitor without any cookie, with one empty tab. */
  visitor(options?: VisitorOptions): Promise<Page>
  close(): Promise<void>
}

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const FINDER = fileURLToPath(new URL('../scripts/find-chromium.mjs', import.meta.url))
/** Where pictures of every state go, for people to look at; none are taken where it is not set, and nothing is compared with them. */
const PICTURES = process.env.PORTICO_TEST_PICTURES

/** One for all files that this process tests, one after the other: starting it is a second of a core. It ends with the tests' process. */
let running: Promise<Browser> | undefined

export async function openBrowser(): Promise<TestBrowser> {
  const browser = await theBrowser()
  const contexts: BrowserContext[] = []
  return {
    async visitor({ script = true, colors = 'light', width = 1000, forcedColors = 'none' } = {}) {
      const context = await browser.newContext({
        javaScriptEnabled: script,
        colorScheme: colors,
        forcedColors,
        viewport: { width, height: 900 },
        reducedMotion: 'reduce',
        // Whoever presses a button may copy, in any browser with a window; one without asks for it.
        permissions: ['clipboard-write'],
      })
      contexts.push(context)
      const page = await context.newPage()
      // What does not come within this never will: everything is on this machine, however loaded that is.
      page.setDefaultTimeout(60_000)
      return page
    },
    async close() {
      for (const context of contexts) await context.close()
    },
  }
}

/** For a script, which would wait for it. */
export async function endBrowser(): Promise<void> {
  await (await running)?.close()
}

async function theBrowser(): Promise<Browser> {
  const known = await running
  if (known?.isConnected()) return known
  running = launch()
  return running
}

function launch(): Promise<Browser> {
  const executablePath = execFileSync(process.execPath, [FINDER], { encoding: 'utf8' })
  return chromium.launch({
    executablePath,
    timeout: 100_000,
    // In a container there is neither the kernel's sandbox nor a GPU; nothing but our own pages is opened.
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-dev-shm-usage'],
  })
}

/**
 * What is wrong with a page as it stands: what axe-core finds serious or critical, and what needs scrolling sideways.
 *
 * @param within a selector: axe looks at no more than that
 * @returns one line for each, empty for a page that is well
 */
export async function faultsOf(page: Page, within = 'html'): Promise<string[]> {
  // A page is looked at in several ways, and keeps what it was given until it is left.
  if ((await page.evaluate('typeof axe')) === 'undefined') await page.evaluate(AXE)
  const { violations } = (await page.evaluate(
    `axe.run(${JSON.stringify(within)}, { resultTypes: ['violations'] }).then(({ violations }) => ({ violations }))`,
  )) as Pick<AxeResults, 'violations'>
  const found = violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(
      ({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join(' | ')}`,
    )
  return [...found, ...(await overhangOf(page))]
}

/** @returns what needs scrolling sideways as the page stands */
export async function overhangOf(page: Page): Promise<string[]> {
  const [needed, given] = (await page.evaluate(
    '[document.documentElement.scrollWidth, document.documentElement.clientWidth]',
  )) as [number, number]
  return needed > given ? [`${needed} pixels wide in ${given}`] : []
}

const NARROW = 375
const WIDE = 1000

/** Every way in which a page is looked at: wide and narrow, light and dark. @returns the faults, each with where it was found */
export async function faultsEverywhere(page: Page, name: string): Promise<string[]> {
  const faults: string[] = []
  for (const [width, colorScheme] of [
    [NARROW, 'light'],
    [NARROW, 'dark'],
    [WIDE, 'dark'],
    [WIDE, 'light'],
  ] as const) {
    await page.emulateMedia({ colorScheme })
    await page.setViewportSize({ width, height: 900 })
    await settled(page, colorScheme)
    // Colours do not depend on the width, nor sizes on the colours: two of the four tell axe all that there is.
    const isTelling = (width === NARROW) === (colorScheme === 'light')
    const found = await (isTelling ? faultsOf(page) : overhangOf(page))
    faults.push(...found.map((fault) => `${name}, ${colorScheme}, ${width}: ${fault}`))
    if (PICTURES !== undefined) await picture(page, join(PICTURES, `${name}-${colorScheme}-${width}.png`))
  }
  return faults
}

/** On a loaded machine a page takes its new colours late, and slides to them: half-way they are nobody's choice. */
export async function settled(page: Page, colorScheme: 'light' | 'dark'): Promise<void> {
  const isSliding = `[undefined, '${colorScheme}'].indexOf(document.documentElement.dataset.mantineColorScheme) < 0 ||
    document.getAnimations().some(({ playState, effect }) =>
      playState === 'running' && effect.getComputedTiming().endTime < Infinity)`
  // Somebody may have chosen the other colours for good: that is no reason to wait on.
  for (let tries = 0; tries < 40 && (await page.evaluate(isSliding)); tries++) await page.waitForTimeout(50)
}

async function picture(page: Page, path: string): Promise<void> {
  mkdirSync(dirname(path), { recursive: true })
  await page.screenshot({ path, fullPage: true })
}
