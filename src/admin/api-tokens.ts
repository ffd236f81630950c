/**
 * `/tokens/api`: who may use this API. Nobody makes, or takes away, more than they hold: not a higher role, not a wider scope,
 * not a longer life.
 */
import { digest, newSecret } from '../base/secret.ts'
import type { PageQuery } from '../contract/envelope.ts'
import type { ApiTokenCreate, ApiTokenShown } from '../contract/tokens.ts'
import {
  type ApiTokenRecord,
  countLastingOwners,
  revokeApiToken as endApiToken,
  insertApiToken,
  listApiTokens as loadApiTokens,
  readApiToken,
} from '../identity/api-token-store.ts'
import type { Db } from '../store/open.ts'
import { holds } from './holds.ts'
import { pageOf } from './paging.ts'
import { conflict, forbidden, notFound } from './refusal.ts'
import type { Call, Outcome } from './route.ts'
import { futureTime, shownTime, shownTimeOrNull } from './times.ts'
import { writtenFields } from './written-fields.ts'

export async function listApiTokens({ deps, query }: Call<unknown, PageQuery>): Promise<Outcome> {
  const page = pageOf(await loadApiTokens(deps.store.db), query, (token) => [token.id, token.name])
  return { result: page.items.map(show), info: page.info }
}

export async function getApiToken({ deps, id }: Call): Promise<Outcome> {
  return { result: show(await existing(deps.store.db, id)) }
}

export async function createApiToken({ deps, body, operator }: Call<ApiTokenCreate>): Promise<Outcome> {
  const wanted = { role: body.role, scopes: body.scopes ?? [] }
  if (!holds(operator, wanted)) {
    throw forbidden('A token can only make tokens of its own role or a lesser one, with no right that it lacks itself.')
  }
  const expiresAt = futureTime(body.expires_at, deps.clock.now(), 'expires_at')
  const secret = newSecret('ptapi')
  const made = { ...wanted, name: body.name, digest: digest(secret), createdBy: operator.name, expiresAt }
  const id = await deps.store.write(async (trx) => {
    // A person's role has no end; it is taken away.
    const own = operator.kind === 'api_token' ? await readApiToken(trx, operator.id) : undefined
    const ownEnd = own?.expiresAt ?? null
    if (ownEnd !== null && (expiresAt === null || expiresAt > ownEnd)) {
      throw forbidden(
        `A token cannot make one that outlives it. Give an expires_at of ${shownTime(ownEnd)} or earlier.`,
      )
    }
    return insertApiToken(deps.store, trx, made)
  })
  return {
    result: { ...show(await existing(deps.store.db, id)), token: secret },
    change: { object: 'api_token', id, fields: writtenFields(body) },
  }
}

export async function revokeApiToken({ deps, id, operator }: Call): Promise<Outcome> {
  await deps.store.write(async (trx) => {
    const token = await existing(trx, id)
    if (token.id !== operator.id && !holds(operator, token)) {
      throw forbidden(
        'A token can only revoke tokens of its own role or a lesser one, with no right that it lacks itself.',
      )
    }
    const owner = token.role === 'owner' && token.scopes.length === 0
    if (owner && (await countLastingOwners(trx, token.id)) === 0) {
      throw conflict('This is the last owner token. Make another one without scopes or end first.')
    }
    await endApiToken(deps.store, trx, token.id)
  })
  return {
    result: show(await existing(deps.store.db, id)),
    change: { object: 'api_token', id, fields: ['revoked_at'] },
  }
}

function show(token: ApiTokenRecord): ApiTokenShown {
  return {
    id: token.id,
    name: token.name,
    role: token.role,
    scopes: [...token.scopes],
    created_at: shownTime(token.createdAt),
    created_by: token.createdBy,
    expires_at: shownTimeOrNull(token.expiresAt),
    revoked_at: shownTimeOrNull(token.revokedAt),
  }
}

async function existing(db: Db, id: string): Promise<ApiTokenRecord> {
  const token = await readApiToken(db, id)
  if (token === undefined) throw notFound('API token', id)
  return token
}
