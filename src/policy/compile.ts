/**
 * Decisions for one principal in one portal, made once and looked up by server afterwards: the hot path never walks a
 * rule. Good until the policies, or what they are attached to, change.
 */
import type { ServerUid } from '../base/ids.ts'
import type { Principal } from '../base/principal.ts'
import { type Decision, decide, type Policy } from './decide.ts'

export interface Gate {
  uid: ServerUid
  /** The server's own policies; where it has none, the portal's decide alone. */
  policies: readonly Policy[]
}

export interface Access {
  /** May the principal enter the portal at all? */
  enter: Decision
  /** By server: the portal's policies and the server's own, both must allow. */
  servers: ReadonlyMap<ServerUid, Decision>
}

export function compileAccess(portal: readonly Policy[], servers: readonly Gate[], principal: Principal): Access {
  const enter = decide(portal, principal)
  const map = new Map<ServerUid, Decision>()
  for (const server of servers) {
    const own = server.policies.length === 0 ? enter : decide(server.policies, principal)
    map.set(server.uid, enter.allow ? own : enter)
  }
  return { enter, servers: map }
}
