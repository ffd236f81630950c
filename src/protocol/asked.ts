/**
 * What a server may ask whoever calls it, in the midst of a call: a form or a page to fill in, an answer of the client's
 * model, the folders that it works in. Neutral between the eras: 2024 and 2025 servers send a request, 2026 servers
 * end with `input_required` (MRTR).
 */
import { APPS, UI } from './extensions.ts'
import type { ClientFacts, Json, JsonObject, RpcError } from './model.ts'

export type AskedMethod = 'elicitation/create' | 'sampling/createMessage' | 'roots/list'

export const ASKED_METHODS: readonly string[] = ['elicitation/create', 'sampling/createMessage', 'roots/list']

/** One question of a server. `params` is without `_meta`: a server's marks are nobody's but its own. */
export interface ServerQuestion {
  method: AskedMethod
  params: JsonObject
}

export type ServerAnswer = { result: JsonObject } | { error: RpcError }

/** What a caller can be asked. */
export interface Askable {
  /** Elicitation by form, and by page. */
  readonly form: boolean
  readonly url: boolean
  readonly sampling: boolean
  /** Sampling with tools (2025-11-25 on). */
  readonly samplingTools: boolean
  readonly roots: boolean
  /** It shows interfaces of tools (MCP Apps): no question, but a server of 2025 learns it in the same place, once for a connection. */
  readonly apps?: boolean
}

export const NOTHING_ASKABLE: Askable = { form: false, url: false, sampling: false, samplingTools: false, roots: false }

/** What a client can be asked, one by one, in the order in which a portal tries which of them a server looks for. */
export const ASKED_KINDS = ['form', 'url', 'sampling', 'samplingTools', 'roots'] as const

export type AskedKind = (typeof ASKED_KINDS)[number]

/** No more than these; who samples with tools samples. */
export function askableOf(kinds: readonly AskedKind[]): Askable {
  const named = Object.fromEntries(kinds.map((kind) => [kind, true]))
  return { ...NOTHING_ASKABLE, ...named, sampling: kinds.includes('sampling') || kinds.includes('samplingTools') }
}

export function kindsOf(askable: Askable): readonly AskedKind[] {
  return ASKED_KINDS.filter((kind) => askable[kind])
}

/** The first revisions with `elicitation`, with its `url` mode, and with tools in sampling. */
const FORMS_SINCE = '2025-06-18'
const LATER_SINCE = '2025-11-25'

/** What a client declared that its revision has. An empty `elicitation` means forms. */
export function askableBy({ version, capabilities }: Pick<ClientFacts, 'version' | 'capabilities'>): Askable {
  const { elicitation, sampling, roots } = capabilities
  if (elicitation === undefined && sampling === undefined && roots === undefined) return NOTHING_ASKABLE
  const isLater = version >= LATER_SINCE
  const asks = version >= FORMS_SINCE ? asObject(elicitation) : null
  const samples = asObject(sampling)
  return {
    form: asks !== null && (!isLater || asObject(asks.form) !== null || asks.url === undefined),
    url: asks !== null && isLater && asObject(asks.url) !== null,
    sampling: samples !== null,
    samplingTools: isLater && asObject(samples?.tools) !== null,
    roots: asObject(roots) !== null,
  }
}

/** What both can. */
export function common(one: Askable, other: Askable): Askable {
  if (one === NOTHING_ASKABLE || other === NOTHING_ASKABLE) return NOTHING_ASKABLE
  return {
    form: one.form && other.form,
    url: one.url && other.url,
    sampling: one.sampling && other.sampling,
    samplingTools: one.samplingTools && other.samplingTools,
    roots: one.roots && other.roots,
  }
}

/** A short name for a set, by which connections are kept apart; empty for nothing at all. */
export function fingerprintOf({ form, url, sampling, samplingTools, roots, apps }: Askable): string {
  const asked = `${form ? 'f' : ''}${url ? 'u' : ''}${sampling ? 's' : ''}${samplingTools ? 't' : ''}${roots ? 'r' : ''}`
  return apps ? `${asked}a` : asked
}

/** `ClientCapabilities` for a server: no more than the caller can do. */
export function capabilitiesFor({ form, url, sampling, samplingTools, roots, apps }: Askable): JsonObject {
  const all: Record<string, JsonObject> = {}
  if (form || url) all.elicitation = { ...(form ? { form: {} } : {}), ...(url ? { url: {} } : {}) }
  if (sampling) all.sampling = samplingTools ? { tools: {} } : {}
  if (roots) all.roots = {}
  if (apps) all.extensions = { [UI]: APPS }
  return all
}

/** Whether this very question may be put to such a caller. */
export function isAskable({ method, params }: ServerQuestion, askable: Askable): boolean {
  switch (method) {
    case 'roots/list':
      return askable.roots
    case 'sampling/createMessage':
      return (
        askable.sampling && (askable.samplingTools || (params.tools === undefined && params.toolChoice === undefined))
      )
    case 'elicitation/create':
      return params.mode === 'url' ? askable.url : askable.form
  }
}

/** @returns null for what is no question that anybody could be asked */
export function questionOf(method: string, params: JsonObject): ServerQuestion | null {
  if (!ASKED_METHODS.includes(method)) return null
  const { _meta, ...own } = params
  return { method: method as AskedMethod, params: own }
}

function asObject(value: Json | undefined): JsonObject | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : null
}
