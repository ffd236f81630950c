/**
 * A whole service token in one header, for bots that can send only one: `{"cf-access-client-id":"…","cf-access-client-secret":"…"}`.
 * Anything that two readers could take for two different tokens is none.
 */
import { guardJson } from '../protocol/json-guard.ts'

export interface ShownToken {
  clientId: string
  clientSecret: string
}

/** Both values, their names and some white space. */
const LONGEST = 512
const ID = 'cf-access-client-id'
const SECRET = 'cf-access-client-secret'

/** @returns null for anything but an object of these two strings */
export function readServiceToken(text: string): ShownToken | null {
  if (text.length > LONGEST || guardJson(Buffer.from(text)) !== null) return null
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // What is no JSON is no token; there is nothing more to be said.
    return null
  }
  if (typeof value !== 'object' || value === null || Object.keys(value).length !== 2) return null
  const { [ID]: clientId, [SECRET]: clientSecret } = value as Record<string, unknown>
  return typeof clientId === 'string' && typeof clientSecret === 'string' ? { clientId, clientSecret } : null
}
