/** What journeys through the console share: a portal that looks lived in, a browser, and somebody of each role who is signed in. */
import { openBrowser, type Page, type TestBrowser, type VisitorOptions } from '../browser.ts'
import { ADA, complaintsOf, type LivedIn, signInWithPassword, startLivedIn } from '../page-journey.ts'

export interface ConsoleRoom {
  home: LivedIn
  url: string
  browser: TestBrowser
  /** A tab of the owner, at a page of the console. `complaints` is what scripts and policies said against it. */
  open(path: string, options?: VisitorOptions): Promise<{ page: Page; complaints: string[] }>
  close(): Promise<void>
}

export async function openConsoleRoom(): Promise<ConsoleRoom> {
  const [home, browser] = await Promise.all([startLivedIn(), openBrowser()])
  const { url } = home.portal
  return {
    home,
    url,
    browser,
    async open(path, options) {
      const page = await browser.visitor({ width: 1280, ...options })
      const complaints = complaintsOf(page)
      await page.goto(`${url}/admin${path}`)
      await signInWithPassword(page, ADA)
      await page.waitForURL(`${url}/admin${path}`)
      await page.getByRole('heading', { level: 1 }).waitFor()
      return { page, complaints }
    },
    async close() {
      await browser.close()
      await home.close()
    },
  }
}
