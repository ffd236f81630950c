/**
 * Clients that people have, with no code of ours between them and a portal that runs: each signs in through a real browser, calls a tool of a
 * real server, renews by itself when its token is over, and is stopped when that is taken back.
 */
import {
  discoverAuthorizationServerMetadata,
  discoverOAuthProtectedResourceMetadata,
} from '@modelcontextprotocol/sdk/client/auth.js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { letClientIn, letProgramIn, type Way } from '../browser-sign-in.ts'
import { registerClient } from '../oauth-client.ts'
import { complaintsOf } from '../page-journey.ts'
import { type SignInClient, signInWith } from '../peers/sign-in-clients.ts'
import type { SignInPlan, SigningClient } from '../peers/sign-in-plan.ts'
import { ADA, type SignInJourney, startSignInJourney } from '../sign-in-journey.ts'
import { CLIENT_DOCUMENTS } from '../support/client-documents/index.ts'

let home: SignInJourney
/** Those that are in, by what they are. */
const clients = new Map<string, SigningClient>()

beforeAll(async () => {
  home = await startSignInJourney()
})
afterAll(async () => {
  await Promise.all([...clients.values()].map((client) => client.close()))
  await home?.close()
})

let isAtTheBrowser = true
/** What the person saw when a client asked. */
let way: Way | undefined
const person = async (link: string): Promise<void> => {
  if (isAtTheBrowser) way = await letClientIn(home.page, link, ADA)
}

const bodyOf = (client: string): Record<string, unknown> => {
  const found = CLIENT_DOCUMENTS.find((one) => one.client === client && one.how === 'document')
  if (found === undefined) throw new Error(`no document of ${client} is recorded`)
  return found.body
}

interface Case {
  peer: SignInClient
  how: string
  address: string
  plan(): Promise<Omit<SignInPlan, 'url' | 'person'>>
  consent: RegExp
}

const LOCAL = ['http://127.0.0.1/oauth/callback', 'http://localhost/oauth/callback']
const NOTES = {
  client_name: 'Notes',
  redirect_uris: LOCAL,
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  token_endpoint_auth_method: 'none',
}

const CASES: readonly Case[] = [
  {
    ...{ peer: 'SDK v1', how: 'registers another port than it waits at', address: '/mcp' },
    plan: async () => ({ redirect: await home.redirectTo('127.0.0.1', '/callback', 'http://127.0.0.1:9/callback') }),
    consent: /Not verified/,
  },
  {
    ...{ peer: 'SDK v1', how: 'has Claude Code’s document', address: '/p/default/mcp' },
    plan: async () => ({
      document: home.documents.publish('claude-code-client-metadata', bodyOf('Claude Code')),
      redirect: await home.redirectTo('localhost', '/callback'),
    }),
    consent: /“Claude Code”/,
  },
  {
    ...{ peer: 'SDK v1', how: 'leaves the resource out', address: '/mcp' },
    plan: async () => ({ withoutResource: true, redirect: await home.redirectTo('127.0.0.1', '/callback') }),
    consent: /Not verified/,
  },
  {
    ...{ peer: 'SDK v2 legacy', how: 'registers itself', address: '/p/default/mcp' },
    plan: async () => ({ redirect: await home.redirectTo('localhost', '/callback') }),
    consent: /Not verified/,
  },
  {
    ...{ peer: 'SDK v2 modern', how: 'registers itself', address: '/mcp' },
    plan: async () => ({ redirect: await home.redirectTo('127.0.0.1', '/callback') }),
    consent: /Not verified/,
  },
  {
    ...{ peer: 'SDK v2 modern', how: 'has VS Code’s document', address: '/mcp' },
    plan: async () => ({
      document: home.documents.publish('client-metadata.json', bodyOf('VS Code')),
      redirect: await home.redirectTo('127.0.0.1', '/'),
    }),
    consent: /“Visual Studio Code”/,
  },
  {
    ...{ peer: 'mcp-remote auto', how: 'registers itself', address: '/mcp' },
    plan: async () => ({}),
    consent: /Not verified/,
  },
  {
    ...{ peer: 'mcp-remote legacy', how: 'has a document', address: '/p/default/mcp' },
    plan: async () => ({ document: home.documents.publish('notes.json', NOTES) }),
    consent: /“Notes”/,
  },
  {
    ...{ peer: 'Inspector legacy', how: 'registers itself', address: '/p/default/mcp' },
    plan: async () => ({}),
    consent: /Not verified/,
  },
  {
    ...{ peer: 'Inspector modern', how: 'has a document', address: '/mcp' },
    plan: async () => ({ document: home.documents.publish('notes.json', NOTES) }),
    consent: /“Notes”/,
  },
]

