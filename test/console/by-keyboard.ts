/**
 * Somebody who has a keyboard and no mouse. What they want they come to by Tab, and see where they are: what cannot be come to, or does
 * not show that it has the focus, or has it under something else, is an error.
 */
import { expect } from 'vitest'
import type { Locator, Page } from '../browser.ts'

/** More stops than any page has between two controls that belong together. */
const MOST_STOPS = 90

// These run in the page, and take of it what they were given alone: tests know no browser's globals.

/** What of an element, and of what is drawn for it, may tell that it has the focus. */
const looksOf = (wanted: Locator): Promise<string> =>
  wanted.evaluate((el) => {
    const { defaultView: view } = el.ownerDocument
    const drawn = [
      el,
      el.parentElement,
      ...el.parentElement.children,
      el.closest('[role="row"]') ?? el,
      ...(el.labels ?? []),
    ]
    const names = [
      'outlineStyle',
      'outlineWidth',
      'outlineColor',
      'boxShadow',
      'borderTopColor',
      'backgroundColor',
      'top',
    ]
    return drawn.map((one) => names.map((name) => view.getComputedStyle(one)[name]).join(' ')).join('\n')
  })

/** @returns what is wrong with where it is: it must be within the window, and nothing of the frame over it */
const outOfSight = (wanted: Locator): Promise<string> =>
  wanted.evaluate((el) => {
    const { defaultView: view } = el.ownerDocument
    const { left, right, top, bottom } = el.getBoundingClientRect()
    if (bottom <= 0 || top >= view.innerHeight) return 'outside of the window'
    const y = (Math.max(top, 0) + Math.min(bottom, view.innerHeight)) / 2
    const over = el.ownerDocument.elementFromPoint((left + right) / 2, y)
    return over === null || over.closest('header') === el.closest('header') ? '' : 'under the head of the page'
  })

const isHere = (wanted: Locator): Promise<boolean> => wanted.evaluate((el) => el === el.ownerDocument.activeElement)
const isWithin = (dialog: Locator): Promise<boolean> =>
  dialog.evaluate((el) => el.contains(el.ownerDocument.activeElement))

/** What has the focus, for people to read. */
export const whereIs = (page: Page): Promise<string> =>
  page.evaluate(`(() => {
    const el = document.activeElement
    const name = el.getAttribute('aria-label') ?? el.labels?.[0]?.textContent ?? el.textContent
    return el.tagName.toLowerCase() + ' ' + name.trim().slice(0, 60)
  })()`)

/** Tab, until it has the focus. @param back by Shift and Tab */
export async function comeTo(page: Page, wanted: Locator, { back = false } = {}): Promise<void> {
  await wanted.waitFor({ state: 'attached' })
  const before = await looksOf(wanted)
  const way: string[] = []
  while (!(await isHere(wanted))) {
    if (way.length > MOST_STOPS) throw new Error(`${wanted} is not come to by Tab:\n${way.join('\n')}`)
    await page.keyboard.press(back ? 'Shift+Tab' : 'Tab')
    way.push(await whereIs(page))
  }
  if (way.length > 0) await expect.poll(() => looksOf(wanted), { message: `focus of ${wanted}` }).not.toBe(before)
  expect(await outOfSight(wanted), String(wanted)).toBe('')
}

/** Comes to it and presses a key there. */
export async function press(page: Page, wanted: Locator, key = 'Enter'): Promise<void> {
  await comeTo(page, wanted)
  await page.keyboard.press(key)
}

/** Comes to a field and puts a text in the place of what it holds. */
export async function type(page: Page, field: Locator, text: string): Promise<void> {
  await comeTo(page, field)
  await page.keyboard.press('ControlOrMeta+a')
  await page.keyboard.type(text)
}

/** Comes to a list that opens, and takes what begins with, or is found by, a text. */
export async function choose(page: Page, field: Locator, option: string | RegExp, typed = ''): Promise<void> {
  await comeTo(page, field)
  await page.keyboard.press('ArrowDown')
  if (typed !== '') await page.keyboard.type(typed)
  const wanted = page.getByRole('option', { name: option })
  await wanted.waitFor()
  const isOn = async () => (await wanted.getAttribute('data-combobox-selected')) === 'true'
  for (let steps = 0; steps < 40 && !(await isOn()); steps++) await page.keyboard.press('ArrowDown')
  expect(await isOn(), `${option} is come to by arrow keys`).toBe(true)
  await page.keyboard.press('Enter')
}

/** Waits until it has the focus. */
export const hasFocus = async (page: Page, wanted: Locator): Promise<void> => {
  await wanted.waitFor()
  await expect
    .poll(async () => ((await isHere(wanted)) ? 'it' : whereIs(page)), { message: `focus on ${wanted}` })
    .toBe('it')
}

/** To a page of the console by the palette; the heading has the focus then, which is where one reads on. */
export async function goTo(page: Page, title: string): Promise<void> {
  await page.keyboard.press('ControlOrMeta+k')
  const search = page.getByRole('dialog').getByPlaceholder('Find a page')
  await hasFocus(page, search)
  await page.keyboard.type(title)
  await expect.poll(() => page.getByRole('dialog').locator('[data-selected]').first().innerText()).toContain(title)
  await page.keyboard.press('Enter')
  await hasFocus(page, page.getByRole('heading', { level: 1, name: title }))
}

/** Goes once around a dialog, which keeps the focus; then Escape closes it, and what opened it has the focus again. */
export async function heldBy(page: Page, dialog: Locator, opener: Locator): Promise<void> {
  await expect.poll(() => isWithin(dialog)).toBe(true)
  for (let stops = 0; stops < 12; stops++) {
    await page.keyboard.press('Tab')
    expect(await isWithin(dialog), await whereIs(page)).toBe(true)
  }
  await page.keyboard.press('Escape')
  await dialog.waitFor({ state: 'detached' })
  await hasFocus(page, opener)
}
