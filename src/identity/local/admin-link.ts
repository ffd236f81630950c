/**
 * The link by which the first person becomes owner: 256 random bits, good for an hour and once, and only while nobody is owner. Whoever
 * has it is let in, so it is shown to the terminal that asked, or lies in a private file; the log never has it.
 */
import { randomBytes } from 'node:crypto'
import type { Store } from '../../store/open.ts'
import { hasAdmin } from '../roles.ts'
import { insertLink } from './link-store.ts'

export interface SingleUseLink {
  /** Where it leads, after the base URL under which people sign in. */
  path: string
  /** Milliseconds since 1970. */
  expiresAt: number
}

/**
 * Makes a link and withdraws every older one.
 *
 * @param by who asked, for the record
 * @returns `admin-exists` where somebody can sign in as owner already
 */
export async function makeAdminLink(store: Store, by: string): Promise<SingleUseLink | 'admin-exists'> {
  const token = randomBytes(32).toString('base64url')
  const expiresAt = await store.write(async (trx) =>
    (await hasAdmin(trx)) ? null : insertLink(store, trx, { token, purpose: 'admin', createdBy: by }),
  )
  return expiresAt === null ? 'admin-exists' : { path: `/setup/link/${token}`, expiresAt }
}

const TOKEN = /^[A-Za-z0-9_-]{43}$/

/** Whether a text has the form of a link's token; nothing else is looked up. */
export function looksLikeLink(token: string): boolean {
  return TOKEN.test(token)
}
