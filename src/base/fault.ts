/**
 * A Fault is the world failing: an upstream, the database, a time limit. It is thrown, and only the door gives it a wire form.
 * `message` is public: it reaches a client and a model, so it says what to do next and never holds a secret, an
 * address or an upstream's own text. What really happened is `cause`, which only the log sees.
 */

/** The closed list, in the words of the reference (Markdown). */
export const FAULTS = {
  'upstream-unreachable': {
    what: "nobody answers at the server's address, or the server did not answer of late and is left alone until it does; nothing was sent",
    todo: 'try again, in the time that it says where it says one; see that the server runs',
  },
  'upstream-lost': {
    what: 'the connection broke during the call, or something in front of the server answered 502, 503 or 504 in its place',
    todo: 'see whether the call took effect before repeating it',
  },
  'upstream-timeout': {
    what: 'the server was silent for too long (60 seconds without progress, 10 minutes in all, or as its `deadlines` say)',
    todo: 'the same, or ask for less',
  },
  'upstream-refused-credential': {
    what: 'the server answered 401 or 403, and renewing the credential did not help',
    todo: "an admin renews the server's credential, or connects it again; for a person's own account, whoever runs the server gives it the right",
  },
  'upstream-not-connected': {
    what: "the server wants each person's own account, and this person has not connected one; nothing was sent",
    todo: 'the person opens the page that the message names, and connects',
  },
  'upstream-reconnect': {
    what: "the person's own connection to the server has ended: it was revoked, has expired, or the server moved; nothing was performed",
    todo: 'the person opens the page that the message names, and connects again',
  },
  'upstream-more-scope': {
    what: "the server wants more rights for this than the person's own connection has; nothing was performed",
    todo: 'the person opens the page that the message names, reads what is asked for, and agrees',
  },
  'upstream-bad-answer': {
    what: 'what came is not exactly one MCP answer to our request',
    todo: 'an admin looks at the server',
  },
  'upstream-not-ready': {
    what: 'the server lacks a credential, an exact version, or is gone',
    todo: 'the sentence says which',
  },
  'upstream-busy': {
    what: 'no room for another child process, or for another call on the connection to the server',
    todo: 'try again in a moment; raise `stdio.max_children`',
  },
  'portal-loop': {
    what: 'the call has gone through three portals already',
    todo: 'an admin sees whether a portal stands behind itself',
  },
  'audit-unavailable': {
    what: 'the audit cannot be written',
    todo: 'see the log; usually the disk is full or the database long away',
  },
  'store-unavailable': {
    what: 'the database does not answer, or a newer program has written it',
    todo: 'see the log',
  },
  cancelled: { what: 'the caller gave the call up', todo: 'nothing' },
} as const satisfies Readonly<Record<string, { what: string; todo: string }>>

export type FaultCode = keyof typeof FAULTS

export class Fault extends Error {
  readonly code: FaultCode
  /** The audit's name of the credential that was used, or is missing, where that is known. */
  credential: string | null = null

  /**
   * @param code which of the closed list
   * @param message one public sentence: what failed and what to do next
   * @param cause what really happened, for the log only
   */
  constructor(code: FaultCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'Fault'
    this.code = code
  }
}
