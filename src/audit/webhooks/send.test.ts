import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import {
  openWebhookRoom,
  publicEgress,
  type Receiver,
  startReceiver,
  type WebhookRoom,
} from '../../../test/webhook-room.ts'
import type { Egress } from '../../base/egress.ts'
import { send } from './send.ts'
import { readWebhook } from './webhook-store.ts'

let room: WebhookRoom
let inside: Receiver
beforeAll(async () => {
  room = await openWebhookRoom('sqlite')
  inside = await startReceiver()
})
afterAll(async () => {
  await room.end()
  await inside.close()
})
const others: Receiver[] = []
afterEach(async () => {
  for (const other of others.splice(0)) await other.close()
})

async function sent(content: Parameters<WebhookRoom['add']>[0], egress: Egress = publicEgress()) {
  const { id } = await room.add(content)
  const webhook = await readWebhook(room.store.db, id)
  if (webhook === undefined) throw new Error('no webhook')
  return send({ store: room.store, sealer: room.sealer, egress }, webhook, { id: 'd1', payload: '{}' })
}
const REFUSED = { ok: false, status: null, error: 'unreachable' }

// [NOTICE-7]
describe('a delivery goes nowhere inside', () => {
  test.each([
    ['this machine', () => ({ url: `https://127.0.0.1:${inside.port}/` })],
    ['this machine by name', () => ({ url: `https://localhost:${inside.port}/` })],
    ['a private address', () => ({ url: 'https://10.0.0.5/' })],
    [
      'an address of the cloud, even where it is opened',
      () => ({
        url: 'http://169.254.169.254/latest/meta-data/',
        allowPrivate: ['169.254.169.254:80'],
      }),
    ],
    [
      'a link-local address in the form of IPv6, even where it is opened',
      () => ({
        url: 'http://[fe80::1]/',
        allowPrivate: ['[fe80::1]:80'],
      }),
    ],
    ['plain http, where the place is not opened', () => ({ url: inside.url })],
    ['plain http at a public name', () => ({ url: 'http://hooks.example.com/' })],
    ['another port than the opened one', () => ({ url: inside.url, allowPrivate: ['127.0.0.1:1'] })],
  ])('%s', async (_, content) => {
    const asked: string[] = []
    const resolve = async (name: string) => {
      asked.push(name)
      return [{ address: '127.0.0.1', family: 4 }]
    }
    expect(await sent(content(), publicEgress({ resolve }))).toEqual(REFUSED)
    expect(asked).toEqual([])
    expect(inside.received).toEqual([])
  })

  test('a name that leads inside', async () => {
    const resolve = async () => [{ address: '127.0.0.1', family: 4 }]
    const url = `https://hooks.example.com:${inside.port}/`
    expect(await sent({ url }, publicEgress({ resolve }))).toEqual(REFUSED)
    expect(inside.received).toEqual([])
  })

  test('a redirect', async () => {
    const outside = await startReceiver((response) => response.writeHead(307, { location: inside.url }).end())
    others.push(outside)
    expect(await sent({ url: outside.url, allowPrivate: [outside.place, inside.place] })).toEqual({
      ...{ ok: false, status: 307, error: 'status' },
    })
    expect(outside.received).toHaveLength(1)
    expect(inside.received).toEqual([])
  })

  test('but to the very place that an owner opened', async () => {
    const opened = await startReceiver()
    others.push(opened)
    expect(await sent({ url: opened.url, allowPrivate: [opened.place] })).toEqual({ ok: true, status: 204 })
    expect(opened.received).toHaveLength(1)
  })
})

test('an answer without end is cut off at 64 KiB, and does not count as one', async () => {
  let written = 0
  const flood = await startReceiver((response) => {
    response.writeHead(200)
    const chunk = Buffer.alloc(16 * 1024)
    const pour = (): void => {
      while (!response.destroyed) {
        written += chunk.length
        if (!response.write(chunk)) return void response.once('drain', pour)
      }
    }
    pour()
  })
  others.push(flood)
  expect(await sent({ url: flood.url, allowPrivate: [flood.place] })).toEqual({
    ...{ ok: false, status: null, error: 'bad-answer' },
  })
  expect(written).toBeLessThan(64 * 1024 * 1024)
})

test('a receiver that takes and says nothing is given 10 seconds', async () => {
  const silent = await startReceiver(() => {})
  others.push(silent)
  expect(await sent({ url: silent.url, allowPrivate: [silent.place] })).toEqual({
    ...{ ok: false, status: null, error: 'timeout' },
  })
})
