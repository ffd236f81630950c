/**
 * Who owns which public name in one portal. Computed once a portal over all its servers, never per caller: a name that
 * belonged to whoever the caller can see could be captured by an evil server the moment the rightful one is denied,
 * switched off or down.
 *
 * Rules, in order:
 * 1. The public name is `{server_id}_{tool}`; an alias replaces the tool part. Public names are exact keys and are never split.
 * 2. `portal` and `portal_*` are reserved for the portal itself.
 * 3. A name longer than 64 characters is shortened and ends in 48 bits of hash over (server id, original name).
 * 4. Where `git` offers `hub_x` and `git_hub` is a server too, `git_hub_x` is in the longer server's name space, whether
 *    or not that server has, hides or denies an `x`. `git`'s tool gets the hash suffix.
 * 5. Of several claims to one name the longest server id wins, then portal order. The others get the hash suffix; who
 *    still collides is dropped and reported.
 * 6. The bare original name belongs to its first bearer in portal order, even while that one is hidden; public names and
 *    the name space of any server come first. A later bearer has no bare name, and that is reported.
 */
import { createHash } from 'node:crypto'
import { areSame } from './remembered.ts'

export const LONGEST_NAME = 64
const HASH_DIGITS = 12

export interface NamedServer {
  id: string
  /** In the upstream's order. */
  items: readonly { original: string; alias: string | null }[]
}

export interface Claim {
  /** Index into the servers as given. */
  server: number
  /** Index into that server's items. */
  item: number
}

export interface Names {
  /** Public name to owner, in portal order. */
  public: ReadonlyMap<string, Claim>
  /** What lost its public name, in words for the admin. */
  reports: readonly string[]
}

export interface BareNames {
  /** Bare original name to owner. */
  bare: ReadonlyMap<string, Claim>
  reports: readonly string[]
}

export function isReserved(name: string): boolean {
  return name === 'portal' || name.startsWith('portal_')
}

/** @param settled what is remembered of earlier times, where names are settled again and again */
export function nameAll(servers: readonly NamedServer[], settled: SettledNames = new SettledNames()): Names {
  const { byServer, reports } = settled.settle(servers)
  const owners = new Map<string, Claim>()
  byServer.forEach((names, server) => {
    names.forEach((name, item) => {
      if (name !== null) owners.set(name, { server, item })
    })
  })
  return { public: owners, reports }
}

/**
 * The public name that one more capability of a server would have, before anybody asks whether it is free (rules 1 to 4).
 *
 * @param ids of all servers of the portal
 * @returns null where the name is reserved
 */
export function usualName(
  ids: ReadonlySet<string>,
  id: string,
  { original, alias }: { original: string; alias: string | null },
): string | null {
  const plain = `${id}_${alias ?? original}`
  const name = plain.length > LONGEST_NAME || trespasses(plain, id, ids) ? withHash(plain, id, original) : plain
  return isReserved(name) ? null : name
}

/** By item of one server: its public name, or null where it has none. */
export type ItemNames = readonly (string | null)[]

interface Family {
  members: readonly NamedServer[]
  names: readonly ItemNames[]
  reports: readonly string[]
}

/**
 * Whose names can meet at all is a family: every name begins with its server's id and separator, so those of two servers only
 * meet where one such beginning begins with the other. Nearly all servers are families of their own. Families whose members
 * are the same objects as the last time are not settled again.
 */
export class SettledNames {
  #families = new Map<string, Family>()

  /** @returns names by server, and what lost one; a server's names are the same object as before where nothing was settled anew */
  settle(servers: readonly NamedServer[]): { byServer: readonly ItemNames[]; reports: readonly string[] } {
    const byServer: ItemNames[] = []
    const reports: string[] = []
    const families = new Map<string, Family>()
    for (const [root, places] of familiesOf(servers)) {
      const members = places.map((place) => servers[place] as NamedServer)
      const known = this.#families.get(root)
      const family = known !== undefined && areSame(known.members, members) ? known : nameTogether(members)
      families.set(root, family)
      reports.push(...family.reports)
      places.forEach((place, at) => {
        byServer[place] = family.names[at] ?? []
      })
    }
    this.#families = families
    return { byServer, reports }
  }
}

/** What every public name of a server begins with, also a shortened one. */
function beginningOf(id: string): string {
  return `${id}_`.slice(0, LONGEST_NAME - HASH_DIGITS - 1)
}

