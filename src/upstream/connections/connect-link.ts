/**
 * The link by which the shared credential of a server is made: 256 random bits, good for a quarter of an hour and once. Whoever opens it
 * gives the portal an account at that server, and sees nothing of it; so the link is a secret of whoever asked for it, and no log has it.
 */
import { randomBytes } from 'node:crypto'
import type { ServerId, ServerUid } from '../../base/ids.ts'
import type { Db, Store, Trx } from '../../store/open.ts'
import { type ConnectLink, findConnectLink, insertConnectLink, markConnectLinkUsed } from './connect-link-store.ts'

const LIFETIME_MS = 15 * 60_000
const TOKEN = /^[A-Za-z0-9_-]{43}$/

/**
 * Makes a link and withdraws every older one of the same server.
 *
 * @param by who asked, for the record
 * @returns where it leads, after the base URL under which people sign in, and when it ends
 */
export async function makeConnectLink(
  store: Store,
  trx: Trx,
  { server, by }: { server: { uid: ServerUid; id: ServerId }; by: string },
): Promise<{ path: string; expiresAt: number }> {
  const createdAt = store.clock.now()
  const token = randomBytes(32).toString('base64url')
  const expiresAt = createdAt + LIFETIME_MS
  await insertConnectLink(trx, { token, server: server.uid, createdBy: by, createdAt, expiresAt })
  return { path: `/connect/${server.id}?link=${token}`, expiresAt }
}

/** @returns what it is good for, or null where it is over, made up, or of another server. It stays good. */
export async function readConnectLink(
  db: Db,
  { token, server, now }: { token: string; server: ServerUid; now: number },
): Promise<ConnectLink | null> {
  return TOKEN.test(token) ? findConnectLink(db, { token, server, now }) : null
}

/**
 * Uses it up, in the transaction of what it was good for.
 *
 * @returns null where it is over, made up, of another server, or somebody else was faster: then nothing may be done
 */
export async function useConnectLink(
  store: Store,
  trx: Trx,
  { token, server }: { token: string; server: ServerUid },
): Promise<ConnectLink | null> {
  return TOKEN.test(token) ? markConnectLinkUsed(trx, { token, server, now: store.clock.now() }) : null
}
