/** The pages in a real browser: every state of them, with script and without, by keyboard, wide and narrow, light and dark. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { PROBLEM_NAMES, problemPage } from '../../src/pages/problem.ts'
import { faultsEverywhere, faultsOf, openBrowser, type Page, type TestBrowser } from '../browser.ts'
import { registerClient } from '../oauth-client.ts'
import {
  ADA,
  complaintsOf,
  type Landing,
  type LivedIn,
  ORGANIZATION,
  openLanding,
  signInWithPassword,
  startLivedIn,
} from '../page-journey.ts'

let home: LivedIn
let url: string
let browser: TestBrowser
let landing: Landing

beforeAll(async () => {
  ;[home, browser, landing] = await Promise.all([startLivedIn(), openBrowser(), openLanding()])
  url = home.portal.url
})
afterAll(async () => {
  await Promise.all([browser?.close(), landing?.close(), home?.close()])
})

/** A client that registered itself, at the link that it would open in a browser. */
async function askedBy(name: string, redirect = landing.uri, more: Record<string, string> = {}): Promise<string> {
  const client = await registerClient(url, { client_name: name, redirect_uris: [redirect] })
  return client.authorizeUrl(more).url
}

async function signedIn(page: Page): Promise<void> {
  await page.goto(`${url}/sign-in`)
  await signInWithPassword(page)
  await page.waitForURL(`${url}/`)
}

const heading = (page: Page) => page.getByRole('heading', { level: 1 }).innerText()

describe('every state of every page is readable by everyone', () => {
  // [PAGE-1]
  test('in light and dark, wide and narrow, axe finds nothing serious and nothing needs scrolling sideways', async () => {
    const page = await browser.visitor()
    const complaints = complaintsOf(page)
    const faults: string[] = []
    const look = async (name: string) => void faults.push(...(await faultsEverywhere(page, name)))

    await page.goto(url)
    await look('home-signed-out')
    await page.getByText('Claude Desktop and claude.ai').click()
    await look('home-other-client')
    await page.goto(`${url}/sign-in`)
    await look('sign-in')
    await signInWithPassword(page, { ...ADA, password: 'wrong' })
    await page.getByRole('alert').waitFor()
    await look('sign-in-wrong')
    await page.goto(`${url}/sign-in`)
    await page.getByLabel('Email address, for a code by mail').fill(ADA.email)
    await page.getByRole('button', { name: 'Send me a code' }).click()
    await page.waitForURL(`${url}/sign-in/pin/code`)
    await look('code')
    await page.getByRole('textbox', { name: 'Code' }).fill('0000 0000')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('alert').waitFor()
    await look('code-wrong')
    await signedIn(page)
    await look('home-signed-in')
    await page.goto(await askedBy('Claude Code'))
    await look('consent-loopback')
    const arrival = landing.arrival()
    await page.getByRole('button', { name: 'Allow' }).click()
    await arrival
    await page.goto(url)
    await page.getByRole('button', { name: /^Take back/ }).waitFor()
    await look('home-with-a-client')
    await page.goto(await askedBy('Notes'))
    await whileNobodyMayEnter(async () => {
      await page.getByRole('button', { name: 'Allow' }).click()
      await page.getByRole('heading', { name: 'You may not use Team tools' }).waitFor()
      await look('consent-not-allowed')
      await page.goto(url)
      await look('home-not-allowed')
    })
    await page.goto(await askedBy('Claude', 'https://collect.example/callback'))
    await look('consent-borrowed-name')
    await page.goto(await askedBy('Notes', 'com.example.notes:/callback'))
    await look('consent-private-use')
    await page.locator('button[value=deny]').focus()
    await look('consent-focus')
    await page.goto(`${url}/sign-in`)
    await look('sign-in-again')
    await page.goto(`${url}/sign-out`)
    await look('sign-out')
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByRole('heading', { name: 'You are signed out' }).waitFor()
    await look('signed-out')

    expect(faults).toEqual([])
    expect(complaints).toEqual([])
  })

  // [PAGE-1]
  test('every problem has a page that says what happened and what to do', async () => {
    const page = await browser.visitor({ width: 375 })
    const faults: string[] = []
    for (const name of PROBLEM_NAMES) {
      const answer = await problemPage(name, { organization: ORGANIZATION })
      const [body, headers] = [await answer.text(), Object.fromEntries(answer.headers)]
      await page.route(`${url}/problem`, (route) => route.fulfill({ status: answer.status, headers, body }))
      const shown = await page.goto(`${url}/problem`)
      expect(shown?.status(), name).toBeGreaterThanOrEqual(400)
      expect(
        (await page.locator('main').innerText()).split('\n').filter((line) => line.trim() !== '').length,
      ).toBeGreaterThan(3)
      faults.push(...(await faultsOf(page)).map((fault) => `${name}: ${fault}`))
      await page.unroute(`${url}/problem`)
    }
    expect(faults).toEqual([])
  })
})

