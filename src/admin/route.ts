/** One row of the table: what a route takes, which right it asks for, what it gives, and who does the work. */
import type { z } from 'zod'
import type { Operator } from '../base/principal.ts'
import type { Right } from '../contract/rights.ts'
import type { Author } from '../store/columns.ts'
import type { AdminDeps, Caller } from './deps.ts'
import { parseOr400 } from './refusal.ts'

/** One request, its parts checked. */
export interface Call<Body = unknown, Query = unknown> {
  deps: AdminDeps
  operator: Operator
  caller: Caller
  author: Author
  /** The account as it was asked for. */
  account: string
  /** The `{id}` of the path, or the empty string where it has none. */
  id: string
  /** All named parts of the path, `id` among them. */
  params: Readonly<Record<string, string>>
  body: Body
  query: Query
  /** `Last-Event-ID` of a reader that comes back. */
  resume: string | null
  /** Whether who asks would still be let in, and still may ask this. */
  stillMay(): Promise<boolean>
}

export interface Outcome {
  result: unknown
  /** `result_info` */
  info?: unknown
  /** What the admin should know beside the result. */
  messages?: readonly string[]
  /** Answered instead of the envelope. */
  csv?: string
  /** Answered instead of the envelope, piece by piece as it is read; `file` is a name to keep it under. */
  stream?: { body: ReadableStream<Uint8Array>; type: string; file?: string }
  /** For the audit: which object changed, and which of its fields. Never a value. */
  change?: { object: string; id: string; fields: readonly string[] }
  /** For the audit: why somebody did it, in their own words. */
  reason?: string
}

interface Definition<Body, Query> {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** After `/client/v4/accounts/{account_id}`. */
  path: string
  right: Right
  /** Rights that it asks for beside: the answer tells what those are for. */
  also?: readonly Right[]
  /** A question that has a body: it needs a right to read, and changes nothing. */
  asks?: true
  summary: string
  body?: z.ZodType<Body>
  query?: z.ZodType<Query>
  result: z.ZodType
  /** The media types of what is answered instead of the envelope. */
  types?: readonly string[]
  info?: z.ZodType
  handler(call: Call<Body, Query>): Promise<Outcome>
}

export interface Route extends Omit<Definition<unknown, unknown>, 'handler'> {
  /** Checks body and query, then does the work. */
  run(call: Call): Promise<Outcome>
}

/** @returns the names of the parts in braces, in order: `['id', 'nonce']` */
export function namesIn(path: string): string[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name)
}

/** What the field's own API answers below `/zones/{zone_id}` too. */
const ZONED = /^\/access\/(?:apps|groups|service_tokens|identity_providers|organizations)(?:\/|$)/

export function isZoned(path: string): boolean {
  return ZONED.test(path)
}

/** Ties the handler's types to the schemas of its row, and then forgets them, so that one table holds all. */
export function route<Body, Query>(definition: Definition<Body, Query>): Route {
  const { handler, body, query, ...rest } = definition
  return {
    ...rest,
    ...(body === undefined ? {} : { body }),
    ...(query === undefined ? {} : { query }),
    run: (call) =>
      handler({
        ...call,
        body: body === undefined ? (undefined as Body) : parseOr400(body, call.body),
        query: query === undefined ? (undefined as Query) : parseOr400(query, call.query),
      }),
  }
}
