/** People connect accounts by the pages, and nobody connects anything for anybody else: links and ways back that change hands store nothing. */
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { type ConnectRoom, openConnectRoom } from '../connect-room.ts'
import { signInAs } from '../page-journey.ts'
import { type Page, Person } from '../person.ts'
import { ask2026, bearer, messageOf } from '../raw-mcp.ts'

let room: ConnectRoom
let ada: Person
let grace: Person
beforeAll(async () => {
  room = await openConnectRoom()
  ;[ada, grace] = [await signInAs(room.home), await signInAs(room.home, 'grace')]
})
afterAll(() => room?.close())
afterEach(async () => {
  for (const person of [ada, grace])
    for (const server of ['notes', 'desk']) {
      const home = await person.open(room.url)
      if (home.text.includes(`/connect/${server}/disconnect"`)) await person.submit(home, `/${server}/disconnect`)
    }
  expect(await room.connections()).toEqual([])
})

const confirm = (person: Person, page: Page, decision = 'confirm') =>
  person.submit(page, '/connect/confirm', { decision })

/** A page of somebody's that holds another form, with the token of their own forms. */
function planted(own: Page, action: string, fields: Record<string, string>): Page {
  const token = /name="form_token" value="([^"]+)"/.exec(own.text)?.[1] ?? ''
  const inputs = Object.entries({ form_token: token, ...fields })
    .map(([name, value]) => `<input type="hidden" name="${name}" value="${value}" />`)
    .join('')
  return { ...own, text: `<form method="post" action="${action}">${inputs}</form>` }
}