describe('what a client reads first', () => {
  test.each([
    ['', '/mcp'],
    ['/mcp', '/mcp'],
    ['/p/default/mcp', '/p/default/mcp'],
  ])('the document of the resource, with its path after the well-known form as “%s”', async (path, resource) => {
    const address = `${home.portal.url}/.well-known/oauth-protected-resource${path}`
    const found = await discoverOAuthProtectedResourceMetadata(home.portal.url, { resourceMetadataUrl: address })
    expect(found.resource).toBe(`${home.portal.url}${resource}`)
    expect(found.authorization_servers).toEqual([home.portal.url])
    expect(await discoverOAuthProtectedResourceMetadata(`${home.portal.url}${path}`)).toEqual(found)
  })

  test('the document of the authorization server, at the root and with the path of the address', async () => {
    const root = await discoverAuthorizationServerMetadata(home.portal.url)
    expect(root).toMatchObject({ issuer: home.portal.url, client_id_metadata_document_supported: true })
    for (const path of ['', '/mcp', '/p/default/mcp']) {
      const answer = await fetch(`${home.portal.url}/.well-known/oauth-authorization-server${path}`)
      expect(await answer.json()).toMatchObject({ ...root })
    }
  })
})

// [OAUTH-11]
describe('clients that people have', () => {
  for (const { peer, how, address, plan, consent } of CASES) {
    const name = `${peer}, which ${how}`
    test(`${name}, signs in at ${address}, lists and calls a tool`, async () => {
      way = undefined
      const url = `${home.portal.url}${address}`
      const own = await plan()
      const client = await signInWith(peer, { url, person, ...own })
      expect(way).toMatchObject({ signedIn: clients.size === 0, consent: expect.stringMatching(consent) })
      clients.set(name, client)
      asksRightly(client, url, own)
      const tools = await client.listTools()
      expect(tools).toEqual(expect.arrayContaining(['everything_echo', 'ledger_post']))
      const result = await client.callTool('everything_echo', { message: name })
      expect(result.content).toEqual([{ type: 'text', text: `Echo: ${name}` }])
      if (peer.startsWith('SDK')) expect(client.version === '2026-07-28').toBe(peer === 'SDK v2 modern')
    })
  }

  test('SDK v1 with a scheme of its own, which no browser opens, signs in and calls a tool', async () => {
    const uri = 'com.example.peer:/callback'
    const arrived = Promise.withResolvers<URLSearchParams>()
    const client = await signInWith('SDK v1', {
      url: `${home.portal.url}/mcp`,
      redirect: { uri, registered: uri, arrival: () => arrived.promise },
      person: async (link) => {
        // A tab of its own: over this one the browser's own question stays, whether to open the program.
        const tab = await home.page.context().newPage()
        arrived.resolve((await letProgramIn(tab, link, ADA, uri)).to.searchParams)
      },
    })
    clients.set('SDK v1 with a scheme of its own', client)
    expect((await client.callTool('everything_get-sum', { a: 2, b: 40 })).content[0]?.text).toMatch(/\b42\b/)
  })

  test('all of them go on when their tokens are over, without a person', async () => {
    expect(await home.endTokens()).toBe(clients.size)
    expect(await home.renewedGrants()).toBe(0)
    isAtTheBrowser = false
    for (const [name, client] of clients) {
      await client.callTool('ledger_post', { entry: `renewed by ${name}` })
      expect(client.links.count, name).toBe(1)
    }
    expect(home.ledger.posted).toEqual([...clients.keys()].map((name) => `renewed by ${name}`))
    expect(await home.renewedGrants()).toBe(clients.size)
  })

  test('all of them are stopped when what the person gave is taken back, and ask for a new sign-in', async () => {
    const before = home.ledger.posted.length
    expect(await home.portal.api('POST', '/access/organizations/revoke_user', { email: ADA.email })).toBe(true)
    for (const [name, client] of clients) {
      // Some say no, others wait for a person: what counts is that all ask for one, and nothing is done meanwhile.
      void client.callTool('ledger_post', { entry: `too late for ${name}` }).catch(() => {})
      await client.links.reach(2)
    }
    expect(home.ledger.posted).toHaveLength(before)
    expect(await home.renewedGrants()).toBe(0)
    const [first] = clients.values()
    expect(await letClientIn(home.page, first?.links.last ?? '', ADA)).toMatchObject({ signedIn: true })
  })
})

describe('a client that the person let in before', () => {
  for (const [what, redirect] of [['on the web', 'https://client.example/callback']] as const)
    test(`${what}, and asked to remember, gets its answer right after the next sign-in`, async () => {
      const { portal } = home
      const context = (await home.visitor()).context()
      const client = await registerClient(portal.url, { client_name: 'Notes', redirect_uris: [redirect] })
      for (const time of ['the first time', 'remembered']) {
        const tab = await context.newPage()
        const complaints = complaintsOf(tab)
        const landed = await letProgramIn(tab, client.authorizeUrl().url, ADA, redirect)
        expect(landed, time).toMatchObject({ way: { signedIn: true, asked: time !== 'remembered' } })
        expect(landed.to.searchParams.get('code'), time).not.toBeNull()
        expect(complaints, time).toEqual([])
        await context.clearCookies()
      }
    })
})

/** What the link says, beside what the portal made of it. */
function asksRightly({ links }: SigningClient, url: string, plan: Omit<SignInPlan, 'url' | 'person'>): void {
  expect(links.count).toBe(1)
  const asked = new URL(links.last).searchParams
  expect(asked.get('resource')).toBe(plan.withoutResource === true ? null : url)
  if (plan.document === undefined) expect(asked.get('client_id')).not.toMatch(/^https:/)
  else expect(asked.get('client_id')).toBe(plan.document)
  expect(new URL(asked.get('redirect_uri') ?? '').port).not.toBe('')
}
