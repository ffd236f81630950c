/** Client metadata documents: oidc-provider asks, and a real server with TLS of its own answers, as badly as it can. */
import { createServer, type RequestListener } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { certificate, trustIt } from '../../../../test/certificate.ts'
import { CLIENT_DOCUMENTS } from '../../../../test/support/client-documents/index.ts'
import { localEgress } from '../../../../test/upstream-room.ts'
import { systemClock } from '../../../base/clock.ts'
import { parsePlace } from '../../../base/destination.ts'
import { openSafeFetch } from '../../../base/safe-fetch.ts'
import { type Context, Provider } from '../library.ts'
import {
  DOCUMENT_BODY_LIMITS,
  DOCUMENT_CACHE,
  DOCUMENT_LIMITS,
  type DocumentBudgets,
  openMetadataDocuments,
} from './metadata-document.ts'
import { AUTH_METHODS, SIGNING_ALGORITHMS } from './registration.ts'

const endings: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end()
})

beforeAll(trustIt)

interface Peer {
  port: number
  paths: string[]
}

async function startPeer(answer: RequestListener): Promise<Peer> {
  const sockets = new Set<Socket>()
  const peer: Peer = { port: 0, paths: [] }
  const server = createSecureServer(certificate, (request, response) => {
    peer.paths.push(request.url ?? '')
    answer(request, response)
  })
  server.on('connection', (socket: Socket) => sockets.add(socket))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  peer.port = (server.address() as AddressInfo).port
  endings.push(() => {
    for (const socket of sockets) socket.destroy()
    return new Promise((resolve) => server.close(resolve))
  })
  return peer
}

interface Portal {
  /** An authorization request of this client, from this address. */
  authorize(
    clientId: string,
    redirect?: string,
    from?: string,
  ): Promise<{ status: number; text: string; location: string }>
  move(ms: number): void
}

/** Only the authorization endpoint, on the guard of a public portal: of this machine, only the peer's port is open. */
async function startPortal(peer: Peer | null, budgets?: DocumentBudgets): Promise<Portal> {
  let ahead = 0
  const clock = { now: () => systemClock.now() + ahead, elapsed: () => systemClock.elapsed() }
  const resolve = async (name: string) => [{ address: name.startsWith('inside') ? '10.0.0.5' : '127.0.0.1', family: 4 }]
  const egress = localEgress({ host: '0.0.0.0', publicUrl: 'https://mcp.example.com', resolve })
  endings.push(() => egress.close())
  const place = peer === null ? null : parsePlace(`127.0.0.1:${peer.port}`)
  const fetch = openSafeFetch(egress, { ...DOCUMENT_LIMITS, allowed: place === null ? [] : [place] })
  const documents = openMetadataDocuments({ clock, fetch, policy: () => null, ...(budgets ? { budgets } : {}) })
  const provider = new Provider('https://mcp.example.com', {
    clientAuthMethods: [...AUTH_METHODS],
    enabledJWA: { clientAuthSigningAlgValues: [...SIGNING_ALGORITHMS] },
    responseTypes: ['code'],
    fetch: documents.fetch,
    fetchResponseBodyLimits: DOCUMENT_BODY_LIMITS,
    interactions: { url: () => '/consent' },
    features: {
      devInteractions: { enabled: false },
      deviceFlow: { enabled: true },
      clientIdMetadataDocument: {
        enabled: true,
        ack: 'draft-02',
        cacheDuration: DOCUMENT_CACHE,
        allowFetch: (ctx: Context, id: string) => documents.mayFetch(id, ctx.get('x-from') || '192.0.2.7'),
      },
    },
    renderError: (ctx: Context, out: { error: string; error_description?: string }) => {
      ctx.body = JSON.stringify(out)
    },
  })
  provider.proxy = true
  const server = createServer(provider.callback())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  endings.push(() => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  })
  const { port } = server.address() as AddressInfo
  return {
    async authorize(clientId, redirect = REDIRECT, from = '192.0.2.7') {
      const query = new URLSearchParams({
        ...{ client_id: clientId, response_type: 'code', redirect_uri: redirect, scope: 'openid' },
        ...{ code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', code_challenge_method: 'S256' },
      })
      const headers = { 'x-from': from, 'x-forwarded-proto': 'https', 'x-forwarded-host': 'mcp.example.com' }
      const response = await globalThis.fetch(`http://127.0.0.1:${port}/auth?${query}`, { headers, redirect: 'manual' })
      return { status: response.status, text: await response.text(), location: response.headers.get('location') ?? '' }
    },
    move: (ms) => {
      ahead += ms
    },
  }
}

const REDIRECT = 'http://127.0.0.1:49152/callback'
const idAt = (peer: Peer, path = '/client.json') => `https://secure.example:${peer.port}${path}`

function documentOf(clientId: string, more: object = {}): Record<string, unknown> {
  const base = { client_id: clientId, client_name: 'Agent', redirect_uris: ['http://127.0.0.1/callback'] }
  return { ...base, token_endpoint_auth_method: 'none', ...more }
}