// [PAGE-8]
describe('connecting one’s own account', () => {
  test('from home: what will be asked is said before, whose account it is after, and only a yes connects it', async () => {
    const asked = await ada.open(`${room.url}/connect/notes`)
    expect(asked.status).toBe(200)
    for (const said of ['Notes of the team', new URL(room.upstream.issuer).host, 'nobody else’s calls use it'])
      expect(asked.text).toContain(said)
    const named = await room.arrive(ada, 'alice')
    expect(new URL(named.url).search).not.toContain('code=')
    for (const said of ['Is this the right account?', 'alice', 'Not my account']) expect(named.text).toContain(said)
    expect(await room.connections()).toEqual([])

    const home = await confirm(ada, named)
    expect(home.text).toContain('Your account is connected.')
    expect(home.text).toMatch(/Your connections[\s\S]*alice/)
    // What the account lists is read behind the pages, and counted there once it is known.
    await vi.waitUntil(async () => /alice[\s\S]*It lists \d+ tools?</.test((await ada.open(room.url)).text), 60_000)
    expect(named.text).not.toContain('not given')
    const [made] = await room.connections()
    expect(made).toMatchObject({ kind: 'oauth', status: 'ready', account: expect.stringContaining('alice') })
    expect(made?.owner).toBe(`user:${await room.userId('ada@acme.test')}`)
    for (const method of ['connect', 'connect callback', 'connect confirm'])
      expect((await room.deeds(method))[0]).toMatchObject({ outcome: 'answered', server: 'notes' })
    expect((await room.deeds('connect confirm'))[0]?.change).toMatchObject({ object: 'connection', id: made?.id })
    for (const secret of room.upstream.secrets) expect(home.text + named.text).not.toContain(secret)
  })

  test('from a call: the page names the client and the new rights, and in the end sends the person back to it', async () => {
    room.upstream.faults.withheld = ['notes:write']
    await confirm(ada, await room.arrive(ada, 'alice'))
    expect(await room.connections()).toMatchObject([{ scope: expect.not.stringContaining('notes:write') }])
    const path = await room.askedBy('ada@acme.test', { scope: 'notes:write', client: 'Tricky\u202e <b>client</b>' })
    const less = await room.arrive(ada, 'alice', path)
    expect(less.text).toMatch(/Asked for, and not given<\/dt><dd><ul class="plain">\s*<li><code>notes:write<\/code>/)
    room.upstream.faults.withheld = []
    const asked = await ada.open(room.url + path)
    expect(asked.text).toContain('“Tricky\\u{202e} &lt;b&gt;client&lt;/b&gt;”')
    expect(asked.text).toContain('<code>notes:write</code> <span class="tag">new</span>')
    const done = await confirm(ada, await room.arrive(ada, 'alice', path))
    expect(done.text).toContain('Go back to your client: it goes on by itself.')
    expect(await room.connections()).toHaveLength(1)
  })

  test('another account than before is named beside the one that it replaces, and a no keeps the one before', async () => {
    await confirm(ada, await room.arrive(ada, 'alice'))
    const [before] = await room.connections()
    const named = await room.arrive(ada, 'bob')
    expect(named.text).toMatch(/bob[\s\S]*takes the place of another account[\s\S]*alice/)
    const kept = await confirm(ada, named, 'decline')
    expect(kept.text).toContain('Not connected')
    expect(await room.connections()).toEqual([before])
    expect((await room.deeds('connect decline'))[0]).toMatchObject({ outcome: 'answered', server: 'notes' })
  })

  test('a server that takes tokens is given a pasted one, which no page shows again', async () => {
    const token = 'a-token-of-adas-own'
    const wrong = await ada.submit(await ada.open(`${room.url}/connect/desk`), '/connect/desk', { token: 'two words' })
    expect([wrong.status, wrong.text]).toEqual([400, expect.stringContaining('That is not a token')])
    const home = await ada.submit(wrong, '/connect/desk', { token })
    expect(home.text).toMatch(/Help desk[\s\S]*a token that you pasted/)
    expect(await room.connections()).toMatchObject([{ kind: 'token', account: null, issuer: null }])
    expect(home.text + (await ada.open(`${room.url}/connect/desk`)).text).not.toContain(token)
    expect(JSON.stringify(await room.deeds('connect'))).not.toContain(token)
  })

  // [PAGE-10]
  test('who disconnects has nothing connected any more, and the audit has it', async () => {
    await confirm(ada, await room.arrive(ada, 'alice'))
    const [made] = await room.connections()
    const home = await ada.submit(await ada.open(room.url), '/connect/notes/disconnect')
    expect(home.text).toContain('Your account is disconnected')
    expect(await room.connections()).toEqual([])
    expect((await room.deeds('disconnect'))[0]).toMatchObject({ server: 'notes', change: { id: made?.id } })
  })

  // [PAGE-10]
  test('who may not use the server any more still sees the connection, and ends it', async () => {
    await confirm(ada, await room.arrive(ada, 'alice'))
    const portal = '/access/ai-controls/mcp/portals/default'
    await room.home.portal.api('PUT', portal, { servers: [{ server_id: 'handbook' }] })
    try {
      expect((await ada.open(`${room.url}/connect/notes`)).status).toBe(404)
      const home = await ada.open(room.url)
      expect(home.text).toMatch(/Notes of the team[\s\S]*not offered to you now[\s\S]*alice/)
      await ada.submit(home, '/connect/notes/disconnect')
      expect(await room.connections()).toEqual([])
    } finally {
      const servers = [
        { server_id: 'handbook' },
        ...['notes', 'desk'].map((id) => ({ server_id: id, on_behalf: true })),
      ]
      await room.home.portal.api('PUT', portal, { servers })
    }
  })

  // [PAGE-5]
  test('who signs out keeps it, or ends it with the rest where that is ticked', async () => {
    await confirm(ada, await room.arrive(ada, 'alice'))
    const asked = await ada.open(`${room.url}/sign-out`)
    expect(asked.text).toContain('Also end my 1 connection to servers')
    await ada.submit(asked, '/sign-out')
    expect(await room.connections()).toHaveLength(1)
    ada = await signInAs(room.home)
    const done = await ada.submit(await ada.open(`${room.url}/sign-out`), '/sign-out', { connections: 'yes' })
    expect(done.text).toContain('1 connection to servers ended')
    expect(await room.connections()).toEqual([])
    ada = await signInAs(room.home)
  })

  test('the page for servers says which of them are connected, and leads there', async () => {
    await confirm(ada, await room.arrive(ada, 'alice'))
    const token = await room.home.portal.userToken('ada@acme.test')
    const params = { name: 'portal_toggle_servers', arguments: {} }
    const { result } = messageOf(await ask2026(`${room.url}/mcp`, bearer(token), 'tools/call', params))
    const { structuredContent } = result as { structuredContent: { url: string } }
    const { text } = await ada.open(structuredContent.url)
    expect(text).toMatch(/Notes of the team[\s\S]*Connected: <bdi>alice@[\s\S]*href="\/connect\/notes"/)
    expect(text).toMatch(/Help desk[\s\S]*have not connected one yet\. <a href="\/connect\/desk"/)
  })

  test('where the portal connects people by itself, it says so and offers nothing to press', async () => {
    const { api } = room.home.portal
    const mcp = '/access/ai-controls/mcp'
    const registration_info = { client_id: 'portico', token_endpoint_auth_method: 'none' }
    const auth_credentials = JSON.stringify({ auth_mode: 'enterprise', registration_info })
    const named = { id: 'ours', name: 'Our own', hostname: room.upstream.url, auth_type: 'oauth', auth_credentials }
    const made = await api('POST', `${mcp}/servers`, { ...named, allow_private: room.upstream.places })
    expect(made.body.errors).toEqual([])
    const before = ['notes', 'desk'].map((id) => ({ server_id: id, on_behalf: true }))
    const servers = [{ server_id: 'handbook' }, ...before]
    await api('PUT', `${mcp}/portals/default`, { servers: [...servers, { server_id: 'ours' }] })
    try {
      const page = await ada.open(`${room.url}/connect/ours`)
      expect([page.status, page.text]).toEqual([200, expect.stringContaining('connects you by itself')])
      expect(page.text).not.toContain('<form')
      expect((await ada.open(room.url)).text).toMatch(/Our own[\s\S]*The portal connects you by itself/)
    } finally {
      await api('PUT', `${mcp}/portals/default`, { servers })
    }
  })

  test('nobody ends another person’s', async () => {
    await confirm(ada, await room.arrive(ada, 'alice'))
    const form = planted(await grace.open(`${room.url}/sign-out`), '/connect/notes/disconnect', {})
    expect((await grace.submit(form, '/disconnect')).status).toBe(404)
    expect(await room.connections()).toHaveLength(1)
  })
})