describe('signing in and letting a client in', () => {
  // [PAGE-2]
  test('by keyboard alone and without script, from the link of a client to its callback', async () => {
    const page = await browser.visitor({ script: false, width: 375 })
    const complaints = complaintsOf(page)
    await page.goto(await askedBy('Notes for a terminal'))
    await tabTo(page, 'input#email')
    await page.keyboard.type(ADA.email)
    await tabTo(page, 'input#password')
    await page.keyboard.type(ADA.password)
    await page.keyboard.press('Enter')
    await page.waitForURL(`${url}/consent/*`)
    expect(await heading(page)).toBe('Let this client into Team tools?')
    await tabTo(page, 'button[value=allow]')
    const arrival = landing.arrival()
    await page.keyboard.press('Enter')
    expect([...(await arrival).keys()].sort()).toEqual(['code', 'iss', 'state'])
    expect(complaints).toEqual([])
  })

  test('the page says first what is proven, then what the client says, where the answer goes, what it reaches, and as whom', async () => {
    const page = await browser.visitor()
    await signedIn(page)
    await page.goto(await askedBy('Notes'))
    const said = await page.locator('main').innerText()
    const order = ['Not verified', 'nobody has verified who it is', '“Notes”', 'A program on this computer']
    const facts = ['127.0.0.1, this computer', 'Portal\nTeam tools', `${url}/mcp`, '1 server', 'handbook', ADA.email]
    const places = [...order, ...facts].map((text) => said.indexOf(text))
    expect(places).not.toContain(-1)
    expect(places).toEqual([...places].sort((a, b) => a - b))
    expect(await page.getByRole('checkbox').isChecked()).toBe(false)
  })

  for (const [what, host] of [
    ['127.0.0.1', '127.0.0.1'],
    ['[::1]', '::1'],
  ] as const)
    test(`a client that waits at ${what} gets its answer, whatever it is: allowed, denied, and remembered after the next sign-in`, async () => {
      const own = await openLanding(host)
      try {
        const page = await browser.visitor({ script: false })
        const complaints = complaintsOf(page)
        await signedIn(page)
        const asked = await askedBy('Notes', own.uri)
        await page.goto(asked)
        await page.getByRole('button', { name: 'Deny' }).click()
        expect((await own.arrival()).get('error')).toBe('access_denied')
        await page.goto(asked)
        await page.getByRole('checkbox').check()
        await page.getByRole('button', { name: 'Allow' }).click()
        expect((await own.arrival()).get('code')).not.toBeNull()

        // Nobody is signed in any more, so that the way to the client begins with a form.
        await page.context().clearCookies()
        await page.goto(asked)
        await signInWithPassword(page)
        expect((await own.arrival()).get('code')).not.toBeNull()
        expect(complaints).toEqual([])
      } finally {
        await own.close()
      }
    })

  test('a client with a scheme of its own is opened, and no other scheme could be', async () => {
    const page = await browser.visitor({ script: false })
    const complaints = complaintsOf(page)
    await signedIn(page)
    const shown = await page.goto(await askedBy('Notes', 'com.example.notes:/callback'))
    expect(shown?.headers()['content-security-policy']).toContain("form-action 'self' https: com.example.notes:;")
    const opened = page.waitForEvent('requestfailed', (request) =>
      request.url().startsWith('com.example.notes:/callback?'),
    )
    await page.getByRole('button', { name: 'Allow' }).click()
    expect(new URL((await opened).url()).searchParams.get('code')).not.toBeNull()
    expect(complaints).toEqual([])
  })

  test('through the company’s identity provider, without script', async () => {
    const page = await browser.visitor({ script: false })
    const complaints = complaintsOf(page)
    await page.goto(await askedBy('Notes'))
    await page.getByRole('button', { name: 'Continue with Acme account' }).click()
    await page.getByLabel('User name').fill('grace')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.waitForURL(`${url}/consent/*`)
    expect(await page.locator('main').innerText()).toContain('grace@acme.test')
    const arrival = landing.arrival()
    await page.getByRole('button', { name: 'Allow' }).click()
    expect((await arrival).get('code')).not.toBeNull()
    expect(complaints).toEqual([])
  })

  test('with a code by mail, typed as the mail shows it', async () => {
    const page = await browser.visitor({ script: false })
    await page.goto(await askedBy('Notes'))
    await page.getByLabel('Email address, for a code by mail').fill('lin@acme.test')
    await page.getByRole('button', { name: 'Send me a code' }).click()
    let mail = await home.mailbox.next()
    while (!mail.to.includes('lin@acme.test')) mail = await home.mailbox.next()
    const [, code = ''] = /\b(\d{4} ?\d{4})\b/.exec(mail.raw.slice(mail.raw.indexOf('\r\n\r\n'))) ?? []
    await page.getByRole('textbox', { name: 'Code' }).fill(` ${code.slice(0, 4)} ${code.slice(-4)} `)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.waitForURL(`${url}/consent/*`)
    expect(await page.locator('main').innerText()).toContain('lin@acme.test')
  })

  test('a provider that answers nonsense has a page that says so, and the way back', async () => {
    const page = await browser.visitor()
    await page.goto(await askedBy('Notes'))
    await page.getByRole('button', { name: 'Continue with Acme account' }).click()
    await home.provider.mode('token-html')
    try {
      await page.getByLabel('User name').fill('grace')
      await page.getByRole('button', { name: 'Sign in' }).click()
      await page.getByRole('heading', { name: 'Your identity provider does not answer' }).waitFor()
      await page.getByRole('link', { name: 'Sign in again' }).click()
      await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    } finally {
      await home.provider.mode('good')
    }
  })
})

