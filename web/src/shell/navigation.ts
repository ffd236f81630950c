/** The pages of the navigation, in its order; each is shown to who may read what it shows. */
import type { Right } from '../../../src/contract/rights.ts'
import { PAGES } from '../words/shell.ts'

export interface Destination {
  to: string
  title: string
  says: string
  right: Right
}

const page = (to: string, name: keyof typeof PAGES, right: Right): Destination => ({ to, ...PAGES[name], right })

export const NAVIGATION: readonly Destination[] = [
  page('/', 'overview', 'logs:read'),
  page('/servers', 'servers', 'servers:read'),
  page('/portals', 'portals', 'portals:read'),
  page('/policies', 'policies', 'policies:read'),
  page('/access', 'access', 'policies:read'),
  page('/approvals', 'approvals', 'approvals:read'),
  page('/people', 'people', 'users:read'),
  page('/clients', 'clients', 'oauth_clients:read'),
  page('/logs', 'logs', 'logs:read'),
  page('/settings', 'settings', 'organization:read'),
]