// [PAGE-9]
describe('what changes hands stores nothing', () => {
  // [ASK-4]
  test('a link of one person shows another what a link that never was shows, and the audit has it', async () => {
    const path = await room.askedBy('ada@acme.test')
    const foreign = await grace.open(room.url + path)
    const none = await grace.open(`${room.url}/connect/notes?elicitationId=${'A'.repeat(43)}`)
    const unknown = await grace.open(`${room.url}/connect/no-such-server`)
    const shared = await grace.open(`${room.url}/connect/handbook`)
    expect([foreign.status, none.status, unknown.status, shared.status]).toEqual([404, 404, 404, 404])
    expect([foreign.text, unknown.text, shared.text]).toEqual([none.text, none.text, none.text])
    const elicitationId = new URL(room.url + path).searchParams.get('elicitationId') ?? ''
    const form = planted(await grace.open(`${room.url}/sign-out`), '/connect/notes', { elicitationId })
    expect((await grace.submit(form, '/connect/notes')).status).toBe(404)
    const refused = (await room.deeds('connect')).filter(({ error }) => error === 'foreign-link')
    expect(refused).toHaveLength(2)
    expect(refused[0]).toMatchObject({ outcome: 'refused', actor: { label: 'grace@acme.test' }, portal: 'default' })
  })

  test('a way back that another person opens is over for both', async () => {
    const back = await room.approve(await room.leave(ada), 'alice')
    const stolen = await grace.open(back)
    expect([stolen.status, stolen.text]).toEqual([
      400,
      expect.stringContaining('This is over, or began in another browser'),
    ])
    expect((await ada.open(back)).status).toBe(400)
    expect((await room.deeds('connect callback'))[0]).toMatchObject({ outcome: 'refused', error: 'not-yours' })
  })

  test('two ways back that are swapped connect neither', async () => {
    const [adas, graces] = [await room.leave(ada), await room.leave(grace)]
    const backs = [await room.approve(adas, 'alice'), await room.approve(graces, 'bob')] as const
    expect((await ada.open(backs[1])).status).toBe(400)
    expect((await grace.open(backs[0])).status).toBe(400)
    expect(await room.connections()).toEqual([])
  })

  test('a way back is good once', async () => {
    const back = await room.approve(await room.leave(ada), 'alice')
    const named = await ada.open(back)
    expect((await ada.open(back)).status).toBe(400)
    await confirm(ada, named)
    expect((await ada.open(back)).status).toBe(400)
    expect((await confirm(ada, named)).status).toBe(400)
    expect(await room.connections()).toHaveLength(1)
  })

  test('what waits for one person’s word is nothing in another’s browser', async () => {
    const named = await room.arrive(ada, 'alice')
    expect((await grace.open(named.url)).status).toBe(400)
    const attempt = new URL(named.url).searchParams.get('attempt') ?? ''
    for (const decision of ['confirm', 'decline']) {
      const form = planted(await grace.open(`${room.url}/sign-out`), '/connect/confirm', { attempt })
      expect((await grace.submit(form, '/connect/confirm', { decision })).status).toBe(400)
    }
    const copied = new Person(room.url)
    expect((await copied.open(named.url)).text).not.toContain('alice')
    expect(await room.connections()).toEqual([])
    expect((await room.deeds('connect confirm'))[0]).toMatchObject({ outcome: 'refused', error: 'not-yours' })
    await confirm(ada, named)
    expect(await room.connections()).toHaveLength(1)
  })

  test('who has signed out meanwhile connects nothing, before the answer or after it', async () => {
    const back = await room.approve(await room.leave(ada), 'alice')
    await ada.submit(await ada.open(`${room.url}/sign-out`), '/sign-out')
    expect((await ada.open(back)).status).toBe(400)

    ada = await signInAs(room.home)
    const named = await room.arrive(ada, 'alice')
    await ada.submit(await ada.open(`${room.url}/sign-out`), '/sign-out')
    const form = planted(await ada.open(`${room.url}/sign-in`), '/connect/confirm', {
      attempt: new URL(named.url).searchParams.get('attempt') ?? '',
    })
    expect((await ada.submit(form, '/connect/confirm', { decision: 'confirm' })).status).toBe(400)
    expect(await room.connections()).toEqual([])
    ada = await signInAs(room.home)
  })

  test('who is disabled meanwhile connects nothing', async () => {
    const back = await room.approve(await room.leave(grace), 'bob')
    const id = await room.userId('grace@acme.test')
    await room.home.portal.api('POST', `/access/users/${id}/disable`)
    expect((await grace.open(back)).status).toBe(400)
    await room.home.portal.api('POST', `/access/users/${id}/enable`)
    grace = await signInAs(room.home, 'grace')
    expect((await grace.open(back)).status).toBe(400)
    expect(await room.connections()).toEqual([])
  })

  test('a form that is not ours sends nobody away', async () => {
    const page = await ada.open(`${room.url}/connect/notes`)
    const form = {
      ...page,
      text: page.text.replaceAll(/name="form_token" value="[^"]+"/g, 'name="form_token" value="x"'),
    }
    expect((await ada.submit(form, '/connect/notes')).status).toBe(403)
  })
})

