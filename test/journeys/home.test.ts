/** The portal's home tells a person how to connect, and tells nobody else what is behind it. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { PAGES } from '../../src/pages/index.ts'
import { letIn, registerClient } from '../oauth-client.ts'
import { ADA, type LivedIn, ORGANIZATION, signInAs, startLivedIn } from '../page-journey.ts'
import { Person } from '../person.ts'
import { rawRequest } from '../raw-http.ts'

const PORTALS = '/access/ai-controls/mcp/portals'

let home: LivedIn
let url: string
let ada: Person
beforeAll(async () => {
  home = await startLivedIn()
  url = home.portal.url
  ada = await signInAs(home)
  await must('POST', PORTALS, { id: 'vault', name: 'Vault of secrets', hostname: 'vault.example.com' })
})
afterAll(() => home?.close())

const must = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
  const answer = await home.portal.api<T>(method, path, body)
  if (!answer.body.success) throw new Error(JSON.stringify(answer.body))
  return answer.body.result
}

test('the home shows the address and what each client must be told', async () => {
  const response = await fetch(url)
  const page = await response.text()
  expect(response.status).toBe(200)
  expect(page).toContain(`value="${url}/mcp"`)
  expect(page).toContain(`claude mcp add --transport http portico ${url}/mcp`)
  expect(page).toContain(`codex mcp add portico --url ${url}/mcp`)
  expect(page).toContain('href="cursor://anysphere.cursor-deeplink/mcp/install?name=portico&amp;config=')
  expect(page).toContain('href="vscode:mcp/install?%7B%22name%22%3A%22portico%22')
  for (const shape of ['serverUrl', 'httpUrl', 'context_servers', 'mcp-remote@']) expect(page).toContain(shape)
})

test('where clients choose code mode by their address, the home has that address, and else not', async () => {
  const address = `value="${url}/mcp?codemode=search_and_execute"`
  const shownWith = async (code_mode: string) => {
    await must('PUT', `${PORTALS}/default`, { code_mode })
    return (await (await fetch(url)).text()).includes(address)
  }
  const shown = []
  for (const mode of ['off', 'default_on', 'enforced', 'opt_in']) shown.push(await shownWith(mode))
  expect(shown).toEqual([false, false, false, true])
})

// [PAGE-3]
describe('every page refuses to be framed, scripted or sniffed', () => {
  const wanted = {
    'x-frame-options': 'DENY',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'same-origin',
    'cache-control': 'no-store',
    'cross-origin-opener-policy': 'same-origin',
  }
  const cases = [...PAGES.map(({ method, path }) => ({ method, path })), { method: 'GET', path: '/nothing-here' }]
  for (const { method, path } of cases)
    test(`${method} ${path}`, async () => {
      for (const cookie of ['', ada.cookies(url)]) {
        const asked = `${url}${path.replaceAll(/:\w+/g, 'x')}`
        const body = method === 'POST' ? { body: new URLSearchParams() } : {}
        const { status, headers } = await fetch(asked, { method, headers: { cookie }, redirect: 'manual', ...body })
        if (status === 303) {
          expect(headers.get('cache-control')).toBe('no-store')
          continue
        }
        expect(headers.get('content-type')).toBe('text/html; charset=utf-8')
        expect(Object.fromEntries(headers)).toMatchObject(wanted)
        const policy = headers.get('content-security-policy') ?? ''
        expect(policy).toMatch(/^default-src 'none'; style-src 'sha256-[^']+'; /)
        for (const directive of ["frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"])
          expect(policy).toContain(directive)
        expect(policy).not.toMatch(/unsafe|\*(?!;|$| )|data:/)
      }
    })
})

test('what an admin writes stands on the page as text', async () => {
  const before = await must<{ name: string; description: string }>('GET', `${PORTALS}/default`)
  await must('PUT', `${PORTALS}/default`, { name: '<script>alert(1)</script>', description: '"><img src=x>' })
  const page = await (await fetch(url)).text()
  await must('PUT', `${PORTALS}/default`, { name: before.name, description: before.description })
  expect(page).not.toContain('<script>alert')
  expect(page).not.toContain('<img')
  expect(page).toContain('&lt;script&gt;alert')
})

test('a path that is none has a page that says so', async () => {
  const response = await fetch(`${url}/nothing-here`)
  expect([response.status, await response.text()]).toEqual([404, expect.stringContaining('There is nothing here')])
})

// [PAGE-4]
test('who is not signed in is told of no server, tool, person or other portal, whatever they ask for', async () => {
  await letIn(new Person(url), await registerClient(url, { client_name: 'Notes' }), ADA)
  const texts = await Promise.all(
    ['/', '/?portal=vault', '/?portal=none'].map(async (path) => (await fetch(url + path)).text()),
  )
  expect(new Set(texts.map(withoutToken)).size).toBe(1)
  for (const secret of ['handbook', 'echo', 'acme.test', 'Vault', 'vault', 'Notes'])
    expect(texts[0]).not.toContain(secret)
})

test('under the host of a portal the home is that portal’s, and its address is there', async () => {
  const { body } = await rawRequest(url, { host: 'vault.example.com' })
  expect(body).toContain('<h1><bdi>Vault of secrets</bdi></h1>')
  expect(body).toContain('value="http://vault.example.com/mcp"')
  expect(body).toContain(`href="${url}/sign-in"`)
})

describe('who is signed in', () => {
  test('sees their servers and the portals that they may enter, and no others', async () => {
    await must('POST', PORTALS, {
      id: 'labs',
      name: 'Labs',
      hostname: 'labs.example.com',
      policies: await policiesOfDefault(),
    })
    const page = (await ada.open(url)).text
    for (const shown of [ORGANIZATION, 'handbook', '1 tool', ADA.email, 'Labs', 'href="/?portal=labs"'])
      expect(page).toContain(shown)
    expect(page).not.toContain('Vault')
    const labs = (await ada.open(`${url}/?portal=labs`)).text
    expect(labs).toContain(`value="${url}/p/labs/mcp"`)
    expect(labs).toContain(`claude mcp add --transport http labs ${url}/p/labs/mcp`)
    expect((await ada.open(`${url}/?portal=vault`)).text).not.toContain('Vault')
  })

  test('may enter nothing is told so, and whom to ask', async () => {
    const policies = await policiesOfDefault()
    await must('PUT', `${PORTALS}/default`, { policies: [] })
    try {
      const page = (await ada.open(url)).text
      expect(page).toContain('No policy of this portal lets')
      expect(page).not.toContain('handbook')
    } finally {
      await must('PUT', `${PORTALS}/default`, { policies })
    }
  })
})

function withoutToken(text: string): string {
  return text.replaceAll(/name="form_token" value="[^"]*"/g, '')
}

async function policiesOfDefault(): Promise<string[]> {
  const { policies } = await must<{ policies: (string | { id: string })[] }>('GET', `${PORTALS}/default`)
  return policies.map((policy) => (typeof policy === 'string' ? policy : policy.id))
}
