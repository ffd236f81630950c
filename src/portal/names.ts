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

export function nameAll(servers: readonly NamedServer[]): Names {
  const reports: string[] = []
  return { public: settle(claimAll(servers), reports), reports }
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

/** Gives each claim its final name, or none. @returns the owners in portal order */
function settle(claims: readonly Candidate[], reports: string[]): Map<string, Candidate> {
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
  if (losers.length === 0) return owners
  for (const { claim, wanted } of losers) rename(claim, wanted, owners, reports)
  return new Map(claims.flatMap((claim) => (claim.name === null ? [] : [[claim.name, claim]])))
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
export function nameBare(servers: readonly NamedServer[], names: Names): BareNames {
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