describe('by a link that an admin made', () => {
  const made = async () => {
    const path = '/access/ai-controls/mcp/servers/notes/authorize'
    return new URL((await room.home.portal.api<{ url: string }>('POST', path, {})).body.result.url)
  }

  test('whoever has it connects the account of everyone, once, and is told so; looking at it changes nothing', async () => {
    const link = await made()
    const [visitor, late] = [new Person(room.url), new Person(room.url)]
    const path = link.pathname + link.search
    for (const person of [visitor, late]) {
      const page = await person.open(link.href)
      expect([page.status, page.text]).toEqual([200, expect.stringContaining('will be used for everyone')])
      expect(page.text).toContain('This link was made by')
    }
    const named = await room.arrive(visitor, 'carol', path)
    expect(named.text).toMatch(/carol[\s\S]*used for everyone/)
    expect((await late.open(link.href)).status).toBe(404)
    expect((await late.open(named.url)).status).toBe(400)
    expect(await room.connections()).toEqual([])
    const done = await confirm(visitor, named)
    expect(done.text).toContain('used for everyone who may use this server. You can close this page.')
    expect(await room.connections()).toMatchObject([{ owner: 'admin', userId: null, status: 'ready' }])
    expect((await room.deeds('connect'))[0]).toMatchObject({ actor: { kind: 'unknown', id: 'connect-link' } })
    await room.home.portal.api(
      'DELETE',
      `/access/ai-controls/mcp/servers/notes/connections/${(await room.connections())[0]?.id}`,
    )
  })

  test('of two who send its form one leaves, and the other is told that it is over', async () => {
    const link = await made()
    const [one, two] = [new Person(room.url), new Person(room.url)]
    const pages = await Promise.all([one, two].map((person) => person.open(link.href)))
    const sent = await Promise.all([one, two].map((person, at) => person.submit(pages[at] as Page, '/connect/notes')))
    expect(sent.filter(({ left }) => left !== null)).toHaveLength(1)
    expect(sent.filter(({ status }) => status === 404)).toHaveLength(1)
  })

  test('of another server it opens nothing', async () => {
    const link = await made()
    expect((await ada.open(`${room.url}/connect/desk${link.search}`)).status).toBe(404)
  })
})

