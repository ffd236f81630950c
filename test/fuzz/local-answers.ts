/**
 * Answers of servers in this process, through the very functions that carry them: the reader of event streams, the scan,
 * the splice, both encoders, the writer of events. Either the exact answer comes out under the caller's id, as one
 * message, or nothing does.
 */
import { deepStrictEqual, equal, ok } from 'node:assert/strict'
import { isUtf8 } from 'node:buffer'
import { Fault } from '../../src/base/fault.ts'
import { encode2025 } from '../../src/protocol/era-2025/encode.ts'
import { encode2026, identity } from '../../src/protocol/era-2026/encode.ts'
import type { Body } from '../../src/protocol/model.ts'
import { classifyMessage, readId, scanReply } from '../../src/protocol/scan.ts'
import { openSseParser, sseFrame } from '../../src/protocol/sse.ts'
import type { Chance } from './chance.ts'
import { isAllowed } from './reference.ts'
import { bytesOf, garble, keyOf, mutate, read, type Tree, treeOf } from './tree.ts'

const WHO = identity({ name: 'portico', title: 'Portico', version: '0' })
/** No server can know it, so wherever it stands in an answer it was put there by the portal. */
const CALLER_ID = 'the-caller'
const METHODS = ['tools/call', 'tools/list', 'resources/read', 'prompts/get'] as const
const CAP = 1024 * 1024

export interface Made {
  bytes: Buffer
  isHonest: boolean
}

const RESULTS: readonly object[] = [
  { content: [{ type: 'text', text: 'ok "id":7 \\ \u2028 \n' }], isError: false },
  { resultType: 'complete', content: [], structuredContent: { id: 7, result: { error: null } } },
  { tools: [{ name: 'a', inputSchema: { type: 'object', properties: { id: {} } } }], ttlMs: 5, cacheScope: 'public' },
  { contents: [{ uri: 'test://x', blob: 'QUJD'.repeat(200) }], _meta: { 'a/b': [1, 2, { c: null }] } },
  {},
]

/** An answer to request 7, honest or not. */
export function makeAnswer(chance: Chance, id: number): Made {
  const message = chance.oneIn(5)
    ? {
        jsonrpc: '2.0',
        id,
        error: { code: chance.pick([-32602, -32603, -32002, -32021, 1, -32099]), message: 'no', data: { uri: 'x' } },
      }
    : { jsonrpc: '2.0', id, result: chance.pick(RESULTS) }
  const tree = treeOf(message)
  if (chance.oneIn(4)) return { bytes: bytesOf(chance, tree), isHonest: true }
  for (let turns = chance.below(3); turns >= 0; turns--) mutate(chance, tree)
  const bytes = bytesOf(chance, tree)
  return { bytes: chance.oneIn(3) ? garble(chance, bytes) : bytes, isHonest: false }
}

/** One answer and everything that must hold for it. Throws. */
export function tryAnswer(chance: Chance): Made {
  const made = makeAnswer(chance, 7)
  try {
    judge(chance, made)
  } catch (error) {
    throw new Error(made.bytes.toString('base64'), { cause: error })
  }
  return made
}

function judge(chance: Chance, { bytes, isHonest }: Made): void {
  const raw = scanReply(bytes)
  const message = classifyMessage(bytes)
  if (raw === null) {
    ok(!isHonest, 'an honest answer was refused')
    ok(message?.kind !== 'response', 'what is no answer was taken for one')
    return
  }
  equal(message?.kind, 'response')
  const original = assertOneAnswer(bytes)
  if (readId(raw) !== 7) return
  const method = chance.pick(METHODS)
  const version = chance.pick(['2025-11-25', '2025-03-26'])
  assertCarried(original, encode2025({ reply: raw, id: CALLER_ID, method, version }))
  const encoded = encode2026({ reply: raw, id: CALLER_ID, method, identity: WHO })
  equal(encoded.status === 200 || encoded.status === 400, true)
  assertCarried(original, encoded.body)
}

type Members = [string, Tree][]

/** What the scan let through has one id, one outcome and nothing else that a reader could follow. */
function assertOneAnswer(bytes: Buffer): Members {
  ok(isUtf8(bytes), 'bytes that are not UTF-8 were let through')
  const reading = read(bytes.toString())
  ok(reading?.tree.kind === 'object', 'what is no object was let through')
  ok(reading.depth <= 64, 'what is nested too deep was let through')
  const { members } = reading.tree
  const keys = members.map(([key]) => keyOf(key))
  equal(keys.filter((key) => key === 'id').length, 1)
  equal(keys.filter((key) => key === 'result' || key === 'error').length, 1)
  ok(!keys.includes('method'))
  return members
}

