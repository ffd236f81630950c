/**
 * Requests without any credential, at portals that let some of them in: a `bypass` policy does, by where they come from. One address is one
 * caller, so that limits have somebody to count and a session belongs to somebody; of IPv6 it is the network, which one machine has for
 * itself. The address itself is no part of who it is: what is kept under the name gives none away.
 */
import { createHmac } from 'node:crypto'
import { networkOf } from '../audit/refusals.ts'
import type { Clock } from '../base/clock.ts'
import type { GrantId } from '../base/ids.ts'
import type { AnonymousPrincipal } from '../base/principal.ts'
import type { Authenticated } from '../identity/authenticate.ts'
import type { Origin } from '../policy/model.ts'
import type { AccessKeeper, Decided } from '../portal/access.ts'
import type { PortalSpec } from '../portal/spec.ts'

export interface Anonymous {
  /** @returns null where no bypass policy of this portal lets in who comes from there */
  admit(spec: PortalSpec, origin: Origin): Authenticated | null | Promise<Authenticated | null>
}

export interface AnonymousRooms {
  accesses: Pick<AccessKeeper, 'of'>
  clock: Clock
  /** 32 bytes, for this purpose alone; the same on all replicas. */
  key: Buffer
}

/** Callers, and decisions about them, that are in memory; anybody can be one. */
const KEPT = 10_000

interface Known {
  isAdmitted: boolean
  /** Milliseconds since 1970. */
  until: number
}

export function openAnonymous({ accesses, clock, key }: AnonymousRooms): Anonymous {
  const callers = new Map<string, Authenticated>()
  // By the portal as it is configured: with another configuration comes another object, and nothing of before counts.
  const decisions = new WeakMap<PortalSpec, Map<string, Known>>()

  function callerAt(ip: string): Authenticated {
    const address = ip.includes(':') ? networkOf(ip) : ip
    const known = callers.get(address)
    if (known !== undefined) return known
    const id = createHmac('sha256', key).update(address).digest('base64url').slice(0, 26)
    const principal: AnonymousPrincipal = {
      kind: 'anonymous',
      id,
      name: 'anonymous',
      grant: `anonymous:${id}` as GrantId,
    }
    return keep(callers, address, { principal, audience: null })
  }

  return {
    admit(spec, origin) {
      // Nearly every portal; then nobody without a credential costs anything.
      if (origin.ip === null || !spec.policies.some(({ decision }) => decision === 'bypass')) return null
      const caller = callerAt(origin.ip)
      const mine = decisions.get(spec) ?? new Map<string, Known>()
      decisions.set(spec, mine)
      const from = JSON.stringify(origin)
      const known = mine.get(from)
      if (known !== undefined && clock.now() < known.until) return known.isAdmitted ? caller : null
      const note = ({ access, until }: Decided): Authenticated | null => {
        const isAdmitted = access.enter.allow && access.enter.bypass
        keep(mine, from, { isAdmitted, until })
        return isAdmitted ? caller : null
      }
      const decided = accesses.of(spec, caller.principal, origin)
      return decided instanceof Promise ? decided.then(note) : note(decided)
    },
  }
}

/** The oldest goes. */
function keep<T>(kept: Map<string, T>, name: string, value: T): T {
  if (kept.size >= KEPT && !kept.has(name)) kept.delete(kept.keys().next().value ?? '')
  kept.set(name, value)
  return value
}
