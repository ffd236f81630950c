/**
 * What an external evaluator is told of who calls, in the words of Cloudflare's `identity` and of our own `get-identity`. What is told is
 * also what an answer is kept by: two callers of whom the least thing differs never share one.
 */
import { hash } from 'node:crypto'
import type { AnonymousPrincipal, Principal, ServicePrincipal, UserPrincipal } from '../base/principal.ts'
import type { Origin } from './model.ts'

export interface Told {
  readonly identity: Readonly<Record<string, unknown>>
  /** SHA-256 over all of it. */
  readonly digest: string
}

/** @param country as `Facts` has it */
export function tellOf(principal: Principal, { ip, certificate }: Origin, country: string | null): Told {
  const where = { ip, geo: { country }, common_name: certificate?.commonName ?? '' }
  const identity = { ...whoIs(principal), ...where }
  return { identity, digest: hash('sha256', JSON.stringify(identity)) }
}

function whoIs(principal: Principal): Record<string, unknown> {
  switch (principal.kind) {
    case 'user':
      return userOf(principal)
    case 'service':
      return serviceOf(principal)
    case 'anonymous':
      return anonymousOf(principal)
  }
}

function userOf({ id, email, label, identity }: UserPrincipal) {
  return {
    kind: 'user',
    ...{ id, user_uuid: id, email, name: label },
    /** Null where they are not known, which is not the same as none. */
    groups: identity?.groups ?? null,
    amr: identity?.amr ?? [],
    idp: identity && { id: identity.provider, issuer: identity.issuer, subject: identity.subject },
    custom: identity?.claims ?? {},
    iat: identity?.signedInAt === undefined ? null : Math.floor(identity.signedInAt / 1000),
    service_token_status: false,
  }
}

function serviceOf({ id, name, clientId }: ServicePrincipal) {
  return {
    kind: 'service',
    id,
    name,
    email: null,
    groups: null,
    service_token_id: clientId,
    service_token_status: true,
  }
}

function anonymousOf({ id }: AnonymousPrincipal) {
  return { kind: 'anonymous', id, name: '', email: null, groups: null, service_token_status: false }
}
