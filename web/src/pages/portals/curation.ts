/** What a portal offers of its servers: each tool and prompt, as the server has it, as the server's page changed it, as the portal does. */
import type { MappingInput, PortalServerShown, PortalShown } from '../../../../src/contract/portal.ts'
import type { ServerShown } from '../../../../src/contract/server.ts'

export type Kind = 'tool' | 'prompt'

export interface Offer {
  /** Of one portal. */
  key: string
  kind: Kind
  server: string
  serverName: string
  /** The server's own name of it. */
  original: string
  /** What clients are shown, where nothing else claims it. */
  shown: string
  description: string
  /** As the server tells it. */
  told: string
  /** What a search looks in. */
  words: string
  isOn: boolean
  /** What the portal says, and nothing where it leaves it as it is. */
  own: { enabled?: boolean | undefined; alias?: string | undefined; description?: string | undefined }
  /** What holds where the portal says nothing. */
  below: { isOn: boolean; alias: string | null }
  /** The server does not have it any more, and the portal still speaks of it. */
  isGone: boolean
}

interface Definition {
  name?: unknown
  description?: unknown
}

interface Said {
  name: string
  enabled?: boolean | undefined
  alias?: string | undefined
  portal_alias?: string | undefined
  portal_description?: string | undefined
}

interface Behind {
  /** The portal's servers with what they call their tools and prompts. */
  offered: readonly Pick<PortalServerShown, 'server_id' | 'tools' | 'prompts'>[]
  /** With what their own pages changed; without them, that is not counted. */
  servers: readonly ServerShown[]
}

export function offersOf({ servers: mapped }: Pick<PortalShown, 'servers'>, { offered, servers }: Behind): Offer[] {
  const byId = new Map(servers.map((server) => [server.id, server]))
  const lists = new Map(offered.map((server) => [server.server_id, server]))
  return mapped.flatMap((server) => {
    const [below, list] = [byId.get(server.server_id), lists.get(server.server_id)]
    // One that was put in a moment ago is not asked about yet, and nothing of it is gone.
    if (list === undefined) return []
    const common = { server: server.server_id, serverName: server.name, isOff: server.default_disabled }
    return [
      ...offers('tool', common, list.tools, server.updated_tools ?? [], below?.updated_tools ?? []),
      ...offers('prompt', common, list.prompts, server.updated_prompts ?? [], below?.updated_prompts ?? []),
    ]
  })
}

function offers(
  kind: Kind,
  { server, serverName, isOff }: { server: string; serverName: string; isOff: boolean },
  definitions: readonly Definition[],
  atPortal: readonly Said[],
  atServer: readonly (Said & { description?: string | undefined })[],
): Offer[] {
  const portals = new Map(atPortal.map((one) => [one.name, one]))
  const servers = new Map(atServer.map((one) => [one.name, one]))
  const known = new Set(definitions.map(({ name }) => String(name)))
  const gone = atPortal.filter(({ name }) => !known.has(name)).map(({ name }) => ({ name, isGone: true }))
  return [...definitions.map((one) => ({ ...one, isGone: false })), ...gone].map((definition) => {
    const original = String(definition.name)
    const [own, under] = [portals.get(original), servers.get(original)]
    const told = 'description' in definition && typeof definition.description === 'string' ? definition.description : ''
    const alias = own?.portal_alias ?? under?.alias ?? null
    const isOnBelow = isOff ? false : (under?.enabled ?? true)
    const shown = `${server}_${alias ?? original}`
    const description = own?.portal_description ?? under?.description ?? told
    return {
      key: `${kind} ${server} ${original}`,
      ...{ kind, server, serverName, original, told, isGone: definition.isGone },
      ...{ shown, description, words: `${shown} ${original} ${description}`.toLowerCase() },
      isOn: own?.enabled ?? isOnBelow,
      own: { enabled: own?.enabled, alias: own?.portal_alias, description: own?.portal_description },
      below: { isOn: isOnBelow, alias: under?.alias ?? null },
    }
  })
}

export type Change = { enabled?: boolean | undefined; alias?: string | undefined; description?: string | undefined }

/**
 * @param change of each: what the portal shall say of it from now on; undefined takes a word back
 * @returns the servers with it, the others as they were
 */
export function withChange(
  servers: readonly MappingInput[],
  chosen: readonly Pick<Offer, 'kind' | 'server' | 'original' | 'below'>[],
  change: (offer: Pick<Offer, 'below'>, before: Change) => Change,
): MappingInput[] {
  return servers.map((server) => {
    const mine = chosen.filter((offer) => offer.server === server.server_id)
    if (mine.length === 0) return server
    const changed = { ...server }
    for (const [kind, field] of [
      ['tool', 'updated_tools'],
      ['prompt', 'updated_prompts'],
    ] as const) {
      const offers = mine.filter((offer) => offer.kind === kind)
      if (offers.length === 0) continue
      const said = new Map((server[field] ?? []).map(({ name, ...rest }) => [name, rest as Change]))
      for (const offer of offers) said.set(offer.original, change(offer, said.get(offer.original) ?? {}))
      changed[field] = [...said].flatMap(([name, one]) => (saysNothing(one) ? [] : [{ name, ...given(one) }]))
    }
    return changed
  })
}

function saysNothing({ enabled, alias, description }: Change): boolean {
  return enabled === undefined && alias === undefined && description === undefined
}

function given(change: Change): Change {
  return Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined))
}

/** Switched: where that is what holds anyway, the portal says nothing of it. */
export function switched(isOn: boolean) {
  return ({ below }: Pick<Offer, 'below'>, before: Change): Change => ({
    ...before,
    enabled: below.isOn === isOn ? undefined : isOn,
  })
}
