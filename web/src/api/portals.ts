/** The portals, as the REST API has them, and what was asked through each. */
import { queryOptions } from '@tanstack/react-query'
import type {
  MappingInput,
  PortalCreate,
  PortalServerShown,
  PortalShown,
  PortalSummary,
  PortalUpdate,
} from '../../../src/contract/portal.ts'
import type { ShownContext } from '../../../src/contract/shown-context.ts'
import { ask, part, type Told } from './ask.ts'

const MCP = '/access/ai-controls/mcp'
const PORTALS = `${MCP}/portals`
const at = (id: string) => `${PORTALS}/${part(id)}`

/** What shows portals is read again after a change of one, and what their servers offer where one was put in. */
export const PORTAL_READS = [['portals']] as const
export const SERVERS_OF_PORTAL_READS = [...PORTAL_READS, ['offered']] as const

/** There may be ten thousand tools behind one: only what looks at tools asks for them. */
const COUNTS = { detail: 'counts' } as const

export const portalsQuery = queryOptions({
  queryKey: ['portals'],
  queryFn: async ({ signal }) =>
    (await ask<PortalSummary[]>('GET', PORTALS, { signal, query: { per_page: 1000, summary: true } })).result,
})

/** Without its tools and prompts. With what the portal has to report of it, such as names that two servers want. */
export const portalQuery = (id: string) =>
  queryOptions({
    queryKey: ['portals', 'one', id],
    queryFn: ({ signal }) => ask<PortalShown>('GET', at(id), { signal, query: COUNTS }),
  })

/**
 * What the servers of a portal call their tools and prompts, and say of them. It is read again when servers come or go, and not for each
 * change of what the portal itself says of one.
 */
export const offeredQuery = (id: string) =>
  queryOptions({
    queryKey: ['offered', id],
    queryFn: async ({ signal }) =>
      (await ask<PortalShown>('GET', at(id), { signal, query: { detail: 'brief' } })).result.servers,
    // To compare so much with what was there takes longer than to draw the few rows that are seen.
    structuralSharing: false,
    placeholderData: () => undefined,
  })

export const createPortal = (body: PortalCreate) => ask<PortalShown>('POST', PORTALS, { body })
export const deletePortal = (id: string) => ask('DELETE', at(id))
export const updatePortal = (id: string, body: PortalUpdate) => ask<PortalShown>('PUT', at(id), { body, query: COUNTS })

/**
 * Lists are replaced as they are sent; so the change is made to what is there now and not to what was shown minutes ago.
 *
 * @param change gets the servers as they are, and gives them as they shall be
 */
export async function changeServers(
  id: string,
  change: (servers: MappingInput[]) => MappingInput[],
): Promise<Told<PortalShown>> {
  const { result } = await ask<PortalShown>('GET', at(id), { query: COUNTS })
  return updatePortal(id, { servers: change(result.servers.map(toMapping)) })
}

function toMapping(server: PortalServerShown): MappingInput {
  const { server_id, default_disabled, on_behalf, updated_tools, updated_prompts } = server
  const own = (list: typeof updated_tools) =>
    list?.map(({ name, enabled, portal_alias, portal_description }) => ({
      name,
      ...(enabled === undefined ? {} : { enabled }),
      ...(portal_alias === undefined ? {} : { alias: portal_alias }),
      ...(portal_description === undefined ? {} : { description: portal_description }),
    })) ?? null
  return {
    ...{ server_id, default_disabled, on_behalf },
    ...{ updated_tools: own(updated_tools), updated_prompts: own(updated_prompts) },
  }
}

/** @param user a person's id or address */
export const contextQuery = (id: string, user: string) =>
  queryOptions({
    queryKey: ['portals', 'context', id, user],
    queryFn: async ({ signal }) =>
      (await ask<ShownContext>('GET', `${at(id)}/context`, { signal, query: { user } })).result,
    enabled: user !== '',
  })

/** One row of the audit, as far as the page of a portal shows it. */
export interface Asked {
  seq: number
  at: string
  method: string
  capability: string | null
  server: string | null
  outcome: string | null
  error: string | null
  client_name?: string
  client_version: string | null
  actor: { kind: string; label: string }
}

interface Lately {
  rows: readonly Asked[]
  /** Everything up to here has been looked at. */
  seen: string | null
  /** Nothing older was left unread. */
  isWhole: boolean
}

const MOST_LATELY = 8
const MOST_AT_ONCE = 200
const POLL_MS = 2500

/**
 * What clients asked of a portal lately, the newest first, as it comes in. Only the first look goes back in the audit; later ones
 * begin where the last ended, so that a portal to which nobody came costs no search through everything.
 */
export const latelyQuery = (id: string) =>
  queryOptions({
    queryKey: ['portals', 'lately', id],
    queryFn: async ({ signal, client, queryKey }): Promise<Lately> => {
      const before = client.getQueryData<Lately>(queryKey)
      const { newest } = await logs({ limit: 1 }, signal)
      const about = { portal: id, plane: 'mcp', phase: 'ended' }
      if (before?.seen == null) {
        // Of a million rows, one that looks for what is not there would read all.
        const { rows, whole } = await logs({ ...about, limit: MOST_LATELY, partial: 'true' }, signal)
        return { rows, seen: newest, isWhole: whole }
      }
      const fresh = await logs({ ...about, limit: MOST_AT_ONCE, after: before.seen }, signal)
      const known = new Set(before.rows.map(({ seq }) => seq))
      const rows = [...fresh.rows.filter(({ seq }) => !known.has(seq)).toReversed(), ...before.rows]
      // Where more came than was asked for, the rest comes the next time.
      return {
        rows: rows.slice(0, MOST_LATELY),
        seen: fresh.rows.length < MOST_AT_ONCE ? newest : fresh.newest,
        isWhole: before.isWhole,
      }
    },
    refetchInterval: POLL_MS,
    staleTime: 0,
  })

async function logs(query: Record<string, string | number>, signal: AbortSignal) {
  const { result, info } = await ask<Asked[], { cursors: { after: string | null }; whole: boolean }>(
    'GET',
    `${MCP}/logs`,
    {
      ...{ query, signal },
    },
  )
  return { rows: result, newest: info.cursors.after, whole: info.whole }
}

export interface PolicyName {
  id: string
  name: string
  decision: string
}

/** Policies that may be put on a portal. */
export const choosablePoliciesQuery = queryOptions({
  queryKey: ['policies', 'choosable'],
  queryFn: async ({ signal }) =>
    (await ask<PolicyName[]>('GET', '/access/policies', { signal, query: { per_page: 1000 } })).result,
})