/** By the shortest beginning of each family, its servers' places, in portal order. */
function familiesOf(servers: readonly NamedServer[]): Map<string, number[]> {
  const beginnings = servers.map(({ id }, place) => ({ beginning: beginningOf(id), place }))
  // What begins with a text stands behind it, with nothing in between that does not.
  beginnings.sort((a, b) => compare(a.beginning, b.beginning) || a.place - b.place)
  const families = new Map<string, number[]>()
  let root: string | null = null
  for (const { beginning, place } of beginnings) {
    if (root === null || !beginning.startsWith(root)) root = beginning
    const places = families.get(root)
    if (places === undefined) families.set(root, [place])
    else places.push(place)
  }
  for (const places of families.values()) places.sort((a, b) => a - b)
  return families
}

function compare(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1
}

/** The names of servers that are settled as if all of them could meet. */
export function nameTogether(members: readonly NamedServer[]): Family {
  const claims = claimAll(members)
  const reports: string[] = []
  settle(claims, reports)
  const names: (string | null)[][] = members.map(() => [])
  for (const { server, item, name } of claims) (names[server] as (string | null)[])[item] = name
  return { members, names, reports }
}

interface Candidate extends Claim {
  id: string
  original: string
  /** Null once it lost to the end. */
  name: string | null
  /** The name already carries the hash: shortened, or moved out of another server's name space. */
  hashed: boolean
}

function claimAll(servers: readonly NamedServer[]): Candidate[] {
  const ids = new Set(servers.map((server) => server.id))
  const claims: Candidate[] = []
  servers.forEach(({ id, items }, server) => {
    const borders = servers.some((other) => other.id.startsWith(`${id}_`))
    items.forEach(({ original, alias }, item) => {
      const plain = `${id}_${alias ?? original}`
      const hashed = plain.length > LONGEST_NAME || (borders && trespasses(plain, id, ids))
      claims.push({ server, item, id, original, name: hashed ? withHash(plain, id, original) : plain, hashed })
    })
  })
  return claims
}

/** Whether the name also begins with a longer server's id and separator (rule 4). */
function trespasses(name: string, id: string, ids: ReadonlySet<string>): boolean {
  for (let at = name.indexOf('_', id.length + 1); at !== -1; at = name.indexOf('_', at + 1)) {
    if (ids.has(name.slice(0, at))) return true
  }
  return false
}

function withHash(plain: string, id: string, original: string): string {
  const hash = createHash('sha256').update(`${id}\0${original}`).digest('hex').slice(0, HASH_DIGITS)
  return `${plain.slice(0, LONGEST_NAME - HASH_DIGITS - 1)}_${hash}`
}

/** Gives each claim its final name, or none. */
function settle(claims: readonly Candidate[], reports: string[]): void {
  const owners = new Map<string, Candidate>()
  const losers: { claim: Candidate; wanted: string }[] = []
  for (const claim of claims) {
    const { name } = claim
    if (name === null) continue
    if (isReserved(name)) {
      reports.push(`${claim.id}: "${claim.original}" was dropped, its name is reserved`)
      claim.name = null
      continue
    }
    const owner = owners.get(name)
    if (owner === undefined || outranks(claim, owner)) owners.set(name, claim)
    if (owner !== undefined) losers.push({ claim: outranks(claim, owner) ? owner : claim, wanted: name })
  }
  for (const { claim, wanted } of losers) rename(claim, wanted, owners, reports)
}

/** A hashed name goes first: its 48 bits are computed over exactly that tool, so a literal bearer is a coincidence or an attack. */
function outranks(claim: Candidate, owner: Candidate): boolean {
  if (claim.hashed !== owner.hashed) return claim.hashed
  return claim.id.length > owner.id.length
}

function rename(claim: Candidate, wanted: string, owners: Map<string, Candidate>, reports: string[]): void {
  const name = withHash(wanted, claim.id, claim.original)
  if (owners.has(name)) {
    reports.push(`${claim.id}: "${claim.original}" was dropped, "${wanted}" belongs to another capability`)
    claim.name = null
    return
  }
  reports.push(`${claim.id}: "${claim.original}" is offered as "${name}", because "${wanted}" was taken`)
  claim.name = name
  owners.set(name, claim)
}

/**
 * Who owns the bare names. Apart from `nameAll`, because only a caller that uses one needs to know.
 *
 * @param names what `nameAll` said of the same servers
 */
export function nameBare(
  servers: readonly NamedServer[],
  names: { public: { has(name: string): boolean } },
): BareNames {
  const ids = new Set(servers.map((server) => server.id))
  const bare = new Map<string, Claim>()
  const reports: string[] = []
  servers.forEach(({ id, items }, server) => {
    items.forEach(({ original }, item) => {
      if (isReserved(original) || names.public.has(original) || trespasses(original, '', ids)) return
      if (bare.has(original)) reports.push(`${id}: the bare name "${original}" belongs to an earlier server`)
      else bare.set(original, { server, item })
    })
  })
  return { bare, reports }
}
