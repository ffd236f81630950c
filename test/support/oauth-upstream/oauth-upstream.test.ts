/** The server behind OAuth is real: the official client of the protocol signs in at it, and everything it answers is the account's own. */
import { Client, StreamableHTTPClientTransport, UnauthorizedError } from '@modelcontextprotocol/client'
import { afterEach, expect, test } from 'vitest'
import { Links } from '../../peers/sign-in-plan.ts'
import { providerInMemory } from '../../peers/sign-in-provider.ts'
import { Person } from '../../person.ts'
import type { OauthUpstream, OauthUpstreamOptions } from './model.ts'
import { startOauthUpstream } from './start.ts'

const REDIRECT = 'http://127.0.0.1:51999/callback'
const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()))
})

async function start(options: OauthUpstreamOptions = {}): Promise<OauthUpstream> {
  const upstream = await startOauthUpstream(options)
  open.push(upstream)
  return upstream
}

/** The official client, signed in as the account. */
async function clientOf(upstream: OauthUpstream, account: string): Promise<Client> {
  const links = new Links()
  const redirect = { uri: REDIRECT, registered: REDIRECT, arrival: () => Promise.reject(new Error('nobody waits')) }
  const plan = { url: upstream.url, redirect, person: () => Promise.resolve() }
  const provider = providerInMemory(plan, links)
  const connect = async () => {
    const client = new Client({ name: 'test', version: '1.0.0' }, { versionNegotiation: { mode: 'auto' } })
    const transport = new StreamableHTTPClientTransport(new URL(upstream.url), { authProvider: provider as never })
    return { client, transport }
  }
  const first = await connect()
  const refused = await first.client.connect(first.transport).catch((error: unknown) => error)
  if (!(refused instanceof UnauthorizedError)) throw refused
  const person = new Person(upstream.issuer)
  const asked = await person.open(links.last)
  // A browser that is signed in there is not asked.
  const isAsked = new URL(asked.url).pathname.startsWith('/interaction/')
  const page = isAsked ? await person.submit(asked, '/sign-in', { user: account }) : asked
  if (page.left === null) throw new Error(`not back at the client: ${page.status} ${page.url} ${page.text}`)
  await first.transport.finishAuth(page.left.searchParams)
  const second = await connect()
  await second.client.connect(second.transport)
  open.unshift(second.client)
  return second.client
}

const textOf = (result: unknown) => (result as { content: { text: string }[] }).content[0]?.text

for (const [era, version] of [
  ['both', '2026-07-28'],
  ['2025', '2025-11-25'],
] as const) {
  test(`the official client signs in at a server that speaks ${era === 'both' ? 'both eras' : '2025'}, and all it gets is its own`, async () => {
    const upstream = await start({ era })
    const [alice, bob] = [await clientOf(upstream, 'alice'), await clientOf(upstream, 'bob')]
    expect(alice.getNegotiatedProtocolVersion()).toBe(version)
    expect(textOf(await alice.callTool({ name: 'whoami' }))).toBe('alice')
    expect(textOf(await bob.callTool({ name: 'whoami' }))).toBe('bob')
    const names = async (client: Client) => (await client.listTools()).tools.map(({ name }) => name)
    expect(await names(alice)).toEqual(['whoami', 'write_note', 'wait', 'alices_tool'])
    expect(await names(bob)).toEqual(['whoami', 'write_note', 'wait'])
    const greeting = await bob.getPrompt({ name: 'greet', arguments: { whom: 'Eve' } })
    expect(greeting.messages[0]?.content).toEqual({ type: 'text', text: 'bob greets Eve' })
    const { contents } = await bob.readResource({ uri: 'note://mine' })
    expect(contents[0]).toMatchObject({ text: 'the note of bob, change 0' })
    const ref = { type: 'ref/prompt' as const, name: 'greet' }
    const completed = await bob.complete({ ref, argument: { name: 'whom', value: 'bob-t' } })
    expect(completed.completion.values).toEqual(['bob-two'])
  })
}

test('a token that ends is renewed with the refresh token, which is another afterwards; what an account loses, it loses alone', async () => {
  const upstream = await start()
  const [alice, bob] = [await clientOf(upstream, 'alice'), await clientOf(upstream, 'bob')]
  upstream.endAccess('alice')
  expect(textOf(await alice.callTool({ name: 'whoami' }))).toBe('alice')
  expect(upstream.tokenRequests.map(({ grantType }) => grantType)).toEqual([
    ...['authorization_code', 'authorization_code', 'refresh_token'],
  ])
  expect(new Set(upstream.secrets).size).toBe(6)
  expect(upstream.tokenRequests.every(({ resource }) => resource === upstream.url)).toBe(true)
  upstream.revoke('alice')
  await expect(alice.callTool({ name: 'whoami' })).rejects.toThrow()
  expect(textOf(await bob.callTool({ name: 'whoami' }))).toBe('bob')
})

test('tokens that are signed die with the key that signed them', async () => {
  const upstream = await start({ format: 'jwt' })
  const alice = await clientOf(upstream, 'alice')
  expect(textOf(await alice.callTool({ name: 'whoami' }))).toBe('alice')
  upstream.rotateKeys()
  expect(textOf(await alice.callTool({ name: 'whoami' }))).toBe('alice')
  expect(upstream.tokenRequests.map(({ grantType }) => grantType)).toEqual(['authorization_code', 'refresh_token'])
})

test('who has no token learns where to get one, and who has too small a one, what is missing', async () => {
  const upstream = await start()
  upstream.faults.withheld = ['notes:write']
  const bare = await fetch(upstream.url, {
    method: 'POST',
    body: '{}',
    headers: { 'content-type': 'application/json' },
  })
  expect(bare.status).toBe(401)
  const challenge = bare.headers.get('www-authenticate') ?? ''
  expect(challenge).toContain('scope="notes:read"')
  const [, metadata = ''] = /resource_metadata="([^"]+)"/.exec(challenge) ?? []
  expect(await (await fetch(metadata)).json()).toMatchObject({
    resource: upstream.url,
    authorization_servers: [upstream.issuer],
  })
  const bob = await clientOf(upstream, 'bob')
  await expect(bob.callTool({ name: 'write_note', arguments: { text: 'x' } })).rejects.toThrow()
  expect(upstream.seen.at(-1)?.account).toBe('bob')
})
