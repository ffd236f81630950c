/**
 * Questions to a person, as MCP's elicitation has them: what a client can be asked, what the question looks like to it,
 * and what it may answer. What a client answers is data of the outside: it is read by the form that was asked for.
 */
import type { ClientFacts, Json, JsonObject } from './model.ts'

/** One thing to fill in. Secrets are never asked for in a form: they would pass through the client, and maybe its model. */
export type Field = { title: string; description?: string } & (
  | { type: 'boolean' }
  | { type: 'string'; maxLength: number; enum?: readonly string[] }
)
export type Fields = Readonly<Record<string, Field>>

/** A question on its way to a client. */
export interface Elicitation {
  /** For the person to read. */
  message: string
  /** A page of ours where the person does it; the id is the client's name for it. */
  link: { id: string; url: string } | null
  /** What is to be filled in; empty for a question that only wants a yes. */
  fields: Fields
}

/** `url`: the client opens the page after the person said yes. `form`: the client shows the fields. */
export type Mode = 'url' | 'form'

export const ELICIT = 'elicitation/create'

/** The first revisions with `elicitation`, and with its `url` mode. */
const FORMS_SINCE = '2025-06-18'
const URLS_SINCE = '2025-11-25'

/**
 * The mode in which this client can be asked, or null where it cannot. Only what it declared counts; an empty
 * `elicitation` means forms.
 *
 * @param wantsPage the question has a page of its own, which is better than telling its address in a form
 */
export function modeFor({ version, capabilities }: ClientFacts, wantsPage: boolean): Mode | null {
  const declared = asObject(capabilities.elicitation)
  if (declared === null || version < FORMS_SINCE) return null
  const hasModes = version >= URLS_SINCE
  if (wantsPage && hasModes && asObject(declared.url) !== null) return 'url'
  const hasForms = !hasModes || asObject(declared.form) !== null || declared.url === undefined
  return hasForms ? 'form' : null
}

/** The `params` of `elicitation/create`. @param version the client's revision: each has members of its own */
export function elicitParams({ message, link, fields }: Elicitation, mode: Mode, version: string): JsonObject {
  if (mode === 'url' && link !== null) {
    // 2026 has no `elicitationId`: the client learns the outcome by asking again.
    const id = version < '2026' ? { elicitationId: link.id } : {}
    return { mode, message, ...id, url: link.url }
  }
  const requestedSchema = { type: 'object', properties: fields as unknown as JsonObject, required: Object.keys(fields) }
  // Revisions without modes know nothing but forms.
  const named = version >= URLS_SINCE ? { mode: 'form' } : {}
  return { ...named, message: link === null ? message : `${message}\n\n${link.url}`, requestedSchema }
}

export interface Answered {
  /** `decline`: an explicit no. `cancel`: no choice was made. */
  action: 'accept' | 'decline' | 'cancel'
  /** The fields, each as it was asked for; empty unless accepted. */
  content: JsonObject
}

/** Reads a client's `ElicitResult`. @returns null for what is no answer to these fields; members that were not asked for are dropped */
export function readAnswer(result: Json | undefined, fields: Fields): Answered | null {
  const answer = asObject(result)
  const action = answer?.action
  if (action === 'decline' || action === 'cancel') return { action, content: {} }
  if (action !== 'accept') return null
  const given = asObject(answer?.content) ?? {}
  const content: Record<string, Json> = {}
  for (const [name, field] of Object.entries(fields)) {
    const value = Object.hasOwn(given, name) ? given[name] : undefined
    if (value === undefined || !fits(value, field)) return null
    content[name] = value
  }
  return { action, content }
}

function fits(value: Json, field: Field): boolean {
  if (field.type === 'boolean') return typeof value === 'boolean'
  if (typeof value !== 'string' || value.length > field.maxLength) return false
  return field.enum === undefined || field.enum.includes(value)
}

function asObject(value: Json | undefined): JsonObject | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : null
}
