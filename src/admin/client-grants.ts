/** `/access/oauth/grants`: which clients people let in, those known by a metadata document among them, and ending all of one. */
import type { PageQuery } from '../contract/envelope.ts'
import type { ClientUseShown } from '../contract/oauth-client.ts'
import { listClientUses, revokeGrants } from '../identity/grant-store.ts'
import { listClients } from '../identity/oauth/clients/client-store.ts'
import { pageOf } from './paging.ts'
import { notFound } from './refusal.ts'
import type { Call, Outcome } from './route.ts'
import { shownTime } from './times.ts'

export async function listClientGrants({ deps, query }: Call<unknown, PageQuery>): Promise<Outcome> {
  const kinds = new Map((await listClients(deps.store)).map(({ id, kind }) => [id, kind]))
  const uses = (await listClientUses(deps.store.db)).map(
    ({ clientId, clientName, people, grants, lastUsedAt }): ClientUseShown => ({
      ...{ client_id: clientId, kind: kinds.get(clientId) ?? 'document', client_name: clientName, people, grants },
      last_used_at: shownTime(lastUsedAt),
    }),
  )
  const page = pageOf(uses, query, (use) => [use.client_id, use.client_name])
  return { result: page.items, info: page.info }
}

/** People may let it in again: what is to stay out is deleted, or ruled out by the rules for clients. */
export async function endClientGrants({ deps, id }: Call): Promise<Outcome> {
  const { store } = deps
  const ended = await store.write(async (trx) => {
    if ((await listClientUses(trx, id)).length === 0) throw notFound('client that somebody let in', id)
    return revokeGrants(store, trx, { clientId: id }, 'revoked')
  })
  return { result: { id, grants_revoked: ended }, change: { object: 'oauth_grants', id, fields: ['ended'] } }
}
