/** The one place where an outcome of the REST API becomes bytes: five fields, whatever happened. */
import { randomUUID } from 'node:crypto'
import { Fault } from '../base/fault.ts'
import type { Log } from '../base/log.ts'
import { API_ERRORS, type ApiErrorName } from '../contract/envelope.ts'
import { isDatabaseDown, isUniqueViolation } from '../store/trouble.ts'
import { type ApiProblem, ApiRefusal, conflict } from './refusal.ts'
import type { Outcome } from './route.ts'

const HEADERS = {
  'content-type': 'application/json; charset=utf-8',
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
}

/** A file to keep, never a page to open. */
const CSV_HEADERS = {
  ...HEADERS,
  'content-type': 'text/csv; charset=utf-8; header=present',
  'content-disposition': 'attachment; filename="audit.csv"',
}

export function succeed(outcome: Outcome): Response {
  if (outcome.stream !== undefined) return flow(outcome.stream)
  if (outcome.csv !== undefined) return new Response(outcome.csv, { status: 200, headers: CSV_HEADERS })
  const body = {
    result: outcome.result,
    success: true,
    errors: [],
    messages: (outcome.messages ?? []).map((message) => ({ code: API_ERRORS.notice.code, message })),
    result_info: outcome.info ?? null,
  }
  return new Response(JSON.stringify(body), { status: 200, headers: HEADERS })
}

function flow({ body, type, file }: NonNullable<Outcome['stream']>): Response {
  const kept = file === undefined ? {} : { 'content-disposition': `attachment; filename="${file}"` }
  // Proxies that keep answers back until they are whole let this one through.
  return new Response(body, {
    status: 200,
    headers: { ...HEADERS, 'content-type': type, 'x-accel-buffering': 'no', ...kept },
  })
}

/** Every failure has a 4xx or 5xx status: the official SDK does not look at `success`. */
export function fail(error: unknown, log: Log): Response {
  if (error instanceof ApiRefusal) return refuse(error)
  if (isUniqueViolation(error))
    return refuse(conflict('Another request made the same thing first. Read it, then decide.'))
  const fault = faultOf(error)
  if (fault !== null) {
    log.warn({ err: fault, cause: fault.cause }, 'a request to the REST API could not be served')
    return failed('unavailable', fault.message)
  }
  const id = randomUUID()
  log.error({ err: error, id }, 'a request to the REST API met a bug')
  const message = `Portico met an error that it did not expect. The log has it under "${id}".`
  return failed('internal', message)
}

function faultOf(error: unknown): Fault | null {
  if (error instanceof Fault) return error
  if (!isDatabaseDown(error)) return null
  return new Fault(
    'store-unavailable',
    'The database does not answer. Try again; if it stays so, tell who runs Portico.',
    error,
  )
}

function refuse({ status, problems }: ApiRefusal): Response {
  const headers: Record<string, string> = {}
  // The official SDK tries a 409 again unless it is told not to, and no retry mends a conflict.
  if (status === 409) headers['x-should-retry'] = 'false'
  if (status === 401) headers['www-authenticate'] = 'Bearer realm="portico"'
  return envelope(status, problems, headers)
}

function failed(name: ApiErrorName, message: string): Response {
  const { status, code } = API_ERRORS[name]
  return envelope(status, [{ code, message }], {})
}

function envelope(status: number, errors: readonly ApiProblem[], headers: Record<string, string>): Response {
  const body = { result: null, success: false, errors, messages: [], result_info: null }
  return new Response(JSON.stringify(body), { status, headers: { ...HEADERS, ...headers } })
}
