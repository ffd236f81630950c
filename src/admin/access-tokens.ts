/** `/tokens/access`: tokens for the MCP clients of people, each good at one portal. */
import { digest, newSecret } from '../base/secret.ts'
import type { PageQuery } from '../contract/envelope.ts'
import type { AccessTokenCreate, AccessTokenShown } from '../contract/tokens.ts'
import {
  type AccessTokenRecord,
  revokeAccessToken as endAccessToken,
  insertAccessToken,
  listAccessTokens as loadAccessTokens,
  readAccessToken,
} from '../identity/access-token-store.ts'
import { findOrCreateUser } from '../identity/user-store.ts'
import { listPortals, readPortal } from '../portal/portal-store.ts'
import type { Db } from '../store/open.ts'
import { pageOf } from './paging.ts'
import { invalid, notFound } from './refusal.ts'
import type { Call, Outcome } from './route.ts'
import { futureTime, shownTime, shownTimeOrNull } from './times.ts'
import { writtenFields } from './written-fields.ts'

export async function listAccessTokens({ deps, query }: Call<unknown, PageQuery>): Promise<Outcome> {
  const shown = await showAll(deps.store.db, await loadAccessTokens(deps.store.db))
  const page = pageOf(shown, query, (token) => [token.id, token.email ?? '', token.name ?? '', token.portal])
  return { result: page.items, info: page.info }
}

export async function getAccessToken({ deps, id }: Call): Promise<Outcome> {
  return { result: await shown(deps.store.db, id) }
}

export async function createAccessToken({ deps, body, operator }: Call<AccessTokenCreate>): Promise<Outcome> {
  const expiresAt = futureTime(body.expires_at, deps.clock.now(), 'expires_at')
  const secret = newSecret('ptat')
  const id = await deps.store.write(async (trx) => {
    const portal = await readPortal(trx, body.portal ?? 'default')
    if (portal === undefined) throw invalid('portal', 'names no portal; list the portals to see their ids')
    const user = await findOrCreateUser(deps.store, trx, body.email.toLowerCase())
    return insertAccessToken(deps.store, trx, {
      digest: digest(secret),
      userId: user.id,
      portalUid: portal.uid,
      name: body.name ?? null,
      createdBy: operator.name,
      expiresAt,
    })
  })
  return {
    result: { ...(await shown(deps.store.db, id)), token: secret },
    change: { object: 'access_token', id, fields: writtenFields(body) },
  }
}

export async function revokeAccessToken({ deps, id }: Call): Promise<Outcome> {
  await deps.store.write(async (trx) => {
    if ((await readAccessToken(trx, id)) === undefined) throw notFound('access token', id)
    await endAccessToken(deps.store, trx, id)
  })
  return { result: await shown(deps.store.db, id), change: { object: 'access_token', id, fields: ['revoked_at'] } }
}

async function shown(db: Db, id: string): Promise<AccessTokenShown> {
  const token = await readAccessToken(db, id)
  const [only] = await showAll(db, token === undefined ? [] : [token])
  if (only === undefined) throw notFound('access token', id)
  return only
}

async function showAll(db: Db, tokens: readonly AccessTokenRecord[]): Promise<AccessTokenShown[]> {
  const portals = new Map((await listPortals(db)).map((portal) => [portal.uid, portal.id]))
  return tokens.map((token) => ({
    id: token.id,
    name: token.name,
    user_id: token.userId,
    email: token.email,
    portal: portals.get(token.portalUid) ?? '',
    created_at: shownTime(token.createdAt),
    created_by: token.createdBy,
    expires_at: shownTimeOrNull(token.expiresAt),
    revoked_at: shownTimeOrNull(token.revokedAt),
  }))
}
