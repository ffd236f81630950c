/** Signing out ends what it says, at once, for this person alone, and says what it did. On both databases. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DATABASE_KINDS, type FreshPostgres, freshPostgres } from '../databases.ts'
import { letIn, type OauthClient, registerClient } from '../oauth-client.ts'
import { ADA, type LivedIn, signInAs, startLivedIn } from '../page-journey.ts'
import { Person } from '../person.ts'

interface Row {
  method: string
  outcome: string
  actor: { label: string }
  change: { object: string; id: string } | null
}

for (const kind of DATABASE_KINDS)
  describe(`signing out (${kind})`, () => {
    let home: LivedIn
    let url: string
    let postgres: FreshPostgres | null = null
    let client: OauthClient
    beforeAll(async () => {
      postgres = kind === 'postgres' ? await freshPostgres(process.env.PORTICO_TEST_TEMPLATE) : null
      home = await startLivedIn(postgres === null ? {} : { databaseUrl: postgres.url })
      url = home.portal.url
      client = await registerClient(url, { client_name: 'Notes' })
    })
    afterAll(async () => {
      await home?.close()
      await postgres?.drop()
    })

    /** Whether a token opens the portal. */
    async function opens(token: string): Promise<boolean> {
      const ping = { jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} }
      const headers = {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
      }
      const { status } = await fetch(`${url}/mcp`, { method: 'POST', headers, body: JSON.stringify(ping) })
      return status !== 401
    }

    async function deeds(method: string): Promise<Row[]> {
      const query = `phase=ended&limit=50&method=${encodeURIComponent(method)}`
      return (await home.portal.api<Row[]>('GET', `/access/ai-controls/mcp/logs?${query}`)).body.result
    }

    const isSignedIn = async (person: Person) => (await person.open(url)).text.includes('Clients that act for you')
    /** The values of the hidden `id` fields of the forms with this action, in the order of the page. */
    const idsOf = (text: string, action: string) =>
      [...text.matchAll(new RegExp(`action="${action}">[\\s\\S]*?name="id" value="([^"]+)"`, 'g'))].map(
        ([, id = '']) => id,
      )

    // [PAGE-5]
    test('of everything ends every browser and every client, says how many, and is recorded', async () => {
      const [laptop, phone, other] = [await signInAs(home), await signInAs(home), await signInAs(home, 'grace')]
      const { tokens } = await letIn(laptop, client, ADA)
      expect(await opens(tokens.access_token)).toBe(true)
      const asked = await laptop.open(`${url}/sign-out`)
      expect(asked.text).toMatch(/2 browsers of yours will be signed out, and 1 client/)
      expect(asked.text).not.toContain('connections to servers')
      expect(await isSignedIn(phone)).toBe(true)

      const done = await laptop.submit(asked, '/sign-out')
      expect(done.status).toBe(200)
      for (const said of ['You are signed out', '2 browsers signed out', '1 client lost access'])
        expect(done.text).toContain(said)
      expect(await opens(tokens.access_token)).toBe(false)
      expect((await client.refresh(tokens.refresh_token)).body.error).toBe('invalid_grant')
      expect([await isSignedIn(laptop), await isSignedIn(phone), await isSignedIn(other)]).toEqual([false, false, true])
      expect(await deeds('sign-out')).toMatchObject([
        { outcome: 'answered', actor: { label: ADA.email }, change: { object: 'user' } },
      ])
    })

    test('one client alone loses access, and nobody takes back what is another person’s', async () => {
      const [ada, grace] = [await signInAs(home), await signInAs(home, 'grace')]
      const kept = await letIn(ada, client, ADA)
      const ended = await letIn(ada, await registerClient(url, { client_name: 'Old notes' }), ADA)
      const page = await ada.open(url)
      const [id = ''] = idsOf(page.text, '/sign-out/client')
      expect(page.text).toContain('aria-label="Take back: what “Old notes” may do in Team tools"')

      const foreign = await grace.open(`${url}/sign-out`)
      const token = /name="form_token" value="([^"]+)"/.exec(foreign.text)?.[1] ?? ''
      const refused = await grace.submit({ ...foreign, text: formTo('/sign-out/client', token) }, '/sign-out/client', {
        id,
      })
      expect(refused.status).toBe(404)
      expect(await opens(ended.tokens.access_token)).toBe(true)

      const done = await ada.submit(page, '/sign-out/client', { id })
      expect(done.text).toContain('The client lost access, at once.')
      expect(await opens(ended.tokens.access_token)).toBe(false)
      expect(await opens(kept.tokens.access_token)).toBe(true)
      expect(await deeds('sign-out client')).toMatchObject([{ change: { object: 'grant', id } }])
    })

    test('one browser alone is signed out, and nobody ends another person’s', async () => {
      const [lost, grace] = [await signInAs(home, 'grace'), await signInAs(home, 'grace')]
      const ada = await signInAs(home)
      const page = await grace.open(url)
      const rows = (page.text.match(/<li>[\s\S]*?<\/li>/g) ?? []).filter((row) => row.includes('/sign-out/browser'))
      const others = rows
        .filter((row) => !row.includes('this browser'))
        .flatMap((row) => idsOf(row, '/sign-out/browser'))
      expect(others).toHaveLength(rows.length - 1)
      const own = await ada.open(url)
      for (const id of others) expect((await ada.submit(own, '/sign-out/browser', { id })).status).toBe(404)
      expect(await isSignedIn(lost)).toBe(true)

      for (const id of others) {
        const done = await grace.submit(page, '/sign-out/browser', { id })
        expect(done.text).toContain('The browser is signed out.')
      }
      expect([await isSignedIn(lost), await isSignedIn(grace), await isSignedIn(ada)]).toEqual([false, true, true])
      const recorded = (await deeds('sign-out browser')).map(({ change }) => change?.id)
      expect(recorded.toSorted()).toEqual(others.toSorted())
    })

    test('needs a form of ours, made for this very browser', async () => {
      const [ada, thief] = [await signInAs(home), new Person(url)]
      const asked = await ada.open(`${url}/sign-out`)
      const foreign = /name="form_token" value="([^"]+)"/.exec((await thief.open(`${url}/sign-in`)).text)?.[1] ?? ''
      for (const token of ['', foreign]) {
        const sent = await ada.submit({ ...asked, text: formTo('/sign-out', token) }, '/sign-out')
        expect([sent.status, sent.text]).toEqual([403, expect.stringContaining('This page was too old, or not ours')])
      }
      expect(await isSignedIn(ada)).toBe(true)
    })
  })

function formTo(action: string, token: string): string {
  return `<form method="post" action="${action}"><input type="hidden" name="form_token" value="${token}" /></form>`
}
