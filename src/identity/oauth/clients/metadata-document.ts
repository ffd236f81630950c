/**
 * Client id metadata documents (draft-ietf-oauth-client-id-metadata-document-02): the id of a client is an https URL, and what stands there is
 * its registration. So anybody who can open the authorize endpoint can make the portal fetch an address of their choice. What leaves is one
 * GET to a public address, without a credential, followed nowhere, for 2.5 seconds and 10 KiB at most; and there is an end to how many.
 *
 * oidc-provider keeps the good documents and joins requests for the same one. It asks `mayFetch` before and calls `fetch` then; both only in
 * this process, so that several replicas may fetch one document each.
 */

import { networkOf } from '../../../audit/refusals.ts'
import type { Clock } from '../../../base/clock.ts'
import { hostOf } from '../../../base/destination.ts'
import type { FetchLimits, SafeFetch } from '../../../base/safe-fetch.ts'
import { guardJson } from '../../../protocol/json-guard.ts'
import { type ClientPolicy, mayIntroduceThemselves } from './policy.ts'
import { normaliseRegistration } from './registration.ts'

/** For `openSafeFetch`; what an owner opened for tests and for a network of their own is added by who opens it. */
export const DOCUMENT_LIMITS = {
  redirects: 0,
  answerBytes: 10 * 1024,
  connectMs: 2500,
  firstByteMs: 2500,
  totalMs: 2500,
} as const satisfies FetchLimits

/** For oidc-provider's `features.clientIdMetadataDocument.cacheDuration`, in seconds. */
export const DOCUMENT_CACHE = { min: 5 * 60, max: 24 * 3600 } as const

/** For oidc-provider's `fetchResponseBodyLimits`; its own is half of what the fetch allows. */
export const DOCUMENT_BODY_LIMITS = { 'client_id metadata document': 10 * 1024, jwks_uri: 10 * 1024 } as const

export interface DocumentRooms {
  clock: Clock
  /** Opened with `DOCUMENT_LIMITS`. */
  fetch: SafeFetch
  /** For what is no document: keys of a client. */
  fetchKeys?: SafeFetch
  policy(): ClientPolicy | null
  budgets?: DocumentBudgets
}

/** How many documents are fetched within ten minutes. */
export interface DocumentBudgets {
  perAddress: number
  perHost: number
  inAll: number
}

export const DOCUMENT_BUDGETS: DocumentBudgets = { perAddress: 20, perHost: 40, inAll: 400 }

export interface MetadataDocuments {
  /** For `allowFetch`: whether to fetch this document now, for who asks from this address. Each yes is spent by one fetch. */
  mayFetch(clientId: string, clientIp: string): boolean
  /** For oidc-provider's `fetch`: documents are normalised, anything else (keys of a client) passes as it comes. */
  fetch: SafeFetch
}

const WINDOW_MS = 10 * 60_000
/** How long a document that could not be used is not looked at again. */
const BAD_MS = 60_000
/** A fetch that never came: the library found the document meanwhile. */
const FORGOTTEN_MS = 10_000
/** Of each kind. Beyond, the oldest go. */
const MOST_REMEMBERED = 2000
/** Longer ids are nobody's. */
const LONGEST_ID = 1024

/**
 * The documents of well-known clients each have a budget of their own: who floods the portal with other paths of the same host must not keep
 * people from their editor.
 */
const WELL_KNOWN: readonly string[] = [
  'https://claude.ai/oauth/claude-code-client-metadata',
  'https://claude.ai/oauth/mcp-oauth-client-metadata',
  'https://vscode.dev/oauth/client-metadata.json',
  'https://insiders.vscode.dev/oauth/client-metadata.json',
  'https://chatgpt.com/oauth/client.json',
  'https://chatgpt.com/oauth/codex/client.json',
  'https://cursor.com/oauth/mcp-client.json',
  'https://zed.dev/oauth/client-metadata.json',
  'https://goose-docs.ai/oauth/client-metadata.json',
  'https://opencode.ai/oauth/opencode/client.json',
]

