/** What a person does when a client opens their browser: sign in where that is asked, allow, and see the client's own page. In Chromium. */
import type { Page } from './browser.ts'
import { signInWithPassword } from './page-journey.ts'

export interface Account {
  email: string
  password: string
}

/** What the person was asked on the way. */
export interface Way {
  signedIn: boolean
  /** The text of the consent page, or null where none was shown. */
  consent: string | null
}

/**
 * Opens a client's link and answers all that the portal asks, until the browser is at the client.
 *
 * @throws Error with what stands on the page, where that is neither a sign-in nor a question
 */
export async function letClientIn(page: Page, link: string, who: Account): Promise<Way> {
  const way = await answerQuestions(page, link, who)
  if (way.consent === null) return way
  const portal = new URL(page.url()).origin
  await page.getByRole('button', { name: 'Allow' }).click()
  await page.waitForURL(({ origin }) => origin !== portal)
  return way
}

/**
 * The same for a client that waits where this browser cannot follow: at a scheme of its own, or on a host that is not there. Asks the portal
 * to remember it.
 *
 * @param redirect where it waits @returns where the browser would go, with what it brings, and what the person was asked on the way
 */
export async function letProgramIn(
  page: Page,
  link: string,
  who: Account,
  redirect: string,
): Promise<{ to: URL; way: { signedIn: boolean; asked: boolean } }> {
  const opened = page.waitForEvent('requestfailed', (request) => request.url().startsWith(`${redirect}?`))
  const signedIn = await signInWhereAsked(page, link, who)
  const asked = await Promise.race([
    page
      .waitForURL((url) => url.pathname.startsWith('/consent/'))
      .then(
        () => true,
        () => false,
      ),
    opened.then(() => false),
  ])
  if (asked) {
    // Not offered where a program has a scheme of its own.
    for (const tick of await page.getByRole('checkbox').all()) await tick.check()
    await page.getByRole('button', { name: 'Allow' }).click()
  }
  return { to: new URL((await opened).url()), way: { signedIn, asked } }
}

/** Up to the consent page, or where the browser goes without one. */
async function answerQuestions(page: Page, link: string, who: Account): Promise<Way> {
  const portal = new URL(link).origin
  const signedIn = await signInWhereAsked(page, link, who)
  await page.waitForURL(({ origin, pathname }) => origin !== portal || !pathname.startsWith('/sign-in'))
  if (isAt(page, portal, '/consent/')) return { signedIn, consent: await page.locator('main').innerText() }
  if (new URL(page.url()).origin !== portal) return { signedIn, consent: null }
  throw new Error(`nothing to answer at ${page.url()}:\n${await page.locator('body').innerText()}`)
}

/** @returns whether it was asked */
async function signInWhereAsked(page: Page, link: string, who: Account): Promise<boolean> {
  await page.goto(link)
  const isAsked = isAt(page, new URL(link).origin, '/sign-in')
  if (isAsked) await signInWithPassword(page, who)
  return isAsked
}

function isAt(page: Page, portal: string, path: string): boolean {
  const { origin, pathname } = new URL(page.url())
  return origin === portal && pathname.startsWith(path)
}
