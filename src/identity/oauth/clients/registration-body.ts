/** Reads what a client sends to the registration endpoint: JSON that can be read in one way, brought into our form, and taken by oidc-provider's schema. */
import { guardJson } from '../../../protocol/json-guard.ts'
import type { ClientPolicy } from './policy.ts'
import { type ClientMetadata, normaliseRegistration, type RegistrationRefusal } from './registration.ts'

export interface ReadRooms {
  /** The organisation's. */
  policy(): ClientPolicy | null
  /** oidc-provider's own schema; throws where it would not take these clients. */
  validate(metadata: Record<string, unknown>): Promise<void>
}

interface Sent {
  contentType: string | null
  body: Buffer
}

export type Read = { metadata: ClientMetadata; body: Record<string, unknown> } | RegistrationRefusal

/** Everything that can be said of a body before anything is written. */
export async function readMetadata(asked: Sent, rooms: ReadRooms): Promise<Read> {
  const bad = (error_description: string) => ({ error: 'invalid_client_metadata' as const, error_description })
  // Another type could be sent by any page on the web, without asking first.
  if (!/^application\/json\s*(;|$)/i.test(asked.contentType ?? '')) return bad('send the body as application/json')
  const problem = guardJson(asked.body)
  if (problem !== null) return bad(`the body is not JSON that can be read in one way only: ${problem}`)
  const body = parse(asked.body)
  const normalised = normaliseRegistration(body, rooms.policy())
  if ('error' in normalised) return normalised
  try {
    const { metadata } = normalised
    const secret = needsSecret(metadata) ? { client_secret: 'x'.repeat(64) } : {}
    await rooms.validate({ ...metadata, ...secret, client_id: 'unregistered' })
  } catch (error) {
    return bad(
      error instanceof Error && 'error_description' in error ? String(error.error_description) : 'is not valid',
    )
  }
  return { metadata: normalised.metadata, body: body as Record<string, unknown> }
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    return null
  }
}

export function needsSecret({ token_endpoint_auth_method: method }: ClientMetadata): boolean {
  return method === 'client_secret_basic' || method === 'client_secret_post'
}
