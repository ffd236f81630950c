/** What the portal may answer: all that its reference of errors has, but a bug. */
import { HTTP_STATUSES } from '../../src/http/statuses.ts'
import { ErrorCode } from '../../src/protocol/errors.ts'

/** 500 is a bug, and 503 an audit that cannot be written, which nothing that anybody sends may bring about. */
const NEVER = [500, 503]

/** Nor is anything sent here that Node's own server would answer. */
const STATUSES = new Set(
  Object.entries(HTTP_STATUSES)
    .filter(([status, { byNode }]) => byNode === undefined && !NEVER.includes(Number(status)))
    .map(([status]) => Number(status)),
)
const CODES = new Set<number>(Object.values(ErrorCode).filter((code) => code !== ErrorCode.InternalError))

/** @param code of the JSON-RPC error in the body, or null where there is none */
export function isAllowed(status: number, code: number | null): boolean {
  return STATUSES.has(status) && (code === null || CODES.has(code))
}