/** Answers each path with the document that has it as its id. */
async function startGoodPeer(more: object = {}, headers: Record<string, string> = {}): Promise<Peer> {
  const peer = await startPeer((request, response) => {
    response.writeHead(200, { 'content-type': 'application/json', ...headers })
    response.end(JSON.stringify(documentOf(idAt(peer, request.url), more)))
  })
  return peer
}

const LET_IN = { status: 303, location: '/consent' }

test('a client with a document is let on to consent, at any port of its loopback redirect', async () => {
  const peer = await startGoodPeer()
  const portal = await startPortal(peer)
  expect(await portal.authorize(idAt(peer))).toMatchObject(LET_IN)
  expect(await portal.authorize(idAt(peer), 'http://127.0.0.1:1024/callback')).toMatchObject(LET_IN)
  const other = await portal.authorize(idAt(peer), 'http://127.0.0.1:1024/other')
  expect([other.status, other.location, other.text]).toEqual([400, '', expect.stringContaining('redirect_uri')])
  expect(peer.paths).toEqual(['/client.json'])
})

describe("real clients' documents are taken", () => {
  for (const { client, body, asks } of CLIENT_DOCUMENTS.filter(({ how }) => how === 'document')) {
    test(client, async () => {
      const peer = await startPeer((_, response) => {
        response.writeHead(200, { 'content-type': 'application/json' })
        response.end(JSON.stringify({ ...body, client_id: idAt(peer) }))
      })
      const portal = await startPortal(peer)
      for (const asked of asks) expect(await portal.authorize(idAt(peer), asked)).toMatchObject(LET_IN)
    })
  }
})

describe('SEC-O6: a document that is no good leads to a page, and to nothing else', () => {
  const json = { 'content-type': 'application/json' }
  const large = (id: string) => JSON.stringify(documentOf(id, { client_name: 'x'.repeat(10 * 1024 * 1024) }))
  const bad: readonly (readonly [
    what: string,
    answer: (id: string, response: Parameters<RequestListener>[1]) => void,
  ])[] = [
    ['another client_id', (id, to) => to.writeHead(200, json).end(JSON.stringify(documentOf(`${id}x`)))],
    ['a redirect to the document', (_, to) => to.writeHead(302, { location: '/other.json' }).end()],
    ['status 201', (id, to) => to.writeHead(201, json).end(JSON.stringify(documentOf(id)))],
    ['10 MB', (id, to) => to.writeHead(200, json).end(large(id))],
    [
      '11 KiB',
      (id, to) => to.writeHead(200, json).end(JSON.stringify(documentOf(id, { client_name: 'x'.repeat(11_000) }))),
    ],
    [
      'gzip, a small answer that would be a large one',
      (id, to) => to.writeHead(200, { ...json, 'content-encoding': 'gzip' }).end(gzipSync(large(id))),
    ],
    ['text that says JSON in its body only', (id, to) => to.writeHead(200).end(JSON.stringify(documentOf(id)))],
    ['no JSON', (_, to) => to.writeHead(200, json).end('<html>')],
    ['a list', (id, to) => to.writeHead(200, json).end(JSON.stringify([documentOf(id)]))],
    [
      'a key twice',
      (id, to) => to.writeHead(200, json).end(`{"client_id":"x",${JSON.stringify(documentOf(id)).slice(1)}`),
    ],
    ['a secret', (id, to) => to.writeHead(200, json).end(JSON.stringify(documentOf(id, { client_secret: 'x' })))],
    [
      'authentication with a secret',
      (id, to) =>
        to
          .writeHead(200, json)
          .end(JSON.stringify(documentOf(id, { token_endpoint_auth_method: 'client_secret_post' }))),
    ],
    [
      'a redirect that a browser would run',
      (id, to) =>
        to.writeHead(200, json).end(JSON.stringify(documentOf(id, { redirect_uris: ['javascript:alert(1)'] }))),
    ],
    ['a connection that breaks', (_, to) => to.destroy()],
  ]
  for (const [what, answer] of bad) {
    test(what, async () => {
      const peer = await startPeer((request, response) => answer(idAt(peer, request.url), response))
      const portal = await startPortal(peer)
      for (const path of ['/client.json', '/client.json', '/client.json']) {
        const { status, location, text } = await portal.authorize(idAt(peer, path))
        expect([status, location]).toEqual([400, ''])
        expect(text).toMatch(/invalid_client/)
      }
      expect(peer.paths).toEqual(['/client.json'])
    })
  }

  test('a silent server and one that drips are given 2.5 seconds', async () => {
    const peer = await startPeer((request, response) => {
      if (request.url === '/silent') return
      response.writeHead(200, json)
      const drip = setInterval(() => response.write(' '), 100)
      response.on('close', () => clearInterval(drip))
    })
    const portal = await startPortal(peer)
    const began = performance.now()
    const answers = await Promise.all(['/silent', '/drip'].map((path) => portal.authorize(idAt(peer, path))))
    expect(answers.map(({ status }) => status)).toEqual([400, 400])
    expect(performance.now() - began).toBeLessThan(30_000)
  })
})

