/**
 * `fetch` for addresses that came from somebody else: metadata, keys, webhooks. It has the form of `fetch`, so that it can
 * be given to libraries that would otherwise use their own. Every hop passes the guard (`egress.ts`), redirects are not
 * followed unless asked for, no credential goes to another origin, and an answer has an end in bytes and in time.
 */
import { Client } from 'undici'
import { isAllowed, type Place, placeOf } from './destination.ts'
import { DestinationDenied, type Egress } from './egress.ts'
import { Fault } from './fault.ts'

export interface FetchLimits {
  /** Whether plain http may be spoken too, or only where `allowed` names the very place; never after a redirect from https. */
  allowHttp?: boolean | 'opened'
  /** What the owner opened for this address. */
  allowed?: readonly Place[]
  /** Redirects of a GET or HEAD that are followed, at most 3; the rest are answers like any other. */
  redirects?: 0 | 1 | 2 | 3
  answerBytes?: number
  connectMs?: number
  /** Until the headers of the answer. */
  firstByteMs?: number
  totalMs?: number
}

export type SafeFetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>

const LIMITS: Required<FetchLimits> = {
  allowHttp: false,
  allowed: [],
  redirects: 0,
  answerBytes: 1024 * 1024,
  connectMs: 5000,
  firstByteMs: 10_000,
  totalMs: 30_000,
}

const REDIRECTS = [301, 302, 303, 307, 308]
/** What may go along to another origin: nothing that says who we are. */
const PLAIN_HEADERS = ['accept', 'accept-language', 'user-agent']
/** Of the connection and not of the request; undici sets its own. */
const HOP_HEADERS = [
  ...['connection', 'content-length', 'expect', 'host', 'keep-alive', 'proxy-authorization', 'te', 'trailer'],
  ...['transfer-encoding', 'upgrade'],
]

/**
 * @returns a `fetch` that keeps to the limits. It throws a Fault: `upstream-unreachable` for a refused and for a dead
 * address alike, `upstream-timeout`, or `upstream-bad-answer`; the cause is for the log
 */
export function openSafeFetch(egress: Egress, limits: FetchLimits = {}): SafeFetch {
  const all = { ...LIMITS, ...limits }
  return async (input, init = {}) => {
    const deadline = AbortSignal.timeout(all.totalMs)
    try {
      return await follow(egress, all, await sendingOf(input, init, deadline))
    } catch (error) {
      throw faultOf(error, deadline)
    }
  }
}

/**
 * @returns the JSON of an answer of status 200
 * @throws Fault as a `SafeFetch` does, and `upstream-bad-answer` for another status, another type or no JSON
 */
export async function fetchJson(fetch: SafeFetch, url: string | URL): Promise<unknown> {
  const response = await fetch(url, { headers: { accept: 'application/json' } })
  const type = response.headers.get('content-type') ?? ''
  if (response.status !== 200) throw badAnswer(new Error(`status ${response.status}`))
  if (!/^application\/([\w.-]+\+)?json\s*(;|$)/i.test(type)) throw badAnswer(new Error('not JSON by its type'))
  try {
    return JSON.parse(await response.text())
  } catch (error) {
    throw badAnswer(error)
  }
}

interface Sending {
  url: URL
  method: string
  headers: Headers
  body: Buffer | null
  signal: AbortSignal
}

/** Reads the arguments as `fetch` does. */
async function sendingOf(input: string | URL | Request, init: RequestInit, deadline: AbortSignal): Promise<Sending> {
  const url = URL.parse(input instanceof Request ? input.url : String(input))
  // `Request` would say the password in its error.
  if (url === null || url.username !== '' || url.password !== '') throw new DestinationDenied('user')
  const request = new Request(input, { ...init, redirect: 'manual' })
  const headers = new Headers(request.headers)
  for (const name of HOP_HEADERS) headers.delete(name)
  headers.set('accept-encoding', 'identity')
  const body = request.body === null ? null : Buffer.from(await request.arrayBuffer())
  return { url, method: request.method, headers, body, signal: AbortSignal.any([request.signal, deadline]) }
}

