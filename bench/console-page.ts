/** One page of the console, opened as for the first time: when somebody can use it, and what it took to get there. */
import { fileURLToPath } from 'node:url'
import type { Page } from 'playwright-core'

export interface Opened {
  /** Milliseconds from the navigation until what is to be there is there and the main thread has rested for a moment. */
  usableMs: number
  /** The longest single stretch in which the main thread took no input, 0 where none was longer than 50 ms. */
  longestTaskMs: number
  longTasks: number
  jsonBytes: number
  /** Of the slowest answer of the API. */
  slowestAnswerMs: number
  nodes: number
}

const WATCH = fileURLToPath(new URL('./console-watch.js', import.meta.url))
/** A thread that did nothing long for so long is at rest. */
const REST_MS = 250
const MOST_MS = 60_000
const LOOK_MS = 25
const KEY_PAUSE_MS = 40

/**
 * @param page a tab that was never used, with the cookies of somebody who is signed in
 * @param row selects what must be there beside a heading and no sign of waiting; the empty string for nothing more
 */
export async function openCold(page: Page, url: string, row: string): Promise<Opened> {
  await page.addInitScript(`globalThis.wanted = ${JSON.stringify(row)}`)
  await page.addInitScript({ path: WATCH })
  await page.goto(url, { waitUntil: 'commit' })
  const usableMs = await rested(page)
  return { usableMs, ...((await page.evaluate('bench.tell()')) as Omit<Opened, 'usableMs'>) }
}

/**
 * Types a text into a field, and takes it out again, key by key.
 *
 * @returns milliseconds from the slowest key until what it changed was drawn; anything below 16 counts as 16
 */
export async function typeInto(page: Page, field: string, text: string): Promise<number> {
  await page.evaluate('bench.forgetKeys()')
  const input = page.getByLabel(field, { exact: true })
  await input.pressSequentially(text, { delay: KEY_PAUSE_MS })
  for (let key = 0; key < text.length; key++) await input.press('Backspace', { delay: KEY_PAUSE_MS })
  await rested(page)
  return Number(await page.evaluate('bench.slowestKey()'))
}

/** @returns when the page came to rest, in milliseconds since the navigation */
async function rested(page: Page): Promise<number> {
  for (let waited = 0; waited < MOST_MS; waited += LOOK_MS) {
    const since = await page.evaluate(`bench.restedSince(${REST_MS})`)
    if (typeof since === 'number') return since
    await page.waitForTimeout(LOOK_MS)
  }
  throw new Error(`not usable after ${MOST_MS} ms`)
}