describe('what goes wrong is said in our own words', () => {
  const cases = [
    ['the server’s side tells of no PKCE', { noPkce: true }, 'not safe to use'],
    ['nobody is registered there', { noRegistration: true }, 'does not know this portal yet'],
  ] as const
  for (const [what, fault, said] of cases)
    test(`${what}: before anybody leaves`, async () => {
      await room.addServer('odd', fault)
      const page = await ada.open(`${room.url}/connect/odd`)
      const seen = page.status === 200 ? await ada.submit(page, '/connect/odd') : page
      expect([seen.status, seen.text]).toEqual([502, expect.stringContaining(said)])
      expect(await room.connections()).toEqual([])
    })

  test('somebody says no there, and can try again', async () => {
    const link = await room.leave(ada)
    room.upstream.faults.denied = true
    try {
      const own = new Person(link.origin)
      const { left } = await own.open(link.href)
      const page = await ada.open(left?.href ?? '')
      expect([page.status, page.text]).toEqual([403, expect.stringContaining('It was not allowed there')])
      expect(page.text).toContain('href="/connect/notes">Try again')
      expect((await room.deeds('connect callback'))[0]).toMatchObject({ outcome: 'refused', error: 'denied' })
    } finally {
      room.upstream.faults.denied = false
    }
  })

  test('an answer that names another issuer is thrown away', async () => {
    room.upstream.faults.wrongIss = 'https://evil.example'
    try {
      const page = await room.arrive(ada, 'alice')
      expect([page.status, page.text]).toEqual([502, expect.stringContaining('came from somewhere else')])
      expect(page.text).not.toContain('evil.example')
    } finally {
      room.upstream.faults.wrongIss = null
    }
  })
})
