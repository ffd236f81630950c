/** What journeys through the console share: a portal that looks lived in, a browser, and somebody of each role who is signed in. */
import { openBrowser, type Page, type TestBrowser, type VisitorOptions } from '../browser.ts'
import { ADA, complaintsOf, type LivedIn, signInWithPassword, startLivedIn } from '../page-journey.ts'

export interface ConsoleRoom {
  home: LivedIn
  url: string
  browser: TestBrowser
  /** A tab of the owner, at a page of the console. `complaints` is what scripts and policies said against it. */
  open(path: string, options?: VisitorOptions): Promise<{ page: Page; complaints: string[] }>
  /** The same for somebody else, who has that role and nothing more. */
  openAs(role: 'admin' | 'auditor', path: string): Promise<{ page: Page; complaints: string[] }>
  close(): Promise<void>
}

export async function openConsoleRoom(): Promise<ConsoleRoom> {
  const [home, browser] = await Promise.all([startLivedIn(), openBrowser()])
  const { url } = home.portal
  const openFor = async (who: { email: string; password: string }, path: string, options: VisitorOptions = {}) => {
    const page = await browser.visitor({ width: 1280, ...options })
    const complaints = complaintsOf(page)
    const asked = `${url}/admin${path === '/' ? '' : path}`
    await page.goto(asked)
    await signInWithPassword(page, who)
    await page.waitForURL(asked)
    await page.getByRole('heading', { level: 1 }).waitFor()
    return { page, complaints }
  }
  return {
    home,
    url,
    browser,
    open: (path, options) => openFor(ADA, path, options),
    async openAs(role, path) {
      const who = { email: `${role}@acme.test`, password: ADA.password }
      await home.portal.api('POST', '/access/roles', { role, email: who.email })
      const link = await home.portal.api<{ url: string }>('POST', '/admin/links', {
        purpose: 'password',
        email: who.email,
      })
      const page = await browser.visitor()
      await page.goto(link.body.result.url)
      await page.getByLabel('Password, at least 12').fill(who.password)
      await page.getByRole('button', { name: 'Set the password' }).click()
      await page.getByRole('heading', { name: 'Your password is set' }).waitFor()
      await page.close()
      return openFor(who, path)
    },
    async close() {
      await browser.close()
      await home.close()
    },
  }
}
