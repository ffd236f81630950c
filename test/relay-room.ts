/** Requests of 2026 as bytes whose caller can be asked, for journeys about servers that ask; and what the audit and the servers have. */
import type { AuditRow } from '../src/audit/event.ts'
import type { TestPortal } from './portal.ts'
import { ask2026, messageOf, type RawCaller } from './raw-mcp.ts'

export const ASKABLE = { elicitation: { form: {}, url: {} }, sampling: {}, roots: {} }
export const MCP = '/access/ai-controls/mcp'

export interface Tried {
  error: { code: number; message: string } | null
  isError: boolean
  /** The text of a result. */
  text: string
  /** What is asked first, by key; empty where nothing is. */
  asked: Record<string, { method: string; params: Record<string, unknown> }>
  state: unknown
}

export interface Trying {
  method?: string
  capabilities?: Record<string, unknown>
  signal?: AbortSignal
  state?: unknown
  responses?: unknown
}

/** One request, the first one or one that comes again. */
export async function tryOnce(
  url: string,
  caller: RawCaller,
  params: Record<string, unknown>,
  { method = 'tools/call', capabilities = ASKABLE, signal, state, responses }: Trying = {},
): Promise<Tried> {
  const sent = {
    ...params,
    ...(state === undefined ? {} : { requestState: state }),
    ...(responses === undefined ? {} : { inputResponses: responses }),
    _meta: { 'io.modelcontextprotocol/clientCapabilities': capabilities },
  }
  const { result = {}, error = null } = messageOf(await ask2026(url, caller, method, sent, 1, signal))
  const content = (result.content ?? []) as { text?: string }[]
  return {
    error,
    isError: result.isError === true,
    text: content.map(({ text = '' }) => text).join('\n') || JSON.stringify(result.messages ?? ''),
    asked: (result.inputRequests ?? {}) as Tried['asked'],
    state: result.requestState,
  }
}

/** The same answer to all that is asked. */
export function answering({ asked }: Tried, answer: unknown = ACCEPTED): Record<string, unknown> {
  return Object.fromEntries(Object.keys(asked).map((key) => [key, answer]))
}

export const ACCEPTED = { action: 'accept', content: { name: 'Ann' } }

export async function must<T>(portal: Pick<TestPortal, 'api'>, method: string, path: string, body?: unknown) {
  const answer = await portal.api<T>(method, path, body)
  if (!answer.body.success) throw new Error(`${method} ${path}: ${JSON.stringify(answer.body)}`)
  return answer.body.result
}

/** The ended rows of a method, newest first. */
export function rowsOf(portal: Pick<TestPortal, 'api'>, method: string, limit = 1): Promise<AuditRow[]> {
  return must(portal, 'GET', `${MCP}/logs?${new URLSearchParams({ method, limit: String(limit), phase: 'ended' })}`)
}

/** Denies one tool of a server at the default portal. @returns what takes it back */
export async function deny(
  portal: Pick<TestPortal, 'api'>,
  server: string,
  name: string,
): Promise<() => Promise<unknown>> {
  const path = `${MCP}/portals/default`
  const { policies } = await must<{ policies: (string | { id: string })[] }>(portal, 'GET', path)
  const before = policies.map((one) => (typeof one === 'string' ? one : one.id))
  const rule = await must<{ id: string }>(portal, 'POST', '/access/policies', {
    ...{ name: `Not ${name}`, decision: 'deny', include: [{ everyone: {} }] },
    capabilities: [{ servers: [server], kinds: ['tool'], names: [name] }],
  })
  await must(portal, 'PUT', path, { policies: [rule.id, ...before] })
  return () => must(portal, 'PUT', path, { policies: before })
}