/** The bytes that go to the caller: his id, the server's outcome, one event. */
function assertCarried(original: Members, body: Body): void {
  const bytes = Buffer.isBuffer(body) ? body : Buffer.concat(body)
  const members = assertOneAnswer(bytes)
  deepStrictEqual(memberOf(members, 'id'), { kind: 'token', text: JSON.stringify(CALLER_ID) })
  const result = memberOf(original, 'result')
  const carried = memberOf(members, 'result')
  if (carried === undefined) assertError(memberOf(members, 'error'), memberOf(original, 'error'))
  else assertSameResult(result, carried)
  const frames = eventsOf(sseFrame(bytes).toString('latin1'))
  equal(frames.length, 1, 'one answer became several events')
  // A raw line end inside of a text, which is no JSON, arrives as another one and still as the same message; what only
  // some readers take for a line end arrives as its escape.
  const sameLines = (text: string) => {
    const escaped = text.replace(
      /[\u2028\u2029]|(?![\t\n\r])\p{Cc}/gu,
      (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
    )
    return read(escaped.replace(/\r\n|\r/g, '\n'))
  }
  deepStrictEqual(sameLines(Buffer.from(frames[0]?.data ?? '', 'latin1').toString()), sameLines(bytes.toString()))
}

/** Members that the era demands may be added or put right; all others are as they came, in their order. */
const ADDED = ['resultType', 'ttlMs', 'cacheScope']

function assertSameResult(original: Tree | undefined, carried: Tree): void {
  ok(original?.kind === 'object' && carried.kind === 'object')
  const own = ({ members }: { members: Members }) => members.filter(([key]) => !ADDED.includes(keyOf(key)))
  const { structured, wrapped } = { structured: structuredOf(original), wrapped: structuredOf(carried) }
  const isWrapped = structured !== undefined && structured.kind !== 'object' && wrapped?.kind === 'object'
  if (!isWrapped) {
    deepStrictEqual(own(carried), own(original))
    return
  }
  // Clients of 2025 have it as a member of an object, and as text beside.
  deepStrictEqual(wrapped.members, [['"result"', structured]])
  const rest = (tree: { members: Members }) =>
    own(tree).filter(([key]) => !['content', 'structuredContent'].includes(keyOf(key)))
  deepStrictEqual(rest(carried), rest(original))
}

function structuredOf({ members }: { members: Members }): Tree | undefined {
  return memberOf(members, 'structuredContent')
}

function assertError(error: Tree | undefined, original: Tree | undefined): void {
  const number = codeOf(error)
  ok(number !== null)
  // Outside of the reserved range codes are a server's own affair, and one that is reserved and means nothing yet stays what it was.
  const isTheirs = number < -32768 || number > -32000
  const isUnassigned = number < -32099 && number === codeOf(original)
  ok(isTheirs || isUnassigned || number === -32603 || isAllowed(200, number), `the code ${number}`)
}

function codeOf(error: Tree | undefined): number | null {
  const code = error?.kind === 'object' ? memberOf(error.members, 'code') : undefined
  return code?.kind === 'token' ? Number(code.text) : null
}

function memberOf(members: Members, name: string): Tree | undefined {
  return members.find(([key]) => keyOf(key) === name)?.[1]
}

/** A whole stream, cut into pieces anywhere, read by the program and by a reader of the standard's own words. Throws. */
export function tryStream(chance: Chance): Buffer {
  const bytes = makeStream(chance)
  const events: { event: string; data: string }[] = []
  const parser = openSseParser(({ event, data }) => events.push({ event, data: data.toString('latin1') }), CAP)
  try {
    for (let at = 0; at < bytes.length; ) {
      const to = at + 1 + chance.below(chance.pick([1, 3, 40, 4000]))
      parser.push(bytes.subarray(at, to))
      at = to
    }
    deepStrictEqual(events, eventsOf(bytes.toString('latin1')))
  } catch (error) {
    if (error instanceof Fault && error.code === 'upstream-bad-answer') return bytes
    throw new Error(bytes.toString('base64'), { cause: error })
  }
  return bytes
}

function makeStream(chance: Chance): Buffer {
  const ends = chance.pick([['\n'], ['\r\n'], ['\r'], ['\n', '\r\n', '\r']])
  const parts: Buffer[] = chance.oneIn(4) ? [Buffer.from('\ufeff')] : []
  const line = (text: string | Buffer) => parts.push(Buffer.from(text), Buffer.from(chance.pick(ends)))
  for (let turns = chance.below(6); turns >= 0; turns--) {
    for (let fields = chance.below(4); fields >= 0; fields--) line(chance.pick(FIELDS))
    if (!chance.oneIn(5)) line(`data:${chance.pick(['', ' '])}${makeAnswer(chance, 7).bytes.toString('latin1')}`)
    if (!chance.oneIn(5)) line('')
  }
  const bytes = Buffer.concat(parts)
  return chance.oneIn(3) ? garble(chance, bytes) : bytes
}

const FIELDS = [
  ': keep alive',
  ':',
  'event: endpoint',
  'event:',
  'event',
  'id: 7',
  'id: \0',
  'id',
  'retry: 1',
  'retry: x',
  'data',
  'data:',
  'data: ',
  'datax: 1',
  ' data: 1',
  'DATA: 1',
  'event: message',
]

/** The parsing section of the HTML standard, on one byte a character. An event without data is nobody's message. */
export function eventsOf(text: string): { event: string; data: string }[] {
  const events: { event: string; data: string }[] = []
  const lines = text.replace(/^\u00ef\u00bb\u00bf/, '').split(/\r\n|\r|\n/)
  // What stands behind the last line end is no line yet.
  lines.pop()
  let data: string[] = []
  let event = ''
  for (const line of lines) {
    if (line === '') {
      const joined = data.join('\n')
      if (joined !== '') events.push({ event: event === '' ? 'message' : event, data: joined })
      data = []
      event = ''
      continue
    }
    const colon = line.indexOf(':')
    const field = colon === -1 ? line : line.slice(0, colon)
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '')
    if (field === 'data') data.push(value)
    if (field === 'event') event = Buffer.from(value, 'latin1').toString()
  }
  return events
}
