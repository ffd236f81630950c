/**
 * Telling a server who calls, in the header that it asked for. The statement is made for one principal and one server; it goes with the
 * requests of that principal's calls and no others, so on a shared connection each call carries its own. What the portal itself asks
 * (handshakes, lists, streams) speaks of the portal, or of the one principal that a connection belongs to.
 */
import type { Principal } from '../base/principal.ts'
import type { Exchange } from './exchange.ts'
import type { AssertFor } from './model.ts'
import type { ServerSetup } from './setup.ts'
import { Trouble } from './trouble.ts'

export interface IdentityHeader {
  /** Lower case. */
  readonly name: string
  /**
   * Notes on the exchange what it was given, so that it can be taken out of what comes back.
   *
   * @throws Trouble `not-ready`, or rejects with it, where nothing can be signed: then nothing is sent
   */
  valueFor(exchange: Exchange): string | Promise<string>
  /** For requests that are no exchange: streams, and the end of a session. */
  ownValue(): string | Promise<string>
}

/**
 * @param alone whose connection it is, or null where several share it
 * @returns null for a server that does not ask
 */
export function identityHeaderOf(
  { record }: Pick<ServerSetup, 'record'>,
  alone: Principal | null,
  assertFor: AssertFor,
): IdentityHeader | null {
  const { identityWish: wish, uid } = record
  if (wish === null) return null
  const about = { uid, claims: wish.claims }
  const statementOf = (principal: Principal | null): string | Promise<string> => {
    try {
      const value = assertFor(principal, about)
      return typeof value === 'string' ? value : value.catch(unsigned)
    } catch (error) {
      return unsigned(error)
    }
  }
  return {
    name: wish.header.toLowerCase(),
    valueFor(exchange) {
      const value = statementOf(exchange.out.principal ?? alone)
      if (typeof value === 'string') {
        note(exchange, value)
        return value
      }
      return value.then((text) => {
        note(exchange, text)
        return text
      })
    },
    ownValue: () => statementOf(alone),
  }
}

/** One call may bring several: each try, and each answer to a question of the server's, has one that is good at its time. */
function note(exchange: Exchange, statement: string): void {
  if (!exchange.stated.includes(statement)) exchange.stated = [...exchange.stated, statement]
}

/** A server that asks who calls is never called without an answer. */
function unsigned(cause: unknown): never {
  const hint =
    '{server} is told who calls, and the portal cannot sign that right now. Nothing was sent; try again in a moment.'
  throw new Trouble('not-ready', 'no statement could be signed', { hint, cause })
}
