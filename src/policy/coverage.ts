/**
 * Which policies speak of which capability: the same for every caller, so it is worked out once for a portal. Capabilities
 * of which the same policies speak share a scope, and a decision is made once a scope, not once a tool.
 */
import { type AddressIndex, openAddressIndex } from './address-index.ts'
import type { Parts } from './decide.ts'
import type { Capability, Policy } from './model.ts'

export interface Scope {
  /** Index of the scope in its coverage; scopes are never taken away. */
  readonly id: number
  /** Index of the server in portal order. */
  readonly server: number
  /** The portal's policies that speak of these capabilities, or of everything. */
  readonly portal: readonly Policy[]
  /** The server's own; null where it has none, and the portal's decide alone. Empty lets nobody in. */
  readonly own: readonly Policy[] | null
  /** Of each of those policies, the parts that cover these capabilities, so that no pattern is looked at twice. */
  readonly parts: { readonly portal: readonly Parts[]; readonly own: readonly Parts[] }
  /** Some rule looks at arguments, so they are held to the tool's schema. */
  readonly readsArguments: boolean
  /** Some rule looks at what was called before. */
  readonly readsFlow: boolean
}

export interface Coverage {
  scopeOf(capability: Capability): Scope
  readonly scopes: readonly Scope[]
  /** Of the portal's policies. */
  readonly index: AddressIndex
}

/** Those of a list that speak of a capability. */
interface Covering {
  policies: readonly Policy[]
  parts: readonly Parts[]
  /** Which parts of which policies: one part may look at arguments where another does not. */
  key: string
}

type Cover = (capability: Capability) => Covering

/** @param servers the own policies of each server, in portal order; null where it has none */
export function openCoverage(portal: readonly Policy[], servers: readonly (readonly Policy[] | null)[]): Coverage {
  const scopes: Scope[] = []
  const byKey = new Map<string, Scope>()
  const ofPortal = openCover(portal)
  const ofServers = servers.map((own) => openCover(own ?? []))
  // Nearly always no policy has a reach, and then there is one scope a server.
  const whole = new Map<number, Scope>()

  function make(key: string, scope: Omit<Scope, 'id'>): Scope {
    const made = { ...scope, id: scopes.length }
    scopes.push(made)
    byKey.set(key, made)
    return made
  }

  return {
    scopes,
    index: openAddressIndex(portal),
    scopeOf(capability) {
      const { server } = capability
      const known = whole.get(server)
      if (known !== undefined) return known
      const own = servers[server] ?? null
      const atPortal = ofPortal(capability)
      const atServer = (ofServers[server] ?? openCover([]))(capability)
      const key = `${server} ${atPortal.key} ${atServer.key}`
      const scope = byKey.get(key) ?? make(key, scopeWith(server, own, atPortal, atServer))
      if (hasNoReach(portal) && hasNoReach(own ?? [])) whole.set(server, scope)
      return scope
    },
  }
}

function scopeWith(
  server: number,
  own: readonly Policy[] | null,
  atPortal: Covering,
  atServer: Covering,
): Omit<Scope, 'id'> {
  const reaches = [...atPortal.parts, ...atServer.parts].flatMap((parts) => parts ?? [])
  return {
    server,
    portal: atPortal.policies,
    own: own === null ? null : atServer.policies,
    parts: { portal: atPortal.parts, own: atServer.parts },
    readsArguments: reaches.some(({ readsArguments }) => readsArguments),
    readsFlow: reaches.some(({ flowWindow }) => flowWindow !== null),
  }
}

function hasNoReach(policies: readonly Policy[]): boolean {
  return policies.every(({ reach }) => reach === null)
}

/** Of ten thousand policies only those are looked at, for each capability, that speak of its server at all. */
function openCover(policies: readonly Policy[]): Cover {
  const byServer = new Map<string, readonly number[]>()
  function relevant(serverId: string): readonly number[] {
    const known = byServer.get(serverId)
    if (known !== undefined) return known
    const found = [...policies.keys()].filter((at) => {
      const reach = policies[at]?.reach ?? null
      return reach === null || reach.some((one) => one.speaksOf(serverId))
    })
    byServer.set(serverId, found)
    return found
  }
  return (capability) => {
    const covering: Policy[] = []
    const parts: Parts[] = []
    let key = ''
    for (const at of relevant(capability.serverId)) {
      const policy = policies[at] as Policy
      const { reach } = policy
      let mark = ''
      const own = reach?.filter((one, part) => {
        const isCovered = one.covers(capability)
        if (isCovered) mark += `+${part}`
        return isCovered
      })
      if (own?.length === 0) continue
      if (own !== undefined) key += `,${at}${mark}`
      covering.push(policy)
      parts.push(own ?? null)
    }
    return { policies: covering, parts, key }
  }
}
