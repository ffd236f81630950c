/** The answers of the registration endpoint (RFC 7591, section 3.2; RFC 7592), one place for their form. */
import { Fault } from '../../../base/fault.ts'
import type { RegistrationRefusal } from './registration.ts'
import type { OverLimit } from './registration-limits.ts'

export interface Answered {
  status: number
  /** Null is an empty body. */
  body: Record<string, unknown> | null
  headers?: Record<string, string>
}

const METHODS = 'GET, POST, PUT, DELETE, OPTIONS'

const RETRY: Readonly<Record<OverLimit, Answered>> = {
  'too-often': {
    ...refusal(
      429,
      'temporarily_unavailable',
      'too many clients were registered from this address; try again in an hour',
    ),
    headers: { 'retry-after': '3600' },
  },
  full: {
    ...refusal(
      503,
      'temporarily_unavailable',
      'too many clients are registered; try again later, or ask an admin to register this one',
    ),
    headers: { 'retry-after': '3600' },
  },
}

export function over(which: OverLimit): Answered {
  return RETRY[which]
}

export function wrong({ error, error_description }: RegistrationRefusal): Answered {
  return refusal(error === 'access_denied' ? 403 : 400, error, error_description)
}

export function refusal(status: number, error: string, error_description: string): Answered {
  return { status, body: { error, error_description } }
}

export function notAllowed(allow: string): Answered {
  return { ...refusal(405, 'invalid_request', `this address takes ${allow}`), headers: { allow } }
}

export function preflight(): Answered {
  const headers = {
    'access-control-allow-methods': METHODS,
    'access-control-allow-headers': 'authorization, content-type',
    'access-control-max-age': '3600',
  }
  return { status: 204, body: null, headers }
}

export function unavailable(error: unknown): Answered {
  if (error instanceof Fault) return refusal(503, 'temporarily_unavailable', error.message)
  throw error
}
