/** The servers, as the REST API has them. */
import { queryOptions } from '@tanstack/react-query'
import type { AuthorizeShown, ConnectionShown } from '../../../src/contract/connection.ts'
import type { DefinitionChoices, DefinitionDecided, DefinitionShown } from '../../../src/contract/definitions.ts'
import type { ServerCreate, ServerShown, ServerUpdate, SyncShown } from '../../../src/contract/server.ts'
import type { ProbeShown, ProcessShown, ServerProbe } from '../../../src/contract/server-look.ts'
import { ask, part } from './ask.ts'

const SERVERS = '/access/ai-controls/mcp/servers'
const at = (id: string, below = ''): string => `${SERVERS}/${part(id)}${below}`

/** How often what may change by itself is read again. */
const OFTEN_MS = 1500
const NOW_AND_THEN_MS = 20_000

/** All of them, without the definitions of their tools and prompts. */
export const serversQuery = queryOptions({
  queryKey: ['servers'],
  queryFn: async ({ signal }) =>
    (await ask<ServerShown[]>('GET', SERVERS, { signal, query: { per_page: 1000, summary: true } })).result,
  refetchInterval: NOW_AND_THEN_MS,
})

/** Without its tools and prompts: it is read again and again, and there may be thousands. */
export const serverQuery = (id: string) =>
  queryOptions({
    queryKey: ['servers', id],
    queryFn: async ({ signal }) =>
      (await ask<ServerShown>('GET', at(id), { signal, query: { detail: 'counts' } })).result,
    // Its first sync is watched.
    refetchInterval: ({ state }) => (state.data?.status === 'waiting' ? OFTEN_MS : NOW_AND_THEN_MS),
  })

/**
 * What it calls its tools and prompts, and says of them.
 *
 * @param synced when it was last asked: what came of that is read then
 */
export const offeredByQuery = (id: string, synced?: string) =>
  queryOptions({
    queryKey: ['offered', 'by', id, synced ?? ''],
    queryFn: async ({ signal }) =>
      (await ask<ServerShown>('GET', at(id), { signal, query: { detail: 'brief' } })).result,
    structuralSharing: false,
  })

/** One of them, whole. Null where the server does not have it any more. */
export const definitionQuery = (id: string, kind: 'tool' | 'prompt', name: string) =>
  queryOptions({
    queryKey: ['offered', 'whole', id, kind, name],
    queryFn: async ({ signal }): Promise<unknown> => {
      const query = { kind, name }
      const { result } = await ask<DefinitionShown[]>('GET', at(id, '/definitions'), { signal, query })
      return result[0]?.definition ?? null
    },
    placeholderData: () => undefined,
  })

const MOST_HELD = 200

/** What waits for a decision; where that is more than a page, the rest comes when these are decided. */
export const heldQuery = (id: string) =>
  queryOptions({
    queryKey: ['servers', id, 'held'],
    queryFn: ({ signal }) =>
      ask<DefinitionShown[], { total_count: number }>('GET', at(id, '/definitions'), {
        signal,
        query: { state: 'held', per_page: MOST_HELD },
      }),
  })

export const processesQuery = (id: string) =>
  queryOptions({
    queryKey: ['servers', id, 'processes'],
    queryFn: async ({ signal }) => (await ask<ProcessShown[]>('GET', at(id, '/processes'), { signal })).result,
    refetchInterval: OFTEN_MS * 2,
  })

/** Goes out to the address, so it is asked anew each time and never by itself. */
export const probeServer = (body: ServerProbe, signal?: AbortSignal) =>
  ask<ProbeShown>('POST', `${SERVERS}/probe`, { body, ...(signal === undefined ? {} : { signal }) })

export const createServer = (body: ServerCreate) => ask<ServerShown>('POST', SERVERS, { body })
export const updateServer = (id: string, body: ServerUpdate) =>
  ask<ServerShown>('PUT', at(id), { body, query: { detail: 'counts' } })
export const deleteServer = (id: string) => ask<ServerShown>('DELETE', at(id))
export const syncServer = (id: string) => ask<SyncShown>('POST', at(id, '/sync'))
/** @param scope what is asked for beyond what was asked for first, or the empty string */
export const authorizeServer = (id: string, scope: string) =>
  ask<AuthorizeShown>('POST', at(id, '/authorize'), { body: scope === '' ? {} : { scope } })
export const connectionsQuery = (id: string) =>
  queryOptions({
    queryKey: ['servers', id, 'connections'],
    queryFn: async ({ signal }) =>
      (await ask<ConnectionShown[]>('GET', at(id, '/connections'), { signal, query: { per_page: 1000 } })).result,
  })
export const endConnection = (id: string, connection: string) =>
  ask<ConnectionShown>('DELETE', at(id, `/connections/${part(connection)}`))
export const decideDefinitions = (id: string, verdict: 'approve' | 'reject', body: DefinitionChoices) =>
  ask<DefinitionDecided[]>('POST', at(id, `/definitions/${verdict}`), { body })
