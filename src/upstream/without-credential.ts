/**
 * Calls of nobody who signed in: whom only a bypass policy let in is lent no credential that the portal holds. They have connections of
 * their own, so that none rides on a session that was opened with one.
 */
import type { Keeper } from './connections/keeper.ts'
import type { LiveCredential, Witness } from './connections/model.ts'
import { closed } from './connections/resolve.ts'
import { fixedCredential, NOBODYS_KEY } from './credentials.ts'
import type { UpstreamCall } from './model.ts'
import type { ServerSetup } from './setup.ts'

const WITHOUT: LiveCredential = { ...fixedCredential('none', []), poolKey: NOBODYS_KEY }

/** What a call carries. @throws ConnectionNeeded, Trouble */
export function credentialFor(
  keeper: Pick<Keeper, 'resolve'>,
  setup: ServerSetup,
  {
    withoutCredential: isWithout,
    principal,
    onBehalf,
  }: Pick<UpstreamCall, 'withoutCredential' | 'principal' | 'onBehalf'>,
  witness: Witness,
): LiveCredential | Promise<LiveCredential> {
  return isWithout ? withoutCredential(setup) : keeper.resolve(setup, principal, onBehalf, witness)
}

/** @throws Trouble where the server itself runs with secrets: what a child has in its environment, every caller of it uses */
function withoutCredential({ transport }: Pick<ServerSetup, 'transport'>): LiveCredential {
  if (transport !== null && Object.keys(transport.env).length > 0) throw closed(LENT_NONE)
  return WITHOUT
}

const LENT_NONE =
  '{server} runs with credentials, and callers who have not signed in are lent none. Sign in, or ask an administrator.'
