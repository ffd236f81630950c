/**
 * A server's question as its caller gets it: named after the server, in the shape of the client's revision, and without
 * what a server has no business to ask. What is refused here is told to the server, and the person never sees it.
 *
 * 1. a page: https, a host that the public network knows, never the portal's own: a stranger's page must not look like ours
 * 2. a form: no secrets, for its answers pass through the client and may reach its model
 * 3. an answer of the client's model: no more tokens than the admin gave, and nothing of other servers' context
 */
import { addressBytes, kindOfAddress } from '../base/address.ts'
import { hostOf, isLoopbackName } from '../base/destination.ts'
import type { ServerAnswer, ServerQuestion } from '../protocol/asked.ts'
import { ErrorCode } from '../protocol/errors.ts'
import type { Json, JsonObject } from '../protocol/model.ts'
import type { ServerSpec } from './spec.ts'

/** What of the house a question is held against. */
export interface Guarded {
  server: Pick<ServerSpec, 'name' | 'relay'>
  /** Whether a host is the portal's own. */
  isOwnHost(host: string): boolean
}

/** A question in neutral form, or why it is not put: a sentence for the server and the audit. */
export type Fit = { question: ServerQuestion } | { refused: string }

/** In characters of JSON; a form that nobody can read through is no form. */
const MOST_QUESTION = 64 * 1024

export function fitQuestion(question: ServerQuestion, guarded: Guarded): Fit {
  if (JSON.stringify(question.params).length > MOST_QUESTION) return { refused: 'the question is too long' }
  switch (question.method) {
    case 'roots/list':
      return { question: { method: question.method, params: {} } }
    case 'sampling/createMessage':
      return fitSampling(question, guarded)
    case 'elicitation/create':
      return question.params.mode === 'url' ? fitPage(question, guarded) : fitForm(question, guarded)
  }
}

function fitPage({ method, params }: ServerQuestion, { server, isOwnHost }: Guarded): Fit {
  const { url: text, message } = params
  const url = typeof text === 'string' ? URL.parse(text) : null
  if (url === null || typeof message !== 'string') return { refused: 'a page needs "url" and "message"' }
  if (url.protocol !== 'https:') return { refused: 'only https pages are shown to people' }
  if (url.username !== '' || url.password !== '')
    return { refused: 'an address with a user name is not shown to people' }
  const host = hostOf(url)
  if (isOwnHost(host)) return { refused: "the portal's own pages are the portal's to show" }
  if (isInner(host)) return { refused: 'a page must be on a public host' }
  const named = `${server.name} asks you to open a page at ${url.host}: ${message}`
  // The id is the server's; the client gets one of ours.
  return { question: { method, params: { mode: 'url', message: named, url: url.href } } }
}

/** Names that mean this machine or this network, and addresses that are not public. */
function isInner(host: string): boolean {
  if (addressBytes(host) !== null) return kindOfAddress(host) !== 'public'
  return isLoopbackName(host) || !host.includes('.') || /\.(?:local|internal|lan|home\.arpa)$/.test(host)
}

/** Names of fields that ask for what must never be typed into a form (2025-11-25, elicitation: "MUST NOT request sensitive information"). */
const SECRET =
  /pass(?:word|wd|phrase|code)|secret|api[\s_-]?key|(?:access|auth|bearer|refresh|id)[\s_-]?token|private[\s_-]?key|credential|\bcvv\b|\bcvc\b|\bssn\b|\bpin\b|one[\s_-]?time|\botp\b/i

function fitForm({ method, params }: ServerQuestion, { server }: Guarded): Fit {
  const { message, requestedSchema: schema } = params
  if (typeof message !== 'string' || !isObject(schema))
    return { refused: 'a form needs "message" and "requestedSchema"' }
  const properties = isObject(schema.properties) ? schema.properties : {}
  for (const [name, field] of Object.entries(properties)) {
    const title = isObject(field) && typeof field.title === 'string' ? field.title : ''
    if (SECRET.test(spaced(name)) || SECRET.test(title))
      return { refused: `a form must not ask for a secret ("${name.slice(0, 64)}")` }
  }
  return {
    question: { method, params: { mode: 'form', message: `${server.name} asks: ${message}`, requestedSchema: schema } },
  }
}

/** `accessToken` and `access_token` are one name. */
function spaced(name: string): string {
  return name.replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2').replaceAll('_', ' ')
}

function fitSampling({ method, params }: ServerQuestion, { server }: Guarded): Fit {
  const { maxTokens, includeContext, ...rest } = params
  if (typeof maxTokens !== 'number' || !Array.isArray(params.messages))
    return { refused: 'sampling needs "messages" and "maxTokens"' }
  // `includeContext` would hand this server what the client knows of the others.
  const most = Math.min(maxTokens, server.relay.samplingMaxTokens)
  return { question: { method, params: { ...rest, maxTokens: most } } }
}

/** The first revision whose `elicitation/create` has modes. */
const MODES_SINCE = '2025-11-25'

/**
 * @param version the client's
 * @param id of ours, for a client that has pages by id (2025-11-25)
 */
export function paramsFor({ method, params }: ServerQuestion, version: string, id: string): JsonObject {
  if (method !== 'elicitation/create') return params
  const { mode, ...rest } = params
  if (mode === 'url') return version < '2026' ? { mode, elicitationId: id, ...rest } : params
  // What a member of a later revision means is nothing to an older client.
  return version < MODES_SINCE ? rest : params
}

/** What the client said, as the server gets it: no marks of the client's, and no content behind a no. */
export function fitAnswer({ method }: ServerQuestion, result: JsonObject): JsonObject | null {
  const { _meta, ...own } = result
  if (method !== 'elicitation/create') return own
  const { action, content } = own
  if (action === 'decline' || action === 'cancel') return { action }
  if (action !== 'accept') return null
  return isObject(content) ? { action, content } : { action }
}

/** What a server is told whose question is not put: to a person's form or page, that nobody filled it in. */
export function unput({ method }: ServerQuestion, why: string): ServerAnswer {
  if (method === 'elicitation/create') return { result: { action: 'decline' } }
  return { error: { code: ErrorCode.InvalidParams, message: `The portal does not pass this question on: ${why}.` } }
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