describe('the home', () => {
  test('the copy button copies the address, and its press is said aloud', async () => {
    const page = await browser.visitor()
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
    await page.goto(url)
    await page.getByRole('button', { name: 'Copy the address' }).first().click()
    await page.getByRole('status').filter({ hasText: 'Copied the address' }).waitFor()
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe(`${url}/mcp`)
  })

  test('without script there is no button that would do nothing, and all of it can be read', async () => {
    const page = await browser.visitor({ script: false, width: 375 })
    await page.goto(url)
    expect(await page.getByRole('button').count()).toBe(0)
    await page.getByText('Codex', { exact: true }).click()
    expect(await page.getByText('codex mcp login portico').isVisible()).toBe(true)
  })
})

async function whileNobodyMayEnter(work: () => Promise<void>): Promise<void> {
  const portal = '/access/ai-controls/mcp/portals/default'
  const { policies } = (await home.portal.api<{ policies: (string | { id: string })[] }>('GET', portal)).body.result
  await home.portal.api('PUT', portal, { policies: [] })
  await work()
  const ids = policies.map((policy) => (typeof policy === 'string' ? policy : policy.id))
  await home.portal.api('PUT', portal, { policies: ids })
}

/** Presses Tab until that has the focus, as a person would who sees it; then it must be seen that it has. */
async function tabTo(page: Page, selector: string): Promise<void> {
  for (let presses = 0; presses < 60; presses++) {
    await page.keyboard.press('Tab')
    const outline = await page.evaluate(
      `document.activeElement.matches(${JSON.stringify(selector)}) && getComputedStyle(document.activeElement).outlineStyle`,
    )
    if (outline === false) continue
    expect(outline).toBe('solid')
    return
  }
  throw new Error(`${selector} cannot be reached by keyboard`)
}
