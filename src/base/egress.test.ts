import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { Pool } from 'undici'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { certificate, trustIt } from '../../test/certificate.ts'
import { type ConnectProxy, startConnectProxy } from '../../test/connect-proxy.ts'
import { parsePlace } from './destination.ts'
import { type Answer, type DestinationDenied, type Egress, type EgressOptions, openEgress } from './egress.ts'

const PUBLISHED = { host: '0.0.0.0', publicUrl: 'https://mcp.example.com', port: () => 8787, isOwnName: () => false }
const LOCAL = { host: '127.0.0.1', publicUrl: null, port: () => 8787, isOwnName: () => false }

const endings: (() => Promise<unknown> | unknown)[] = []
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end()
})

beforeAll(trustIt)

interface Listening {
  port: number
  seen: IncomingMessage[]
  connections: number
}

async function listen(server: Server, address = '127.0.0.1'): Promise<Listening> {
  const at: Listening = { port: 0, seen: [], connections: 0 }
  const sockets = new Set<Socket>()
  server.on('request', (request: IncomingMessage) => at.seen.push(request))
  server.on('connection', (socket: Socket) => {
    at.connections++
    sockets.add(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, address, resolve))
  at.port = (server.address() as AddressInfo).port
  endings.push(() => {
    for (const socket of sockets) socket.destroy()
    return new Promise((resolve) => server.close(resolve))
  })
  return at
}

const hello: RequestListener = (_, response) => response.end('hello')

function guard(options: Partial<EgressOptions> = {}): Egress {
  const egress = openEgress({ ...PUBLISHED, proxy: null, noProxy: [], ...options })
  endings.push(() => egress.close())
  return egress
}

/** As the pool of the upstream room does it; each call is a socket of its own. */
async function get(egress: Egress, url: string, allow: readonly string[] = []): Promise<string> {
  const allowed = allow.map(parsePlace).filter((place) => place !== null)
  const { origin, pathname } = new URL(url)
  const pool = new Pool(origin, { connect: egress.connector({ allowed, timeoutMs: 2000 }), allowH2: false })
  try {
    const { body } = await pool.request({ path: pathname, method: 'GET' })
    return await body.text()
  } finally {
    await pool.destroy()
  }
}

/** A resolver that answers from a list, one entry a query, the last one for ever; counts its queries. */
function answering(...lists: (readonly string[])[]) {
  const asked: string[] = []
  const resolve = async (name: string): Promise<Answer[]> => {
    const list = lists[Math.min(asked.length, lists.length - 1)] ?? []
    asked.push(name)
    return list.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
  }
  return { asked, resolve }
}

describe('a socket', () => {
  // [EGRESS-1]
  test('leads to the address that was judged: the name is resolved once, by us, for each socket', async () => {
    const server = await listen(createServer(hello))
    const { asked, resolve } = answering(['127.0.0.1'])
    const egress = guard({ resolve })
    // No other resolver knows this name.
    const url = `http://rebinding.example:${server.port}/`
    expect(await get(egress, url, [`127.0.0.1:${server.port}`])).toBe('hello')
    expect(asked).toEqual(['rebinding.example'])
    expect(server.seen[0]?.headers.host).toBe(`rebinding.example:${server.port}`)
    await get(egress, url, [`127.0.0.1:${server.port}`])
    expect(asked).toHaveLength(2)
  })

  test('is judged anew: a name that led to an open address a moment ago opens nothing now', async () => {
    const server = await listen(createServer(hello))
    const allow = [`127.0.0.1:${server.port}`]
    const { asked, resolve } = answering(
      ['127.0.0.1'],
      ['10.255.0.1'],
      ['127.0.0.2'],
      ['169.254.169.254'],
      ['127.0.0.1'],
    )
    const egress = guard({ resolve })
    const url = `http://rebinding.example:${server.port}/`
    expect(await get(egress, url, allow)).toBe('hello')
    for (const denial of ['private', 'loopback', 'link-local']) {
      await expect(get(egress, url, allow)).rejects.toMatchObject({ name: 'DestinationDenied', denial })
    }
    expect(await get(egress, url, allow)).toBe('hello')
    expect(asked).toHaveLength(5)
    expect(server.connections).toBe(2)
  })

  test('is not opened when one of the answers is closed, wherever it stands among them', async () => {
    const server = await listen(createServer(hello))
    const allow = [`127.0.0.1:${server.port}`]
    for (const list of [
      ['127.0.0.1', '10.0.0.5'],
      ['10.0.0.5', '127.0.0.1'],
      ['127.0.0.1', '::ffff:127.0.0.1'],
      ['127.0.0.1', 'fe80::1', '8.8.8.8'],
    ]) {
      const egress = guard(answering(list))
      await expect(get(egress, `http://mixed.example:${server.port}/`, allow)).rejects.toThrow(
        'the destination is refused',
      )
    }
    expect(server.connections).toBe(0)
  })

  test('finds its way among several open addresses, of which some are dead', async () => {
    const server = await listen(createServer(hello))
    const allow = [`several.example:${server.port}`]
    const egress = guard(answering(['::1', '127.0.0.1']))
    expect(await get(egress, `http://several.example:${server.port}/`, allow)).toBe('hello')
  })

  test('to an address that is written out is judged too, though no name is looked up', async () => {
    const server = await listen(createServer(hello))
    const { asked, resolve } = answering(['8.8.8.8'])
    const egress = guard({ resolve })
    for (const host of [
      '127.0.0.1',
      '127.1',
      '0x7f000001',
      'localhost',
      'localhost.',
      '[::ffff:127.0.0.1]',
      '0.0.0.0',
    ]) {
      await expect(get(egress, `http://${host}:${server.port}/`)).rejects.toThrow('the destination is refused')
    }
    expect(asked).toEqual([])
    expect(server.connections).toBe(0)
  })

  test('over TLS keeps the name for certificate and SNI, and does not take another host’s certificate', async () => {
    const names: unknown[] = []
    const server = createSecureServer(certificate, hello)
    server.on('secureConnection', (socket) => names.push(socket.servername))
    const at = await listen(server)
    const egress = guard(answering(['127.0.0.1']))
    const allow = [`127.0.0.1:${at.port}`]
    expect(await get(egress, `https://secure.example:${at.port}/`, allow)).toBe('hello')
    expect(names).toEqual(['secure.example'])
    expect(at.seen[0]?.headers.host).toBe(`secure.example:${at.port}`)
    await expect(get(egress, `https://impostor.example:${at.port}/`, allow)).rejects.toMatchObject({
      code: 'ERR_TLS_CERT_ALTNAME_INVALID',
    })
    expect(at.seen).toHaveLength(1)
  })

  test('is not waited for without end, nor is the name', async () => {
    const egress = guard({ resolve: () => new Promise(() => {}) })
    const pool = new Pool('http://silent.example', { connect: egress.connector({ allowed: [], timeoutMs: 50 }) })
    await expect(pool.request({ path: '/', method: 'GET' })).rejects.toThrow('not resolved in time')
    await pool.destroy()
    await expect(get(guard(answering([])), 'http://nobody.example/')).rejects.toThrow('no address')
  })

  test('to the portal itself is not opened, by address, by its public name or by a portal’s', async () => {
    const server = await listen(createServer(hello))
    const itself = { port: () => server.port, isOwnName: (name: string) => name === 'team.example.com' }
    const { resolve } = answering(['127.0.0.1'])
    for (const egress of [guard({ ...LOCAL, ...itself, resolve }), guard({ ...itself, resolve })]) {
      for (const host of ['127.0.0.1', 'localhost', '127.8.8.8', '[::1]', 'alias.example', 'team.example.com']) {
        const denied = get(egress, `http://${host}:${server.port}/`, [`${host}:${server.port}`])
        await expect(denied, host).rejects.toMatchObject({ denial: 'self' } satisfies Partial<DestinationDenied>)
      }
    }
    await expect(get(guard({ resolve }), 'https://mcp.example.com/')).rejects.toMatchObject({ denial: 'self' })
    expect(server.connections).toBe(0)
  })
})

describe('this machine', () => {
  test.each([
    ['127.0.0.1', null, true],
    ['::1', null, true],
    ['localhost', 'http://localhost:9000', true],
    ['127.0.0.1', 'https://mcp.example.com', false],
    ['0.0.0.0', null, false],
    ['10.0.0.2', 'http://127.0.0.1:9000', false],
  ])('behind a portal at %s with the public URL %s is open: %s', async (host, publicUrl, isOpen) => {
    const egress = guard({ host, publicUrl, port: () => 8787 })
    expect(egress.judge(new URL('http://127.0.0.1:3000/'), [])).toBe(isOpen ? null : 'loopback')
    expect(egress.judge(new URL('http://127.0.0.1:8787/'), [])).toBe('self')
    if (publicUrl?.startsWith('http:')) expect(egress.judge(new URL('http://[::1]:9000/'), [])).toBe('self')
  })
})

describe('with a proxy', () => {
  async function proxyTo(port: number, status = 200): Promise<ConnectProxy> {
    const proxy = await startConnectProxy(port, status)
    endings.push(() => proxy.close())
    return proxy
  }

  test('names go through it unresolved, http and https, and TLS is with the server', async () => {
    const plain = await listen(createServer(hello))
    const secure = await listen(createSecureServer(certificate, hello))
    const { asked, resolve } = answering(['10.0.0.5'])
    const first = await proxyTo(plain.port)
    const egress = guard({ resolve, proxy: `http://user:p%40ss@127.0.0.1:${first.port}` })
    expect(await get(egress, 'http://public.example/')).toBe('hello')
    const second = await proxyTo(secure.port)
    expect(await get(guard({ resolve, proxy: `http://127.0.0.1:${second.port}` }), 'https://secure.example/')).toBe(
      'hello',
    )
    expect(first.asked).toEqual(['public.example:80'])
    expect(first.authorizations).toEqual([`Basic ${Buffer.from('user:p@ss').toString('base64')}`])
    expect(second.asked).toEqual(['secure.example:443'])
    expect(second.authorizations).toEqual([undefined])
    expect(secure.seen[0]?.headers.host).toBe('secure.example')
    expect(asked).toEqual([])
  })

  test('no CONNECT is sent for an address that is private as it is written, nor for ourselves or a closed port', async () => {
    const server = await listen(createServer(hello))
    const proxy = await proxyTo(server.port)
    const egress = guard({ proxy: `http://127.0.0.1:${proxy.port}` })
    for (const url of [
      ...[
        'http://169.254.169.254/latest/meta-data/',
        'http://0xa9fea9fe/',
        'http://10.0.0.5/',
        'http://[fd00:ec2::254]/',
      ],
      ...['http://127.0.0.1/', 'http://localhost/', 'http://[64:ff9b::a9fe:a9fe]/', 'https://mcp.example.com/'],
      'https://public.example:22/',
    ]) {
      await expect(get(egress, url), url).rejects.toMatchObject({ name: 'DestinationDenied' })
    }
    expect(proxy.connections).toBe(0)
    expect(await get(egress, 'http://8.8.8.8/')).toBe('hello')
    expect(proxy.asked).toEqual(['8.8.8.8:80'])
  })

  test('NO_PROXY goes direct and is judged as ever: it opens no private address', async () => {
    const server = await listen(createServer(hello))
    const proxy = await proxyTo(server.port)
    for (const noProxy of [['*'], ['inner.example'], ['.example'], ['*.example'], [`inner.example:${server.port}`]]) {
      const egress = guard({ ...answering(['127.0.0.1']), proxy: `http://127.0.0.1:${proxy.port}`, noProxy })
      const url = `http://inner.example:${server.port}/`
      await expect(get(egress, url), noProxy[0]).rejects.toMatchObject({ denial: 'loopback' })
    }
    expect(proxy.connections).toBe(0)
    expect(server.connections).toBe(0)
    for (const noProxy of [['ner.example'], ['inner.example:1'], ['other.example'], [''], ['.inner.example.org']]) {
      const egress = guard({ ...answering(['127.0.0.1']), proxy: `http://127.0.0.1:${proxy.port}`, noProxy })
      expect(await get(egress, `http://inner.example:${server.port}/`), noProxy[0]).toBe('hello')
    }
    expect(proxy.connections).toBe(5)
  })

  test('this machine and what the owner opened go direct', async () => {
    const server = await listen(createServer(hello))
    const proxy = await proxyTo(server.port)
    const through = { proxy: `http://127.0.0.1:${proxy.port}` }
    expect(await get(guard({ ...LOCAL, ...through }), `http://127.0.0.1:${server.port}/`)).toBe('hello')
    expect(await get(guard({ ...LOCAL, ...through }), `http://localhost:${server.port}/`)).toBe('hello')
    const egress = guard({ ...through, ...answering(['127.0.0.1']) })
    expect(await get(egress, `http://ledger.internal:${server.port}/`, [`ledger.internal:${server.port}`])).toBe(
      'hello',
    )
    expect(proxy.connections).toBe(0)
  })

  test('a proxy that says no, or is not there, is an end and no loop', async () => {
    const proxy = await proxyTo(1, 403)
    const egress = guard({ proxy: `http://127.0.0.1:${proxy.port}` })
    await expect(get(egress, 'https://public.example/')).rejects.toThrow('the proxy did not open the way')
    expect(proxy.asked).toEqual(['public.example:443'])
    const gone = guard({ proxy: 'http://127.0.0.1:2' })
    await expect(get(gone, 'https://public.example/')).rejects.toMatchObject({
      message: 'the proxy did not open the way',
      code: 'ECONNREFUSED',
    })
  })
})
