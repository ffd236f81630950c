/**
 * A Fault is the world failing: an upstream, the database, a time limit. It is thrown, and only the door gives it a wire form.
 * `message` is public: it reaches a client and a model, so it says what to do next and never holds a secret, an
 * address or an upstream's own text. What really happened is `cause`, which only the log sees.
 */
export type FaultCode =
  | 'upstream-unreachable'
  | 'upstream-lost'
  | 'upstream-timeout'
  | 'upstream-refused-credential'
  | 'upstream-bad-answer'
  | 'upstream-not-ready'
  | 'upstream-busy'
  | 'portal-loop'
  | 'audit-unavailable'
  | 'store-unavailable'
  | 'cancelled'

export class Fault extends Error {
  readonly code: FaultCode

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
