/** The rights that a route can ask for, and which role has which. A token's scopes can only take away. */
import { z } from 'zod'

export const RIGHTS = [
  'portals:read',
  'portals:write',
  'servers:read',
  'servers:write',
  'policies:read',
  'policies:write',
  'service_tokens:read',
  'service_tokens:write',
  'access_tokens:read',
  'access_tokens:write',
  'api_tokens:read',
  'api_tokens:write',
  'users:read',
  'users:write',
  'organization:read',
  'organization:write',
  'roles:read',
  'roles:write',
  'identity_providers:read',
  'identity_providers:write',
  'oauth_clients:read',
  'oauth_clients:write',
  'approvals:read',
  'approvals:write',
  'webhooks:read',
  'webhooks:write',
  'logs:read',
] as const

export type Right = (typeof RIGHTS)[number]
export const rightSchema = z.enum(RIGHTS)

export const ROLES = ['owner', 'admin', 'auditor'] as const
export const roleSchema = z.enum(ROLES)

/** What an owner may do and an admin may not is not a right but a rule of a handler: see `stdio-gate` and `forever`. */
const ROLE_RIGHTS: Readonly<Record<(typeof ROLES)[number], readonly Right[]>> = {
  owner: RIGHTS,
  admin: RIGHTS,
  auditor: RIGHTS.filter((right) => right.endsWith(':read')),
}

/** Empty scopes mean all that the role has. */
export function rightsOf(role: (typeof ROLES)[number], scopes: readonly string[]): readonly Right[] {
  const rights = ROLE_RIGHTS[role]
  return scopes.length === 0 ? rights : rights.filter((right) => scopes.includes(right))
}
