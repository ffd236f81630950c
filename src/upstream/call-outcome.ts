/** What a call that has ended says of its server, and how the audit names what it carried. */
import type { LiveCredential } from './connections/model.ts'
import { renewedName } from './connections/resolve.ts'
import type { Exchange } from './exchange.ts'
import { ADMIN } from './inventory-store.ts'
import type { Trouble } from './trouble.ts'

/** As the audit has it for this call. */
export function carried(name: string, { isRenewed }: Exchange): string {
  return isRenewed ? renewedName(name) : name
}

/** How one person's account fares says nothing about the server. */
export function isCommon({ inventory }: LiveCredential): boolean {
  return inventory === ADMIN
}

/** Troubles of one call say something about the server only when the server could not be talked to. */
export function isHintOfTrouble(trouble: Trouble): boolean {
  return trouble.kind === 'unsent' || trouble.kind === 'status' || trouble.kind === 'not-ready'
}