async function follow(egress: Egress, limits: Required<FetchLimits>, first: Sending): Promise<Response> {
  let sending = first
  for (let left: number = limits.redirects; ; left--) {
    const response = await hop(egress, limits, sending)
    const isRead = sending.method === 'GET' || sending.method === 'HEAD'
    const location = REDIRECTS.includes(response.status) ? response.headers.get('location') : null
    if (limits.redirects === 0 || !isRead || location === null) return response
    if (left === 0) throw badAnswer(new Error('too many redirects'))
    sending = redirected(sending, location)
  }
}

function redirected(from: Sending, location: string): Sending {
  const url = URL.parse(location, from.url)
  if (url === null) throw badAnswer(new Error('a redirect to no URL'))
  if (from.url.protocol === 'https:' && url.protocol !== 'https:') throw new DestinationDenied('scheme')
  if (url.origin === from.url.origin) return { ...from, url }
  const headers = new Headers({ 'accept-encoding': 'identity' })
  for (const name of PLAIN_HEADERS) {
    const value = from.headers.get(name)
    if (value !== null) headers.set(name, value)
  }
  return { ...from, url, headers }
}

async function hop(egress: Egress, limits: Required<FetchLimits>, sending: Sending): Promise<Response> {
  const { url, method, headers, body, signal } = sending
  const denial = url.protocol === 'http:' && !mayBePlain(url, limits) ? 'scheme' : egress.judge(url, limits.allowed)
  if (denial !== null) throw new DestinationDenied(denial)
  const client = new Client(url.origin, {
    connect: egress.connector({ allowed: limits.allowed, timeoutMs: limits.connectMs }),
    allowH2: false,
    headersTimeout: limits.firstByteMs,
    bodyTimeout: limits.firstByteMs,
  })
  try {
    const path = url.pathname + url.search
    const answer = await client.request({
      path,
      method: method as 'GET',
      headers: Object.fromEntries(headers),
      body,
      signal,
    })
    const coding = answer.headers['content-encoding'] ?? 'identity'
    if (coding !== 'identity') throw badAnswer(new Error('the answer is coded'))
    return responseOf(url, answer.statusCode, answer.headers, await readUpTo(limits.answerBytes, answer.body))
  } finally {
    await client.destroy()
  }
}

function mayBePlain(url: URL, { allowHttp, allowed }: Required<FetchLimits>): boolean {
  return allowHttp === 'opened' ? isAllowed(placeOf(url), allowed) : allowHttp
}

async function readUpTo(most: number, body: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of body) {
    bytes += chunk.length
    if (bytes > most) throw badAnswer(new Error('the answer is too long'))
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

type AnswerHeaders = Readonly<Record<string, string | string[] | undefined>>

function responseOf(url: URL, status: number, answered: AnswerHeaders, bytes: Buffer): Response {
  const headers = new Headers()
  for (const [name, value] of Object.entries(answered))
    for (const one of [value ?? []].flat()) headers.append(name, one)
  const isBodiless = status === 204 || status === 205 || status === 304
  const response = new Response(isBodiless ? null : new Uint8Array(bytes), { status, headers })
  return Object.defineProperty(response, 'url', { value: url.href })
}

function badAnswer(cause: unknown): Fault {
  return new Fault('upstream-bad-answer', 'The address answered with something that cannot be used.', cause)
}

/** A refusal of the guard and a dead host are told alike, or this would be a scanner of the network inside. */
function faultOf(error: unknown, deadline: AbortSignal): Fault {
  if (error instanceof Fault) return error
  const isLate = deadline.aborted || (error instanceof Error && /TimeoutError$/.test(error.name))
  if (isLate && !isConnectError(error)) {
    return new Fault('upstream-timeout', 'The address took too long to answer.', error)
  }
  return new Fault('upstream-unreachable', 'The address cannot be reached.', error)
}

function isConnectError(error: unknown): boolean {
  return error instanceof Error && error.name === 'ConnectTimeoutError'
}
