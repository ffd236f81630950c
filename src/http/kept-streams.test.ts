/** What is kept of the streams of calls, and for how long: over real connections, with nothing of a portal behind them. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { type EventStream, openEventStream } from '../../test/event-stream.ts'
import { person } from '../../test/upstream-room.ts'
import type { PortalUid, SessionId } from '../base/ids.ts'
import { keyRing, openSealer } from '../base/secret.ts'
import { LIMITS } from '../config/limits.ts'
import type { Session } from '../portal/sessions.ts'
import { CallStream } from './call-stream.ts'
import { KeptStreams, type KeptStreamsDeps } from './kept-streams.ts'
import { Answer } from './stream.ts'
import { Unread } from './streams.ts'

const sealer = openSealer(keyRing([Buffer.alloc(32, 7)]), 'stream')
const client = { era: '2025' as const, version: '2025-11-25', name: null, clientVersion: null, capabilities: {} }
const sessionOf = (principal: string): Session => ({
  ...{
    id: `of-${principal}` as SessionId,
    principal,
    portalUid: 'p' as PortalUid,
    createdAt: 0,
    client,
    logLevel: null,
  },
})
const ADA = sessionOf('user:ada')
const closing: (() => void)[] = []
afterEach(() => {
  for (const close of closing.splice(0)) close()
})

function keptStreams(more: Partial<KeptStreamsDeps> = {}): KeptStreams {
  return new KeptStreams({ sealer, node: 'here', hasReplicas: false, ...more })
}

/** A connection whose client has asked and waits. */
async function connection(): Promise<{ answer: Answer; stream: Promise<EventStream> }> {
  const { promise, resolve } = Promise.withResolvers<Answer>()
  const shared = { waiting: new Set<Answer>(), standsBy: () => {}, unread: new Unread() }
  const server = createServer((_, response) =>
    resolve(new Answer({ response, headers: {}, cors: [] }, true, person('ada'), shared)),
  )
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const stream = openEventStream(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, {})
  stream.then((open) => closing.push(() => open.close())).catch(() => undefined)
  closing.push(() => server.close())
  return { answer: await promise, stream }
}

async function callOf(session: Session, streams: KeptStreams, id: number | string = 1) {
  const { answer, stream } = await connection()
  return { answer, stream, call: new CallStream(answer, { session, id, method: 'tools/call' }, streams) }
}

const text = (data: string) => Buffer.from(JSON.stringify({ jsonrpc: '2.0', method: 'm', params: { data } }))
const RESULT = Buffer.from('{"jsonrpc":"2.0","id":1,"result":{}}')
const HALF = LIMITS.kept_stream_bytes.value / 2

/** What somebody gets who comes back with this id. */
async function comeBack(streams: KeptStreams, session: Session, lastId: string) {
  const place = streams.placeOf(session, lastId)
  if (place === null || place.after === 'end') return place?.after ?? 'nobody’s'
  const kept = streams.take(place)
  if (typeof kept === 'string') return kept
  const { answer, stream } = await connection()
  kept.takeUp(answer, place.after)
  const read = await stream
  await read.ended
  return read.messages.map(({ params, result }) => (result ? 'answer' : String(params?.data).slice(0, 10)))
}

async function lastIdOf(stream: Promise<EventStream>, count: number): Promise<string> {
  const read = await stream
  await read.until((messages) => messages.length === count)
  return read.lastId ?? ''
}

async function gone({ answer, stream }: { answer: Answer; stream: Promise<EventStream> }): Promise<void> {
  const left = new Promise<void>((resolve) => answer.onClose(resolve))
  ;(await stream).close()
  await left
}

test('of what was said too much of, the oldest notes go, and what its client must have stays', async () => {
  const streams = keptStreams()
  const one = await callOf(ADA, streams)
  one.call.note(text('begin'))
  const id = await lastIdOf(one.stream, 1)
  await gone(one)
  one.call.send(text('question'))
  for (const data of ['note one', 'note two', 'note three']) one.call.note(text(data.padEnd(HALF / 1.5, ' ')))
  one.call.end(200, RESULT)
  expect(await comeBack(streams, ADA, id)).toEqual(['question', 'note two  ', 'note three', 'answer'])
})

test('of what its client must have and nothing has room for, it is told that the rest is not known', async () => {
  const streams = keptStreams()
  const one = await callOf(ADA, streams)
  one.call.note(text('begin'))
  const id = await lastIdOf(one.stream, 1)
  await gone(one)
  for (let n = 0; n < 3; n++) one.call.send(text('x'.repeat(HALF)))
  expect(await comeBack(streams, ADA, id)).toBe('lost')
  expect(streams.size).toBe(0)
})

test('a caller has so many that can be taken up, and of the next nothing is kept', async () => {
  const streams = keptStreams()
  const calls = []
  for (let n = 0; n <= LIMITS.kept_streams_per_principal.value; n++) calls.push(await callOf(ADA, streams, n))
  for (const { call } of calls) call.note(text('begin'))
  const last = calls.at(-1)
  if (last === undefined) throw new Error('no call')
  expect(await lastIdOf(last.stream, 1)).toBe('')
  const bob = await callOf(sessionOf('user:bob'), streams)
  bob.call.note(text('begin'))
  expect(await lastIdOf(bob.stream, 1)).not.toBe('')
  // One that has ended gives way.
  calls[0]?.call.end(200, RESULT)
  const next = await callOf(ADA, streams)
  next.call.note(text('begin'))
  expect(await lastIdOf(next.stream, 1)).not.toBe('')
  expect(streams.size).toBe(LIMITS.kept_streams_per_principal.value + 1)
})

