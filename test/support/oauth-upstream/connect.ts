/** How people connect an account: through the portal's pages and the authorization server's, without script or in Chromium. */

import type { Page as Tab } from '../../browser.ts'
import type { Account } from '../../browser-sign-in.ts'
import { signInWithPassword } from '../../page-journey.ts'
import type { Page, Person } from '../../person.ts'

export interface Connecting {
  /** The portal's page: `/connect/{server_id}`, with whatever stands behind it. */
  link: string
  /** For the portal, where it asks who this is. */
  who?: Account
  /** At the authorization server. */
  account: string
  /** `false`: it is not their account. */
  isRight?: boolean
}

/** Names the account where the authorization server asks; a browser that is signed in there is not asked. */
export async function signInUpstream(person: Person, page: Page, account: string): Promise<Page> {
  if (!new URL(page.url).pathname.startsWith('/interaction/')) return page
  return onward(person, await person.submit(page, '/sign-in', { user: account }))
}

/**
 * The whole way, as a person without script goes it.
 *
 * @returns the page at which it ends: done, or what the portal says instead
 */
export async function connectAs(person: Person, { link, who, account, isRight = true }: Connecting): Promise<Page> {
  const asked = await openSignedIn(person, link, who)
  if (asked.status >= 400 || !asked.text.includes('<form')) return asked
  const left = await leaveFor(person, asked)
  const back = await signInUpstream(person, left, account)
  if (new URL(back.url).pathname !== '/connect/confirm') return back
  return person.submit(back, '/connect/confirm', { decision: isRight ? 'confirm' : 'decline' })
}

/** The page before leaving, signed in where it asks. */
export async function openSignedIn(person: Person, link: string, who?: Account): Promise<Page> {
  const page = await person.open(link)
  if (new URL(page.url).pathname !== '/sign-in') return page
  if (who === undefined) throw new Error(`the portal asks who this is: ${page.url}`)
  return person.submit(page, '/sign-in/local', { ...who })
}

/** Presses the button. */
async function leaveFor(person: Person, asked: Page): Promise<Page> {
  return onward(person, await person.submit(asked, new URL(asked.url).pathname))
}

/** To authorization servers on this machine that nobody named beforehand, and back from them. */
async function onward(person: Person, stopped: Page): Promise<Page> {
  let page = stopped
  while (page.left !== null && /^(?:localhost|127\.0\.0\.1)$/.test(page.left.hostname)) {
    page = await person.open(page.left.href)
  }
  return page
}

/** The same in Chromium, by mouse. @returns what the last page says */
export async function connectInTab(tab: Tab, { link, who, account, isRight = true }: Connecting): Promise<string> {
  await tab.goto(link)
  if (new URL(tab.url()).pathname === '/sign-in') {
    if (who === undefined) throw new Error(`the portal asks who this is: ${tab.url()}`)
    await signInWithPassword(tab, who)
    await tab.waitForURL((url) => url.pathname.startsWith('/connect/'))
  }
  const portal = new URL(tab.url()).origin
  await tab.getByRole('button', { name: /^Connect/ }).click()
  await tab.waitForURL((url) => url.origin !== portal || url.pathname === '/connect/confirm')
  if (new URL(tab.url()).pathname.startsWith('/interaction/')) {
    await tab.getByLabel('User name').fill(account)
    await tab.getByRole('button', { name: 'Sign in' }).click()
  }
  await tab.waitForURL((url) => url.origin === portal)
  const choice = isRight ? 'Connect this account' : 'Not my account'
  await tab.getByRole('button', { name: choice }).click()
  await tab.waitForURL((url) => url.origin === portal && !url.search.includes('attempt='))
  return tab.locator('main').innerText()
}
