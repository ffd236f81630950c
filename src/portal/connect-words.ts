/**
 * What people and models are told of a connection that a call lacks. Scopes come from the server: only what RFC 6749 lets a
 * scope be is repeated, and not at any length.
 */
import { Fault } from '../base/fault.ts'
import type { ConnectionNeeded } from '../upstream/connections/model.ts'
import { connectUrl } from './connect-page.ts'
import type { Links } from './rooms.ts'

/** RFC 6749 section 3.3, and short enough to be read. */
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]{1,100}$/
const MOST_SCOPES = 12

/** @param granted what the connection has, separated by spaces; null where that is not known */
export function needOf(needed: ConnectionNeeded, granted: string | null): string {
  if (needed.need !== 'more-scope' || needed.scope === null) return needed.message
  const has = new Set(scopesOf(granted))
  const wanted = scopesOf(needed.scope).filter((scope) => !has.has(scope))
  if (wanted.length === 0) return needed.message
  const rest = wanted.length > MOST_SCOPES ? ` and ${wanted.length - MOST_SCOPES} more` : ''
  return `${needed.message} It asks for: ${wanted.slice(0, MOST_SCOPES).join(', ')}${rest}.`
}

/** Each scope once; what is none is left out. */
export function scopesOf(scope: string | null): string[] {
  return [...new Set(scope?.split(' '))].filter((one) => SCOPE.test(one))
}

/** For the person who is asked. @param isAgain the same was asked before, and is not done yet */
export function questionOf(need: string, isAgain: boolean): string {
  const after = 'As soon as that is done, what was asked for goes on by itself.'
  return isAgain ? `Still waiting for you to finish on the page. ${need} ${after}` : `${need} ${after}`
}

/** For whoever cannot ask a person. */
export function withLink(needed: ConnectionNeeded, links: Links, sentence: string = needed.message): Fault {
  return endOf(needed, `${sentence} Open ${connectUrl(links, needed.server)}`)
}

/** The person was asked, and will not. @param said whether they said so */
export function unwilling(needed: ConnectionNeeded, said: boolean): Fault {
  const why = said ? 'The user said no' : 'The user closed the question without an answer'
  return endOf(needed, `${needed.message} ${why}, and nothing was done. Try again only if they ask for it.`)
}

/** Nobody connected in time. */
export function tooLate(needed: ConnectionNeeded, links: Links): Fault {
  return withLink(needed, links, `${needed.message} Nobody did so in time; once it is done, call again.`)
}

/** What was asked for was given, and given again, and does not help. */
export function unavailing(needed: ConnectionNeeded): Fault {
  const { name } = needed.server
  const what =
    needed.need === 'more-scope'
      ? `${name} asks for more rights although they were given twice during this call.`
      : `${name} does not take the connection that was just made for it.`
  return endOf(needed, `${what} Ask an administrator to look at this server.`)
}

/** A fault of the same kind that names the same credential. */
function endOf(needed: ConnectionNeeded, sentence: string): Fault {
  const fault = new Fault(needed.code, sentence, needed)
  fault.credential = credentialOf(needed)
  return fault
}

/** What the audit writes for a call that ended for want of this. */
export function credentialOf(needed: ConnectionNeeded): string {
  return needed.credential ?? 'oauth:user:none:missing'
}