test('all of them together keep so much, and those that have ended give way', async () => {
  const streams = keptStreams()
  const whole = text('x'.repeat(LIMITS.kept_stream_bytes.value - 4096))
  const all = Math.ceil(LIMITS.kept_streams_bytes.value / LIMITS.kept_stream_bytes.value)
  const open = []
  for (let n = 0; n < all; n++) {
    const one = await callOf(sessionOf(`user:${n}`), streams)
    one.call.send(whole)
    open.push(one)
  }
  expect(streams.size).toBe(all)
  const id = await lastIdOf(open[0]?.stream ?? Promise.reject(new Error('no stream')), 1)
  open[0]?.call.end(200, RESULT)
  const more = await callOf(ADA, streams)
  more.call.send(whole)
  expect(await comeBack(streams, sessionOf('user:0'), id)).toBe('lost')
  // None has ended: then nothing is kept of the one that grows, and it is told all the same.
  const last = await callOf(ADA, streams, 2)
  last.call.send(whole)
  last.call.send(whole)
  expect(await lastIdOf(last.stream, 2)).toBeTypeOf('string')
  expect(streams.size).toBe(all)
})

test('what nobody comes back for is forgotten, and who waited there is told', async () => {
  const streams = keptStreams({ keptMs: 50 })
  const one = await callOf(ADA, streams)
  let isTold = false
  one.call.onAbandoned(() => {
    isTold = true
  })
  one.call.send(text('question'))
  const id = await lastIdOf(one.stream, 1)
  await gone(one)
  expect(one.call.closed).toBe(false)
  await expect.poll(() => isTold).toBe(true)
  expect(one.call.closed).toBe(true)
  expect(streams.size).toBe(0)
  expect(await comeBack(streams, ADA, id)).toBe('lost')
  one.call.end(200, RESULT)
})

test('who comes back in time waits on, and is told where it leaves for good', async () => {
  const streams = keptStreams()
  const one = await callOf(ADA, streams)
  let isTold = false
  one.call.onAbandoned(() => {
    isTold = true
  })
  one.call.send(text('question'))
  const place = streams.placeOf(ADA, await lastIdOf(one.stream, 1))
  await gone(one)
  const { answer, stream } = await connection()
  one.call.takeUp(answer, Number(place?.after))
  expect((await stream).status).toBe(200)
  expect(isTold).toBe(false)
  streams.forget(one.call)
  await gone({ answer, stream })
  await expect.poll(() => isTold).toBe(true)
})

test('a call of which nothing streamed tells at once that its client is gone', async () => {
  const one = await callOf(ADA, keptStreams())
  const told = new Promise<void>((resolve) => one.call.onAbandoned(resolve))
  one.answer.cut()
  await told
  expect(one.call.closed).toBe(true)
  await one.stream.catch(() => undefined)
})

test('a listener that closes ends what waits for somebody who is gone, also what begins to wait then', async () => {
  const streams = keptStreams()
  const one = await callOf(ADA, streams)
  one.call.send(text('question'))
  await lastIdOf(one.stream, 1)
  let ends = 0
  one.call.standBy(() => ends++)
  await gone(one)
  expect(ends).toBe(0)
  streams.retire()
  expect(ends).toBe(1)
  one.call.standBy(() => ends++)
  expect(ends).toBe(2)
})

test('who asks the wrong replica is sent on, so often and no more', async () => {
  const there = keptStreams({ node: 'there', hasReplicas: true })
  const here = keptStreams({ hasReplicas: true })
  const one = await callOf(ADA, there)
  one.call.send(text('question'))
  const id = await lastIdOf(one.stream, 1)
  expect(await comeBack(here, ADA, id)).toBe('elsewhere')
  const { stream_tries: most } = LIMITS
  expect(await comeBack(here, ADA, `${id}.${most.value - 1}`)).toBe('elsewhere')
  expect(await comeBack(here, ADA, `${id}.${most.value}`)).toBe('lost')
  expect(await comeBack(keptStreams(), ADA, id)).toBe('lost')
  one.call.end(200, RESULT)
  expect(await comeBack(there, ADA, `${id}.3`)).toEqual(['answer'])
})

test('an id is good in its session and as it was made, and for nothing else', async () => {
  const streams = keptStreams()
  const one = await callOf(ADA, streams)
  one.call.send(text('question'))
  const id = await lastIdOf(one.stream, 1)
  const forged = [
    ...['', '1', 'v1', id.slice(0, -1), `${id}.`, `${id}.1.1`, `${id}0000000000`, id.replace(/\.1$/, '.-1')],
    ...[
      id.replace(/\.1$/, '.1e3'),
      id.replace(/\.1$/, '.END'),
      ` ${id}`,
      id.replace('v1.', 'v2.'),
      id.replace('.', '..'),
    ],
    sealer.seal('["here",1,1,"tools/call"]', 'mcp-session'),
  ]
  for (const other of forged) expect(await comeBack(streams, ADA, other), other).toBe('nobody’s')
  expect(await comeBack(streams, sessionOf('user:eve'), id)).toBe('nobody’s')
  expect(await comeBack(streams, ADA, id.replace(/\.1$/, '.end'))).toBe('end')
  one.call.end(200, RESULT)
  expect(await comeBack(streams, ADA, id.replace(/\.1$/, '.999999999'))).toEqual(['answer'])
})

test('a call whose own id is too long to stand in each event streams without ids', async () => {
  const streams = keptStreams()
  const one = await callOf(ADA, streams, 'x'.repeat(1000))
  one.call.note(text('begin'))
  expect(await lastIdOf(one.stream, 1)).toBe('')
  expect(streams.size).toBe(0)
  one.call.end(200, RESULT)
  await (await one.stream).ended
})
