/**
 * Where a server may be. What can be said of an address as it is written is said here, to whoever writes it; what its name
 * leads to is judged when it is dialled, each time. Opening an inner address is the owner's alone: whoever may do it can
 * make the portal speak to anything in its network.
 */
import { type Denial, parsePlace } from '../base/destination.ts'
import type { Egress } from '../base/egress.ts'
import type { Operator } from '../base/principal.ts'
import { type ApiRefusal, forbidden, invalid } from './refusal.ts'

const OPENED =
  'To allow it all the same, name its host and port in allow_private: in the configuration file, or with an owner token that has no scopes'

const WHY: Readonly<Record<Denial, string>> = {
  scheme: 'must begin with http:// or https://',
  user: 'must have no user or password: give them as auth_credentials',
  port: 'has a port that is for something else than HTTP; no setting opens it',
  self: 'is this portal itself, which cannot stand behind itself',
  loopback: `is this machine, which is closed because others can reach the portal. ${OPENED}`,
  private: `is inside a private network. ${OPENED}`,
  'link-local': 'is a link-local address, where clouds give machines their secrets; no setting opens it',
  metadata: 'is where clouds give machines their secrets; no setting opens it',
  transition: 'is an IPv4 address in the form of an IPv6 one; give it as IPv4',
  reserved: 'is an address that no server has',
}

/** @throws ApiRefusal 400 where the address as it is written leads where this server must not be */
export function refuseDestination(
  egress: Pick<Egress, 'judge'>,
  hostname: string,
  allowPrivate: readonly string[],
  field = 'hostname',
): void {
  const allowed = allowPrivate.map(parsePlace).filter((place) => place !== null)
  const denial = egress.judge(new URL(hostname), allowed)
  if (denial !== null) throw invalid(field, WHY[denial])
}

/**
 * The configuration file does not come through here: who writes it runs the portal already.
 *
 * @param sent undefined where the request leaves it as it is
 * @throws ApiRefusal 403
 */
export function passAllowGate(
  operator: Operator,
  before: readonly string[],
  sent: readonly string[] | undefined,
): void {
  if (sent === undefined || JSON.stringify(sent) === JSON.stringify(before)) return
  // A narrowed owner token is in other hands than the owner's.
  if (operator.role === 'owner' && operator.scopes.length === 0) return
  throw notOwner()
}

function notOwner(): ApiRefusal {
  return forbidden(
    'allow_private opens addresses of the private network: set it with an owner token that has no scopes, or in the configuration file.',
  )
}
