/** The question before a client gets anything: who is asked, what they read, and what no answer of theirs can give away. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { letIn, type OauthClient, REDIRECT, registerClient } from '../oauth-client.ts'
import { ADA, type LivedIn, signInAs, startLivedIn } from '../page-journey.ts'
import { Person } from '../person.ts'

let home: LivedIn
let url: string
let ada: Person
beforeAll(async () => {
  home = await startLivedIn()
  url = home.portal.url
  ada = await signInAs(home)
})
afterAll(() => home?.close())

const askedBy = async (metadata: Record<string, unknown>, parameters: Record<string, string> = {}) =>
  ada.open((await registerClient(url, metadata)).authorizeUrl(parameters).url)

/** The page without markup, as it is read. */
const read = (text: string) =>
  text
    .replaceAll(/<style>[\s\S]*?<\/style>|<[^>]+>/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&')

// [PAGE-6]
describe('what a client says of itself', () => {
  for (const [what, name, shown] of [
    ['markup', '<img src=x onerror=alert(1)>', '“<img src=x onerror=alert(1)>”'],
    ['direction controls', 'Notes\u202e‮gpj.exe', '“Notesgpj.exe”'],
    ['zero-width characters', 'No\u200bt\u2060es\ufeff', '“Notes”'],
    ['lines of its own', 'Notes\n\nVerified: claude.ai', '“Notes Verified: claude.ai”'],
    ['quotes that would end ours', 'Notes” is verified. “', "“Notes' is verified. '”"],
  ] as const)
    test(`${what}: stands in our quotes, as text, after what is proven`, async () => {
      const { text } = await askedBy({ client_name: name })
      const page = read(text)
      expect(page).toContain(`It calls itself ${shown}`)
      expect(page.indexOf('Not verified')).toBeLessThan(page.indexOf(shown))
      expect(page.indexOf('Not verified')).toBeGreaterThan(0)
      expect(text).not.toMatch(/<img|[\u202a-\u202e\u2060-\u2069\u200b]/)
    })

  test('a long name is cut', async () => {
    const { text } = await askedBy({ client_name: 'N'.repeat(4000) })
    expect(/“(N+)”/.exec(read(text))?.[1]).toHaveLength(64)
  })

  test('a well-known name on a foreign host is warned of, in letters that only look alike too', async () => {
    for (const client_name of ['Claude', 'CIaude', 'Сlaude Code', 'Visual Studio Code']) {
      const page = read((await askedBy({ client_name, redirect_uris: ['https://collect.example/cb'] })).text)
      expect(page, client_name).toContain('Beware: this name belongs to a well-known client')
      expect(page).toContain('Answer goes to collect.example')
    }
    expect(read((await askedBy({ client_name: 'Notes' })).text)).not.toContain('Beware')
  })
})

describe('what is asked, and when', () => {
  let forgetful: OauthClient
  beforeAll(async () => {
    forgetful = await registerClient(url, { client_name: 'The portal' })
  })

  test('a client that was let in and remembered is not asked for again; with another redirect it is', async () => {
    const redirects = [REDIRECT, 'https://notes.example/cb']
    const client = await registerClient(url, { client_name: 'Notes', redirect_uris: redirects })
    const first = await ada.open(client.authorizeUrl().url)
    const path = new URL(first.url).pathname
    expect((await ada.submit(first, path, { decision: 'allow', remember: 'yes' })).left?.searchParams.has('code')).toBe(
      true,
    )
    expect((await ada.open(client.authorizeUrl().url)).left?.searchParams.has('code')).toBe(true)
    const other = await ada.open(client.authorizeUrl({ redirect_uri: 'https://notes.example/cb' }).url)
    expect([other.left, other.text]).toEqual([null, expect.stringContaining('Let this client into')])
    const again = await ada.open(client.authorizeUrl({ prompt: 'consent' }).url)
    expect([again.left, again.text]).toEqual([null, expect.stringContaining('Let this client into')])
  })

  test('a link that a model was given to show names its client and waits, however often and with whatever it is opened', async () => {
    const { url: link } = forgetful.authorizeUrl()
    const page = await ada.open(link)
    for (const more of ['', '&decision=allow&remember=yes', '&prompt=none', '&form_token=1']) {
      for (const at of [`${link}${more}`, `${page.url}${more.replace('&', '?')}`]) {
        const opened = await ada.open(at)
        expect(opened.left?.searchParams.has('code') ?? false, at).toBe(false)
        if (opened.left === null) expect(read(opened.text), at).toContain('It calls itself “The portal”')
      }
    }
  })

  describe('a client with a page and a scheme of its own', () => {
    let notes: OauthClient
    beforeAll(async () => {
      notes = await registerClient(url, { redirect_uris: ['https://notes.example/cb', 'com.example.notes:/callback'] })
    })

    test('a client that is reached by a scheme of its own is asked for each time, whatever was ticked', async () => {
      const first = await ada.open(notes.authorizeUrl({ redirect_uri: 'com.example.notes:/callback' }).url)
      expect(first.text).not.toContain('name="remember"')
      const allowed = await ada.submit(first, new URL(first.url).pathname, { decision: 'allow', remember: 'yes' })
      expect(allowed.left?.protocol).toBe('com.example.notes:')
      expect((await ada.open(notes.authorizeUrl({ redirect_uri: 'com.example.notes:/callback' }).url)).left).toBeNull()
    })

    test('a client that wants both a new sign-in and a new answer gets both, though it is remembered', async () => {
      const first = await ada.open(notes.authorizeUrl().url)
      await ada.submit(first, new URL(first.url).pathname, { decision: 'allow', remember: 'yes' })
      const person = new Person(url)
      const signIn = await person.open(notes.authorizeUrl({ prompt: 'login consent' }).url)
      const asked = await person.submit(signIn, '/sign-in/local', ADA)
      expect([asked.left, asked.text]).toEqual([null, expect.stringContaining('Let this client into')])
    })
  })

  test('without the tick nothing is remembered', async () => {
    await letIn(ada, forgetful, ADA)
    expect((await ada.open(forgetful.authorizeUrl().url)).text).toContain('Let this client into')
  })

  test('a client that asks for a new sign-in gets one, once', async () => {
    const person = await signInAs(home)
    const client = await registerClient(url)
    const asked = await person.open(client.authorizeUrl({ prompt: 'login' }).url)
    expect(new URL(asked.url).pathname).toBe('/sign-in')
    expect(asked.text).toContain('You are signed in as')
    const consent = await person.submit(asked, '/sign-in/local', ADA)
    expect(consent.text).toContain('Let this client into')
  })

  test('who has not signed in, or not begun it, learns nothing of it and gives nothing away', async () => {
    const client = await registerClient(url, { client_name: 'Notes' })
    const begun = await ada.open(client.authorizeUrl().url)
    const grace = await signInAs(home, 'grace')
    for (const person of [grace, new Person(url)]) {
      const page = await person.open(begun.url)
      expect([page.status, page.text]).toEqual([400, expect.stringContaining('began in another browser')])
      expect(page.text).not.toContain('Notes')
    }
    const own = await grace.open(`${url}/sign-out`)
    const text = own.text.replace('action="/sign-out"', `action="${new URL(begun.url).pathname}"`)
    const sent = await grace.submit({ ...own, text }, new URL(begun.url).pathname, { decision: 'allow' })
    expect([sent.status, sent.left]).toEqual([400, null])
  })

  test('who may not enter is told whom to ask, and the client that it was denied', async () => {
    const portal = '/access/ai-controls/mcp/portals/default'
    const { policies } = (await home.portal.api<{ policies: (string | { id: string })[] }>('GET', portal)).body.result
    const client = await registerClient(url)
    const asked = await ada.open(client.authorizeUrl().url)
    await home.portal.api('PUT', portal, { policies: [] })
    try {
      const path = new URL(asked.url).pathname
      const refused = await ada.submit(asked, path, { decision: 'allow' })
      expect([refused.status, refused.left]).toEqual([403, null])
      for (const said of ['You may not use Team tools', ADA.email, 'Ask an admin of Acme Corp', 'Use another account'])
        expect(read(refused.text)).toContain(said)
      const told = await ada.submit(refused, path, { decision: 'deny' })
      expect(told.left?.searchParams.get('error')).toBe('access_denied')
    } finally {
      const ids = policies.map((policy) => (typeof policy === 'string' ? policy : policy.id))
      await home.portal.api('PUT', portal, { policies: ids })
    }
  })

  test('an answer that is neither yes nor no changes nothing', async () => {
    const asked = await askedBy({})
    const path = new URL(asked.url).pathname
    const sent = await ada.submit(asked, path, { decision: 'perhaps' })
    expect([sent.status, sent.left]).toEqual([400, null])
    expect((await ada.open(asked.url)).text).toContain('Let this client into')
  })
})

describe('what cannot be sent back to the client stands on a page', () => {
  for (const [what, parameters, said] of [
    ['an unknown client', { client_id: 'nobody' }, 'The portal does not know this program'],
    [
      'a redirect that is not registered',
      { redirect_uri: 'https://evil.example/cb' },
      'wants its answer elsewhere than it said',
    ],
  ] as const)
    test(`${what}: nobody is sent anywhere, and no word of the request is repeated`, async () => {
      const client = await registerClient(url)
      const page = await ada.open(client.authorizeUrl({ ...parameters, state: 'call-0900-evil' }).url)
      expect([page.left, page.status]).toEqual([null, 400])
      expect(read(page.text)).toContain(said)
      for (const theirs of ['evil', 'nobody"', 'call-0900']) expect(page.text).not.toContain(theirs)
    })
})

describe('signing in', () => {
  test('an unknown address and a wrong password are told in the same bytes', async () => {
    const answers = await Promise.all(
      [ADA.email, 'nobody@acme.test'].map(async (email) => {
        const person = new Person(url)
        const page = await person.submit(await person.open(`${url}/sign-in`), '/sign-in/local', {
          email,
          password: 'wrong',
        })
        return `${page.status} ${page.text.replaceAll(email, 'EMAIL').replaceAll(/name="form_token" value="[^"]*"/g, '')}`
      }),
    )
    expect(answers[0]).toBe(answers[1])
    expect(answers[0]).toContain('That did not match')
  })

  // [PAGE-7]
  test('leads to a page of ours and nowhere else, wherever a link says', async () => {
    for (const to of [
      '//evil.example',
      'https://evil.example/',
      '/\\evil.example',
      '/sign-out',
      '/oauth/authorize?x=1',
    ]) {
      const person = new Person(url)
      const page = await person.open(`${url}/sign-in?return_to=${encodeURIComponent(to)}`)
      const done = await person.submit(page, '/sign-in/local', { ...ADA, return_to: to })
      expect([done.left, done.url], to).toEqual([null, `${url}/`])
    }
  })

  test('never takes over a session that somebody planted', async () => {
    const planted = await signInAs(home, 'grace')
    const victim = new Person(url, home.provider.issuer).copyFrom(planted)
    const before = victim.cookies(url)
    await victim.submit(await victim.open(`${url}/sign-in`), '/sign-in/local', ADA)
    expect(victim.cookies(url)).not.toBe(before)
    expect((await victim.open(url)).text).toContain(ADA.email)
    // The planted one ended with it.
    expect((await planted.open(url)).text).not.toContain('Clients that act for you')
  })
})