test('SEC-O6: addresses inside, names that lead there and plain http are never asked', async () => {
  const peer = await startGoodPeer()
  const portal = await startPortal(null)
  const inside = [
    idAt(peer),
    `https://127.0.0.1:${peer.port}/c`,
    `https://[::1]:${peer.port}/c`,
    `https://localhost:${peer.port}/c`,
  ]
  const others = ['https://inside.example/c', 'https://169.254.169.254/latest/meta-data', 'https://mcp.example.com/c']
  const odd = [
    `http://secure.example:${peer.port}/c`,
    `https://u:p@secure.example:${peer.port}/c`,
    'https://secure.example',
  ]
  for (const id of [...inside, ...others, ...odd]) {
    const { status, location } = await portal.authorize(id)
    expect([id, status, location]).toEqual([id, 400, ''])
  }
  expect(peer.paths).toEqual([])
})

describe('SEC-O6: there is an end to how many documents are fetched', () => {
  test('1,000 authorizations of one client are one fetch, whatever its document says about keeping it', async () => {
    const peer = await startGoodPeer({}, { 'cache-control': 'no-store, max-age=0' })
    const portal = await startPortal(peer)
    for (let round = 0; round < 10; round++) {
      const all = await Promise.all(Array.from({ length: 100 }, () => portal.authorize(idAt(peer))))
      expect(all.every(({ status }) => status === 303)).toBe(true)
    }
    expect(peer.paths.length).toBe(1)
  }, 60_000)

  test('1,000 authorizations of a client whose document fails are a fetch a minute', async () => {
    const peer = await startPeer((_, response) => response.writeHead(500).end())
    const portal = await startPortal(peer)
    for (let round = 0; round < 10; round++) {
      await Promise.all(Array.from({ length: 100 }, () => portal.authorize(idAt(peer))))
    }
    expect(peer.paths.length).toBe(1)
    portal.move(61_000)
    await portal.authorize(idAt(peer))
    expect(peer.paths.length).toBe(2)
  }, 60_000)

  test('1,000 clients of one host, from many networks, are as many fetches as that host may cost', async () => {
    const peer = await startGoodPeer()
    const portal = await startPortal(peer)
    for (let round = 0; round < 10; round++) {
      const at = Array.from({ length: 100 }, (_, i) => round * 100 + i)
      await Promise.all(at.map((i) => portal.authorize(idAt(peer, `/${i}`), REDIRECT, `198.51.${i % 250}.7`)))
    }
    expect(peer.paths.length).toBe(40)
    portal.move(10 * 60_000)
    expect(await portal.authorize(idAt(peer, '/again'))).toMatchObject(LET_IN)
  }, 60_000)

  test('one network has its own measure, and the next is not held up by it', async () => {
    const peer = await startGoodPeer()
    const portal = await startPortal(peer)
    const ask = (i: number, from: string) => portal.authorize(idAt(peer, `/${i}`), REDIRECT, from)
    for (let i = 0; i < 30; i++) await ask(i, `192.0.2.${i}`)
    expect(peer.paths.length).toBe(20)
    expect(await ask(100, '198.51.100.1')).toMatchObject(LET_IN)
  })

  test('a flood of unknown documents leaves those of well-known clients their own measure', () => {
    const asked: string[] = []
    const fetch = async (input: string | URL | Request) => {
      asked.push(String(input))
      return new Response('{}')
    }
    const budgets = { perAddress: 1000, perHost: 2, inAll: 5 }
    const documents = openMetadataDocuments({ clock: systemClock, fetch, policy: () => null, budgets })
    const may = (id: string) => documents.mayFetch(id, '192.0.2.7')
    expect(Array.from({ length: 4 }, (_, i) => may(`https://vscode.dev/${i}`))).toEqual([true, true, false, false])
    expect(Array.from({ length: 4 }, (_, i) => may(`https://host${i}.example/c`))).toEqual([true, true, true, false])
    expect(may('https://vscode.dev/oauth/client-metadata.json')).toBe(true)
    expect(may(`https://host9.example/${'x'.repeat(1024)}`)).toBe(false)
    expect(asked).toEqual([])
  })
})

test('SEC-O6: where clients may not introduce themselves, no document is fetched', () => {
  const fetch = async () => new Response('{}')
  const closed = { dynamic_client_registration: { enabled: false } }
  const documents = (policy: typeof closed | null) =>
    openMetadataDocuments({ clock: systemClock, fetch, policy: () => policy }).mayFetch(
      'https://a.example/c',
      '192.0.2.7',
    )
  expect([documents(closed), documents(null)]).toEqual([false, true])
})

test('SEC-O8: what a document points to is not fetched, but for the keys of a client that signs with them', async () => {
  const peer = await startGoodPeer({
    ...{
      logo_uri: 'https://secure.example/logo',
      client_uri: 'https://secure.example/',
      jwks_uri: 'https://secure.example/k',
    },
    ...{ sector_identifier_uri: 'https://secure.example/sector', policy_uri: 'http://plain.example/' },
  })
  const portal = await startPortal(peer)
  expect(await portal.authorize(idAt(peer))).toMatchObject(LET_IN)
  expect(peer.paths).toEqual(['/client.json'])
})
