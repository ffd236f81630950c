/**
 * The refusals of the REST API. They are thrown, unlike those of the MCP side, because a refusal in the middle of a change
 * must also undo its transaction. `answer.ts` alone gives them a wire form.
 */
import type { z } from 'zod'
import { ERROR_CODES, type ErrorCode } from '../contract/envelope.ts'

export interface ApiProblem {
  code: ErrorCode
  /** One plain sentence that says what to do; never a value that was sent. */
  message: string
}

export class ApiRefusal extends Error {
  readonly status: 400 | 401 | 403 | 404 | 405 | 409 | 413 | 415
  readonly problems: readonly ApiProblem[]

  constructor(status: ApiRefusal['status'], ...problems: readonly ApiProblem[]) {
    super(problems.map((problem) => problem.message).join(' '))
    this.name = 'ApiRefusal'
    this.status = status
    this.problems = problems
  }
}

/** @param path the field, such as `servers.0.server_id` */
export function invalid(path: string, message: string): ApiRefusal {
  return new ApiRefusal(400, { code: ERROR_CODES.invalid, message: `${path}: ${message}` })
}

export function notFound(what: string, id: string): ApiRefusal {
  const shown = id.length > 64 ? `${id.slice(0, 64)}…` : id
  return new ApiRefusal(404, {
    code: ERROR_CODES.notFound,
    message: `There is no ${what} "${shown}". List them to see which there are.`,
  })
}

export function conflict(message: string): ApiRefusal {
  return new ApiRefusal(409, { code: ERROR_CODES.conflict, message })
}

export function forbidden(message: string): ApiRefusal {
  return new ApiRefusal(403, { code: ERROR_CODES.forbidden, message })
}

/** What the configuration file declares is changed there and nowhere else. */
export function readOnly(what: string, id: string, file: string | null): ApiRefusal {
  return new ApiRefusal(403, {
    code: ERROR_CODES.readOnly,
    message: `The ${what} "${id}" is declared in the configuration file ${file ?? 'portico.yaml'}. Change it there and restart.`,
  })
}

/** @throws ApiRefusal 400 naming the path of every field that is wrong */
export function parseOr400<T>(schema: z.ZodType<T>, input: unknown, prefix = ''): T {
  const parsed = schema.safeParse(input)
  if (parsed.success) return parsed.data
  const problems = parsed.error.issues.slice(0, 20).map((issue) => {
    const path = [prefix, ...issue.path.map(String)].filter((part) => part !== '').join('.')
    return { code: ERROR_CODES.invalid, message: `${path === '' ? 'The body' : path}: ${sentence(issue)}` }
  })
  throw new ApiRefusal(400, ...problems)
}

function sentence(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys') {
    return `unknown field ${issue.keys.map((key) => JSON.stringify(key.slice(0, 64))).join(', ')}; leave it out or correct its name`
  }
  if (issue.code === 'invalid_type' && issue.message.endsWith('received undefined')) return 'is required'
  return issue.message
}
