import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { certificate, trustIt } from '../../test/certificate.ts'
import { localEgress } from '../../test/upstream-room.ts'
import { parsePlace } from './destination.ts'
import { type FetchLimits, fetchJson, openSafeFetch, type SafeFetch } from './safe-fetch.ts'

const endings: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end()
})

beforeAll(trustIt)

interface Peer {
  port: number
  seen: { method: string; path: string; headers: IncomingMessage['headers']; body: string }[]
  connections: number
  answer: RequestListener
}

async function start(answer: RequestListener, secure = true): Promise<Peer> {
  const sockets = new Set<Socket>()
  const at: Peer = { port: 0, seen: [], connections: 0, answer }
  const receive = async (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const { method = '', url = '', headers } = request
    at.seen.push({ method, path: url, headers, body: Buffer.concat(chunks).toString() })
    at.answer(request, response)
  }
  const server = secure ? createSecureServer(certificate, receive) : createServer(receive)
  server.on('connection', (socket: Socket) => {
    at.connections++
    sockets.add(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  at.port = (server.address() as AddressInfo).port
  endings.push(() => {
    for (const socket of sockets) socket.destroy()
    return new Promise((resolve) => server.close(resolve))
  })
  return at
}

/** Every name leads to this machine, of which only the ports of these peers are open. */
function fetchTo(peers: readonly Peer[], limits: FetchLimits = {}): SafeFetch {
  const resolve = async () => [{ address: '127.0.0.1', family: 4 }]
  const egress = localEgress({ host: '0.0.0.0', publicUrl: 'https://mcp.example.com', resolve })
  const allowed = peers.map(({ port }) => parsePlace(`127.0.0.1:${port}`)).filter((place) => place !== null)
  return openSafeFetch(egress, { allowed, totalMs: 5000, ...limits })
}

const at = (peer: Peer, path = '/', host = 'secure.example') => `https://${host}:${peer.port}${path}`

const UNREACHABLE = { code: 'upstream-unreachable', message: 'The address cannot be reached.' }

test('it answers as fetch does, and sends what fetch was told to send', async () => {
  const peer = await start((_, response) => {
    response.writeHead(201, [...['content-type', 'text/plain', 'x-one', 'a', 'set-cookie', 'a=1', 'set-cookie', 'b=2']])
    response.end('créé')
  })
  const fetch = fetchTo([peer])
  const response = await fetch(at(peer, '/token?x=1'), {
    method: 'POST',
    headers: { authorization: 'Basic abc', host: 'evil.example', connection: 'x-one', 'accept-encoding': 'gzip' },
    body: new URLSearchParams({ grant_type: 'refresh_token' }),
  })
  expect(response).toBeInstanceOf(Response)
  expect([response.status, response.ok, response.url]).toEqual([201, true, at(peer, '/token?x=1')])
  expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2'])
  expect(await response.text()).toBe('créé')
  expect(peer.seen).toMatchObject([
    {
      method: 'POST',
      path: '/token?x=1',
      body: 'grant_type=refresh_token',
      headers: {
        host: `secure.example:${peer.port}`,
        authorization: 'Basic abc',
        'accept-encoding': 'identity',
        'content-type': 'application/x-www-form-urlencoded;charset=UTF-8',
      },
    },
  ])
  const request = new Request(at(peer, '/again'), { method: 'PUT', body: 'whole' })
  expect((await fetch(request)).status).toBe(201)
  expect(peer.seen[1]).toMatchObject({ method: 'PUT', path: '/again', body: 'whole' })
  peer.answer = (_, response) => response.writeHead(204).end()
  expect((await fetch(new URL(at(peer)))).body).toBeNull()
})

describe('what is refused and what is dead are told alike', () => {
  test('and nothing is connected to', async () => {
    const peer = await start((_, response) => response.end('never'))
    const closed = fetchTo([])
    const open = fetchTo([peer])
    for (const url of [
      ...[
        at(peer),
        `https://127.0.0.1:${peer.port}/`,
        'https://10.0.0.5/',
        'https://169.254.169.254/',
        'https://localhost:2/',
      ],
      ...['https://user:secret@secure.example/', 'https://secure.example:22/', 'https://mcp.example.com/'],
      ...['file:///etc/passwd', 'data:text/plain,a', 'not a url', 'ftp://secure.example/'],
    ]) {
      const refused = await closed(url).then(
        () => 'answered',
        (error: unknown) => error,
      )
      expect(refused, url).toMatchObject(UNREACHABLE)
      expect(String(refused)).not.toContain('secret')
    }
    await expect(open(`http://secure.example:${peer.port}/`)).rejects.toMatchObject(UNREACHABLE)
    expect(peer.connections).toBe(0)
    await expect(open(at({ ...peer, port: 2 }))).rejects.toMatchObject(UNREACHABLE)
    await expect(open(at(peer, '/', 'impostor.example'))).rejects.toMatchObject(UNREACHABLE)
    expect(peer.seen).toEqual([])
  })
})

describe('redirects', () => {
  const to = (location: string, status = 302): RequestListener => {
    return (_, response) => response.writeHead(status, { location }).end()
  }

  test('are not followed unless it is asked for', async () => {
    const target = await start((_, response) => response.end('reached'))
    const peer = await start(to(at(target)))
    const response = await fetchTo([peer, target])(at(peer))
    expect([response.status, response.headers.get('location')]).toEqual([302, at(target)])
    expect(target.connections).toBe(0)
  })

  test.each([301, 302, 303, 307, 308])('of %i to another origin take no credential along', async (status) => {
    const target = await start((_, response) => response.end('reached'))
    const peer = await start(to(at(target, '/there', 'other.example'), status))
    const fetch = fetchTo([peer, target], { redirects: 1 })
    const headers = { authorization: 'Bearer secret', cookie: 'a=secret', 'x-api-key': 'secret', accept: 'text/plain' }
    const response = await fetch(at(peer), { headers })
    expect(await response.text()).toBe('reached')
    expect(response.url).toBe(at(target, '/there', 'other.example'))
    expect(peer.seen[0]?.headers).toMatchObject(headers)
    expect(target.seen[0]?.headers).toMatchObject({ accept: 'text/plain', 'accept-encoding': 'identity' })
    expect(JSON.stringify(target.seen)).not.toContain('secret')
  })

  test('to the same origin keep what they were given', async () => {
    const peer = await start((request, response) => {
      if (request.url === '/') to('/next')(request, response)
      else response.end('reached')
    })
    const response = await fetchTo([peer], { redirects: 3 })(at(peer), { headers: { 'x-api-key': 'k' } })
    expect(await response.text()).toBe('reached')
    expect(peer.seen[1]).toMatchObject({ path: '/next', headers: { 'x-api-key': 'k' } })
  })

  test('end after three', async () => {
    const peer = await start((request, response) => to(`/${Number(request.url?.slice(1)) + 1}`)(request, response))
    await expect(fetchTo([peer], { redirects: 3 })(at(peer, '/0'))).rejects.toMatchObject({
      code: 'upstream-bad-answer',
    })
    expect(peer.seen.map(({ path }) => path)).toEqual(['/0', '/1', '/2', '/3'])
  })

  test('lead neither from https to http, nor inside, nor to ourselves, by no chain', async () => {
    const canary = await start((_, response) => response.end('reached'))
    const plain = await start((_, response) => response.end('reached'), false)
    const peer = await start((_, response) => response.end())
    const fetch = fetchTo([peer, plain], { redirects: 3, allowHttp: true })
    for (const location of [
      ...[
        `http://secure.example:${plain.port}/`,
        `http://127.0.0.1:${plain.port}/`,
        at(canary),
        'https://169.254.169.254/',
      ],
      ...[
        `https://127.0.0.1:${canary.port}/`,
        'https://mcp.example.com/',
        'file:///etc/passwd',
        'https://u:p@secure.example/',
      ],
      ...['//10.0.0.5/', `https://secure.example:22/`],
    ]) {
      peer.answer = (request, response) => to(request.url === '/' ? '/hop' : location)(request, response)
      await expect(fetch(at(peer)), location).rejects.toMatchObject(UNREACHABLE)
    }
    expect([canary.connections, plain.connections]).toEqual([0, 0])
    peer.answer = to('https://[bad')
    await expect(fetch(at(peer))).rejects.toMatchObject({ code: 'upstream-bad-answer' })
  })

  test('of what is more than a question are not followed', async () => {
    const target = await start((_, response) => response.end('reached'))
    const peer = await start(to(at(target), 307))
    const response = await fetchTo([peer, target], { redirects: 3 })(at(peer), { method: 'POST', body: 'secret' })
    expect(response.status).toBe(307)
    expect(target.connections).toBe(0)
  })
})

describe('an answer has an end', () => {
  const cases: { when: string; answer: RequestListener; code: string }[] = [
    {
      when: 'is too long',
      answer: (_, response) => void response.end('x'.repeat(2000)),
      code: 'upstream-bad-answer',
    },
    {
      when: 'never stops',
      answer: (_, response) => {
        const more = () => {
          if (!response.destroyed) response.write('x'.repeat(1000), () => setImmediate(more))
        }
        more()
      },
      code: 'upstream-bad-answer',
    },
    {
      when: 'is coded',
      answer: (_, response) =>
        void response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('x'.repeat(1e6))),
      code: 'upstream-bad-answer',
    },
    {
      when: 'is coded a thousand times over',
      answer: (_, response) => {
        response.writeHead(200, { 'content-encoding': Array(1000).fill('gzip').join(', ') }).end(gzipSync('x'))
      },
      code: 'upstream-bad-answer',
    },
    { when: 'never begins', answer: () => {}, code: 'upstream-timeout' },
    {
      when: 'drips',
      answer: (_, response) => {
        const drip = () => {
          if (!response.destroyed) response.write('x', () => setTimeout(drip, 20))
        }
        drip()
      },
      code: 'upstream-timeout',
    },
    { when: 'breaks off', answer: (request) => request.socket.destroy(), code: 'upstream-unreachable' },
  ]
  for (const { when, answer, code } of cases) {
    test(`also one that ${when}`, async () => {
      const peer = await start(answer)
      const fetch = fetchTo([peer], { answerBytes: 1000, firstByteMs: 1500, totalMs: 800 })
      await expect(fetch(at(peer))).rejects.toMatchObject({ code })
      expect(peer.seen).toHaveLength(1)
    })
  }

  test('and the caller can end it sooner', async () => {
    const leaving = new AbortController()
    const peer = await start(() => leaving.abort())
    await expect(fetchTo([peer])(at(peer), { signal: leaving.signal })).rejects.toThrow()
  })
})

describe('JSON', () => {
  test('is read where the answer says that it is JSON', async () => {
    const peer = await start((_, response) =>
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"a":1}'),
    )
    expect(await fetchJson(fetchTo([peer]), at(peer))).toEqual({ a: 1 })
    expect(peer.seen[0]?.headers.accept).toBe('application/json')
    peer.answer = (_, response) =>
      response.writeHead(200, { 'content-type': 'application/jwk-set+json; charset=utf-8' }).end('[]')
    expect(await fetchJson(fetchTo([peer]), at(peer))).toEqual([])
  })

  test.each([
    ['a page', 200, 'text/html', '{}'],
    ['no type', 200, undefined, '{}'],
    ['an error', 500, 'application/json', '{}'],
    ['a redirect', 302, 'application/json', '{}'],
    ['half of it', 200, 'application/json', '{"a":'],
  ])('is not read from %s', async (_, status, type, body) => {
    const peer = await start((__, response) => {
      response.writeHead(status, type === undefined ? {} : { 'content-type': type }).end(body)
    })
    await expect(fetchJson(fetchTo([peer]), at(peer))).rejects.toMatchObject({ code: 'upstream-bad-answer' })
  })
})