export function openMetadataDocuments(rooms: DocumentRooms): MetadataDocuments {
  const { clock, budgets = DOCUMENT_BUDGETS } = rooms
  const underway = new Map<string, number>()
  const bad = new Map<string, number>()
  let spent = new Map<string, number>()
  let began = clock.now()
  const has = (key: string, most: number) => (spent.get(key) ?? 0) < most
  return {
    mayFetch(clientId, clientIp) {
      // Where nobody may introduce themselves, nobody makes the portal fetch anything either.
      if (!mayIntroduceThemselves(rooms.policy())) return false
      const now = clock.now()
      if (now - began >= WINDOW_MS) [spent, began] = [new Map(), now]
      if ((underway.get(clientId) ?? 0) > now) return true
      if ((bad.get(clientId) ?? 0) > now || clientId.length > LONGEST_ID) return false
      const isKnown = WELL_KNOWN.includes(clientId)
      const host = isKnown ? clientId : hostOf(new URL(clientId))
      const address = `from ${networkOf(clientIp)}`
      if (!has(address, budgets.perAddress) || !has(`at ${host}`, budgets.perHost)) return false
      if (!isKnown && !has('all', budgets.inAll)) return false
      for (const key of [address, `at ${host}`, ...(isKnown ? [] : ['all'])]) spent.set(key, (spent.get(key) ?? 0) + 1)
      remember(underway, clientId, now + FORGOTTEN_MS)
      return true
    },
    async fetch(input, init = {}) {
      const url = input instanceof Request ? input.url : String(input)
      const { dispatcher: _theirs, ...plain } = init as RequestInit & { dispatcher?: unknown }
      if (!underway.has(url)) return (rooms.fetchKeys ?? rooms.fetch)(url, plain)
      try {
        return await normalisedResponse(url, await rooms.fetch(url, plain), rooms.policy())
      } catch (error) {
        remember(bad, url, clock.now() + BAD_MS)
        throw error
      } finally {
        underway.delete(url)
      }
    },
  }
}

function remember(times: Map<string, number>, key: string, until: number): void {
  times.delete(key)
  times.set(key, until)
  const oldest = times.keys().next().value
  if (times.size > MOST_REMEMBERED && oldest !== undefined) times.delete(oldest)
}

/** A document that cannot be a client. The sentence is shown to the person whose client it is. */
export class BadDocument extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'BadDocument'
  }
}

/**
 * oidc-provider takes what it parses, so what it is given to parse is the normalised document, with the id that the document gave itself: it
 * compares that with the address.
 */
async function normalisedResponse(url: string, response: Response, policy: ClientPolicy | null): Promise<Response> {
  if (response.status !== 200)
    throw new BadDocument(`the client's document was answered with status ${response.status}`)
  const type = response.headers.get('content-type') ?? ''
  if (!/^application\/([\w.-]+\+)?json\s*(;|$)/i.test(type)) throw new BadDocument("the client's document is not JSON")
  const bytes = Buffer.from(await response.arrayBuffer())
  const document = guardJson(bytes) === null ? parse(bytes) : null
  if (document === null) throw new BadDocument("the client's document is not JSON that can be read in one way only")
  if (document.client_id !== url)
    throw new BadDocument("the client's document names another client_id than its address")
  // Section 4.1 of the draft: it is public, so it holds no secret.
  if ('client_secret' in document || 'client_secret_expires_at' in document) {
    throw new BadDocument("the client's document holds a secret")
  }
  const normalised = normaliseRegistration(document, policy, 'document')
  if ('error' in normalised)
    throw new BadDocument(`the client's document is not usable: ${normalised.error_description}`)
  const headers = new Headers({ 'content-type': 'application/json' })
  for (const name of ['cache-control', 'expires']) {
    const value = response.headers.get(name)
    if (value !== null) headers.set(name, value)
  }
  return new Response(JSON.stringify({ client_id: url, ...normalised.metadata }), { status: 200, headers })
}

function parse(bytes: Buffer): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'))
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null
  } catch {
    return null
  }
}
