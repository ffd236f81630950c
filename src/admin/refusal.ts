/**
 * The refusals of the REST API. They are thrown, unlike those of the MCP side, because a refusal in the middle of a change
 * must also undo its transaction. `answer.ts` alone gives them a wire form.
 */
import type { z } from 'zod'
import { API_ERRORS, type ApiErrorName } from '../contract/envelope.ts'

/** A notice is no failure. */
type Failure = Exclude<ApiErrorName, 'notice'>

export interface ApiProblem {
  code: number
  /** One plain sentence that says what to do; never a value that was sent. */
  message: string
}

export class ApiRefusal extends Error {
  readonly kind: Failure
  readonly status: number
  readonly problems: readonly ApiProblem[]

  /** @param kind gives status and code, so that no two places pair them differently */
  constructor(kind: Failure, ...messages: readonly string[]) {
    super(messages.join(' '))
    const { status, code } = API_ERRORS[kind]
    this.name = 'ApiRefusal'
    this.kind = kind
    this.status = status
    this.problems = messages.map((message) => ({ code, message }))
  }
}

/** @param path the field, such as `servers.0.server_id` */
export function invalid(path: string, message: string): ApiRefusal {
  return new ApiRefusal('invalid', `${path}: ${message}`)
}

export function notFound(what: string, id: string): ApiRefusal {
  const shown = id.length > 64 ? `${id.slice(0, 64)}…` : id
  return new ApiRefusal('notFound', `There is no ${what} "${shown}". List them to see which there are.`)
}

export function conflict(message: string): ApiRefusal {
  return new ApiRefusal('conflict', message)
}

export function forbidden(message: string): ApiRefusal {
  return new ApiRefusal('forbidden', message)
}

/** What the configuration file declares is changed there and nowhere else. */
export function readOnly(what: string, id: string, file: string | null): ApiRefusal {
  return new ApiRefusal(
    'readOnly',
    `The ${what} "${id}" is declared in the configuration file ${file ?? 'portico.yaml'}. Change it there and restart.`,
  )
}

/** @throws ApiRefusal 400 naming the path of every field that is wrong */
export function parseOr400<T>(schema: z.ZodType<T>, input: unknown, prefix = ''): T {
  const parsed = schema.safeParse(input)
  if (parsed.success) return parsed.data
  const messages = parsed.error.issues.slice(0, 20).map((issue) => {
    const path = [prefix, ...issue.path.map(String)].filter((part) => part !== '').join('.')
    return `${path === '' ? 'The body' : path}: ${sentence(issue)}`
  })
  throw new ApiRefusal('invalid', ...messages)
}

function sentence(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys') {
    return `unknown field ${issue.keys.map((key) => JSON.stringify(key.slice(0, 64))).join(', ')}; leave it out or correct its name`
  }
  if (issue.code === 'invalid_type' && issue.message.endsWith('received undefined')) return 'is required'
  return issue.message
}
