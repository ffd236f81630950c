/**
 * -32042: a server of 2025-11-25 wants pages to be opened before the call is made again. A client of 2026 is asked to, and its next
 * request makes the call anew; one of 2025-11-25 gets the same error, with what is left of it; others are told in words.
 */
import { randomUUID } from 'node:crypto'
import { isAskable, questionOf, type ServerQuestion } from '../protocol/asked.ts'
import { urlRequired } from '../protocol/era-2025/question.ts'
import { ErrorCode } from '../protocol/errors.ts'
import type { Json, JsonObject } from '../protocol/model.ts'
import { readRawError } from '../protocol/raw-error.ts'
import type { Performed } from './checkpoint.ts'
import { failedCall, fitFor, type Relayed, recordQuestion } from './relay-put.ts'
import { isObject, paramsFor } from './relay-question.ts'
import { asResult, MOST_OPEN } from './relay-round.ts'

/** Whether the call ended with pages to open. Errors are rare, and small. */
export function wantsPages({ reply }: Performed): boolean {
  return (
    reply.kind === 'raw' && reply.outcome === 'error' && readRawError(reply).code === ErrorCode.UrlElicitationRequired
  )
}

/** @param rounds that the call has had, this one included */
export async function showPages(done: Performed, rounds: number, call: Relayed): Promise<Performed> {
  const { reply } = done
  const pages = reply.kind === 'raw' ? pagesIn(readRawError(reply).data) : null
  if (pages === null) return failedCall(done, call, 'asked for pages that cannot be understood')
  const fitted: ServerQuestion[] = []
  for (const page of pages) {
    const fit = fitFor(page, call)
    if ('refused' in fit) {
      await recordQuestion(page.method, call, { outcome: 'refused', decision: 'deny', error: 'not-passed-on' })
      return failedCall(done, call, `asked something that is not passed on: ${fit.refused}`)
    }
    fitted.push(fit.question)
  }
  const { version, era } = call.scene.visit.client
  const { askable } = call
  const mayShow = askable !== null && fitted.every((page) => isAskable(page, askable))
  if (!mayShow) return failedCall(done, call, `wants a page to be opened first: ${fitted.map(addressOf).join(', ')}`)
  for (const { method } of fitted) await recordQuestion(method, call, { outcome: 'answered' })
  const params = fitted.map((page) => paramsFor(page, version, randomUUID()))
  if (era === '2025') return { ...done, reply: { kind: 'error', error: urlRequired(...params) } }
  const asked = params.map((page, at) => [`page-${at + 1}`, { method: 'elicitation/create', params: page }] as const)
  // The server heard of nothing: that its page was opened it sees for itself.
  const note = { state: null, park: null, keys: {}, rounds }
  return { ...done, reply: asResult(Object.fromEntries(asked), note, call) }
}

function pagesIn(data: Json | undefined): ServerQuestion[] | null {
  const listed = isObject(data) ? data.elicitations : undefined
  if (!Array.isArray(listed) || listed.length === 0 || listed.length > MOST_OPEN) return null
  const pages = listed.map((one: Json) => (isObject(one) ? questionOf('elicitation/create', asPage(one)) : null))
  return pages.every((page) => page !== null) ? pages : null
}

function asPage(params: JsonObject): JsonObject {
  return { ...params, mode: 'url' }
}

function addressOf({ params }: ServerQuestion): string {
  return typeof params.url === 'string' ? params.url : ''
}
