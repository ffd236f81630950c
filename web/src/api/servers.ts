/** The servers, as the REST API has them. */
import { queryOptions } from '@tanstack/react-query'
import type { ServerShown } from '../../../src/contract/server.ts'
import { ask, part } from './ask.ts'

const SERVERS = '/access/ai-controls/mcp/servers'

export const serversQuery = queryOptions({
  queryKey: ['servers'],
  queryFn: async ({ signal }) =>
    (await ask<ServerShown[]>('GET', SERVERS, { signal, query: { per_page: 1000 } })).result,
})

export const serverQuery = (id: string) =>
  queryOptions({
    queryKey: ['servers', id],
    queryFn: async ({ signal }) => (await ask<ServerShown>('GET', `${SERVERS}/${part(id)}`, { signal })).result,
  })
