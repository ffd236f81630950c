/**
 * Requests in this process, through the very functions that the door uses: guard, parse, classify, decode. What they let
 * through must be what any reader reads, and what they refuse must have a code of the reference.
 */
import { deepStrictEqual, equal, ok } from 'node:assert/strict'
import { type Classified, classify, type HeaderMap } from '../../src/protocol/classify.ts'
import { decode2025, decodeInitialize } from '../../src/protocol/era-2025/decode.ts'
import { decode2026 } from '../../src/protocol/era-2026/decode.ts'
import { parseInbound } from '../../src/protocol/json-guard.ts'
import type { RpcError } from '../../src/protocol/model.ts'
import type { Chance } from './chance.ts'
import { isAllowed } from './reference.ts'
import { makeRequest, type Sent } from './requests.ts'
import { keyOf, placesOf, read, type Tree } from './tree.ts'

const FORBIDDEN = ['__proto__', 'constructor', 'prototype']

/** One request and everything that must hold for it. Throws. */
export function tryRequest(chance: Chance): Sent {
  const sent = makeRequest(chance, () => 'sealed')
  try {
    judge(sent)
  } catch (error) {
    throw new Error(`${sent.httpMethod} ${JSON.stringify(sent.headers)}\n${sent.body.toString('base64')}`, {
      cause: error,
    })
  }
  return sent
}

function judge({ httpMethod, headers, body, isHonest }: Sent): void {
  const inbound = parseInbound(body)
  if (inbound.kind === 'error') {
    ok(!isHonest, `an honest request was refused: ${inbound.error.message}`)
    assertError(inbound.status, inbound.error)
    return
  }
  const reading = read(body.toString())
  ok(reading, 'what has no structure was let through')
  ok(reading.depth <= 64, 'what is nested too deep was let through')
  for (const place of placesOf(reading.tree)) assertOneMeaning(place)
  deepStrictEqual(inbound.value, JSON.parse(body.toString()))

  const map: HeaderMap = Object.assign(Object.create(null), headers)
  const classified = classify({ method: httpMethod, headers: map }, inbound.value)
  if (classified.kind === 'error') assertError(classified.status, classified.error)
  else assertDecoded(classified, map)
}

/** No two members that a reader could take for one, and none that means a prototype. */
function assertOneMeaning(place: Tree): void {
  if (place.kind !== 'object') return
  const keys = place.members.map(([key]) => keyOf(key))
  equal(new Set(keys).size, keys.length, 'a key that stands twice was let through')
  for (const key of FORBIDDEN) ok(!keys.includes(key), `${key} was let through`)
}

function assertDecoded(classified: Exclude<Classified, { kind: 'error' }>, headers: HeaderMap): void {
  const { kind } = classified
  if (kind === 'initialize') assertMaybe(decodeInitialize(classified.message))
  if (kind !== 'request') return
  const { message, era, version } = classified
  assertMaybe(era === '2026' ? decode2026(message, version ?? '', headers) : decode2025(message))
}

function assertMaybe(decoded: { kind: string; status?: number; error?: RpcError }): void {
  if (decoded.kind === 'error' && decoded.error !== undefined) assertError(decoded.status ?? 0, decoded.error)
}

function assertError(status: number, error: RpcError): void {
  ok(isAllowed(status, error.code), `${status} with ${error.code}`)
}
