/**
 * Whoever works by keyboard or by ear is somewhere on the page. Where that goes, they are led on: to the same thing drawn anew, to what
 * came after it, else before it, else to the heading. What is switched off while the server is asked is waited for; a dialog that goes
 * leads back to what opened it.
 */

const TABBABLE = 'a[href], button, input, select, textarea, [tabindex="0"]'
const REGIONS = '[role="dialog"], main, header, nav, body > *'

/** Dialogs give and take the focus themselves, a moment after they came or went. */
const MOMENT_MS = 60
/** What is switched off while something is saved is on again by then. */
const PATIENCE_MS = 2000

/** Where somebody was, in one region of the page. */
interface Spot {
  region: Element
  element: HTMLElement
  name: string
  /** What could be come to around it, in its order; nothing where it was only led to, as a heading is. */
  around: readonly HTMLElement[]
}

const isUsable = (element: HTMLElement): boolean =>
  element.isConnected && !element.matches(':disabled, [tabindex="-1"]') && element.checkVisibility()

const isLost = (element: HTMLElement): boolean => !element.isConnected || element.matches(':disabled')

const tabbables = (region: Element): HTMLElement[] =>
  [...region.querySelectorAll<HTMLElement>(TABBABLE)].filter(isUsable)

const nameOf = (element: HTMLElement): string =>
  `${element.tagName} ${element.getAttribute('aria-label') ?? element.textContent}`

function spotOf(element: HTMLElement): Spot {
  const region = element.closest(REGIONS) ?? document.body
  const around = tabbables(region)
  return { region, element, name: nameOf(element), around: around.includes(element) ? around : [] }
}

/** @returns where to go on in the region of a spot; undefined where nothing is left of it */
function onward({ region, element, name, around }: Spot): HTMLElement | undefined {
  if (!region.isConnected) return undefined
  if (isUsable(element)) return element
  const again = around.length === 0 ? undefined : tabbables(region).find((one) => nameOf(one) === name)
  const at = around.indexOf(element)
  const beside = [...around.slice(at + 1), ...around.slice(0, Math.max(at, 0)).reverse()].find(isUsable)
  const itself = region.matches('[role="dialog"]') ? (region as HTMLElement) : region.querySelector<HTMLElement>('h1')
  return again ?? beside ?? itself ?? undefined
}

/** From now on, until the page is left. */
export function keepFocus(): void {
  /** Where they were last in each region, the latest at the end. */
  let spots: Spot[] = []
  let here: Spot | undefined
  let isWaiting = false
  let waited = 0

  const note = () => {
    const { activeElement } = document
    if (!(activeElement instanceof HTMLElement) || activeElement === document.body) return
    const spot = spotOf(activeElement)
    spots = [...spots.filter(({ region }) => region !== spot.region && region.isConnected), spot]
    here = spot
  }
  // Who points somewhere else leaves by their own will.
  const leave = () => {
    here = undefined
  }
  const wait = () => {
    if (!isWaiting) setTimeout(mend, MOMENT_MS)
    isWaiting = true
  }
  const look = () => {
    if (here !== undefined && isLost(here.element)) wait()
  }
  const mend = () => {
    isWaiting = false
    waited += MOMENT_MS
    const at = document.activeElement
    const isNowhere = at === null || at === document.body || at === here?.element
    const element = here?.element
    const isBusy = element?.isConnected && (waited < PATIENCE_MS || element.hasAttribute('data-loading'))
    if (isNowhere && element !== undefined && isLost(element) && isBusy) return wait()
    waited = 0
    if (!isNowhere || element === undefined || (at === element && !isLost(element))) return
    for (const spot of spots.toReversed()) {
      const next = onward(spot)
      if (next !== undefined) return next.focus()
    }
  }

  const seen = new MutationObserver(look)
  seen.observe(document.body, { subtree: true, childList: true, attributes: true, attributeFilter: ['disabled'] })
  document.addEventListener('focusin', note)
  document.addEventListener('keydown', note, true)
  document.addEventListener('pointerdown', leave, true)
}
