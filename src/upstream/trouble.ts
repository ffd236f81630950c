/**
 * What can go wrong on the way to a server, before it is told to anybody. Inside this room troubles are exact (a status,
 * an errno), so that the pool can decide what may be tried again; at the rim each becomes a Fault whose sentence names
 * the server and nothing that the server said, or the details that the REST API shows to an admin.
 */
import { Fault, type FaultCode } from '../base/fault.ts'
import { type Challenge, ConnectionNeeded } from './connections/model.ts'
import type { ErrorDetails } from './model.ts'

export type TroubleKind =
  /** Nothing of the request reached the server. */
  | 'unsent'
  /** The connection or child went away after the request was handed to it. */
  | 'lost'
  | 'timeout'
  | 'cancelled'
  /** An HTTP status that carries no answer to the request. */
  | 'status'
  /** The server does not know our session (any more): nothing was performed. */
  | 'session-gone'
  | 'bad-answer'
  /** Too much at once: the cap of children or of calls in flight. */
  | 'busy'
  /** The way the server is set up cannot work: no credential, an unpinned package. */
  | 'not-ready'
  /** It did not answer of late: calls are not even tried until it answers a question of the portal's. */
  | 'left-alone'

export interface TroubleDetail {
  status?: number
  rpcCode?: number
  /** Of a 401 or 403: what the server asks for. */
  challenge?: Challenge
  /** A sentence of our own for whoever set the server up; `{server}` stands for its name. Callers see that of `not-ready` alone. */
  hint?: string
  /** Of `left-alone`: when the server is asked again, from now. */
  retryInMs?: number
  cause?: unknown
}

/** Thrown inside this room only. The message is for the log. */
export class Trouble extends Error {
  readonly kind: TroubleKind
  readonly status: number | null
  readonly rpcCode: number | null
  readonly challenge: Challenge | null
  readonly hint: string | null
  readonly retryInMs: number
  /** As the audit names it, where there is one that could not be used. */
  credential: string | null = null
  /** It happened while the connection was made: nothing of the request was sent. */
  isOpening = false

  constructor(kind: TroubleKind, message: string, detail: TroubleDetail = {}) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause })
    this.name = 'Trouble'
    this.kind = kind
    this.status = detail.status ?? null
    this.rpcCode = detail.rpcCode ?? null
    this.challenge = detail.challenge ?? null
    this.hint = detail.hint ?? null
    this.retryInMs = detail.retryInMs ?? 0
  }

  /** 401 and 403: our credential is at fault, never the caller's, whose token is the portal's. */
  get isCredential(): boolean {
    return this.kind === 'status' && (this.status === 401 || this.status === 403)
  }

  /** A proxy answered in the place of a server that is away. What was handed to it may have had an effect. */
  get isAway(): boolean {
    return this.kind === 'status' && (this.status === 502 || this.status === 503 || this.status === 504)
  }

  /** The statuses after which the next transport may be tried, and no other. */
  get isWrongTransport(): boolean {
    return this.kind === 'status' && (this.status === 404 || this.status === 405 || this.status === 406)
  }
}

/** Whatever was thrown, as a Trouble. The protocol room throws Faults of its own for what is no answer. */
export function troubleOf(error: unknown): Trouble {
  if (error instanceof Trouble) return error
  // The caller's own doing, which nobody here can mend.
  if (error instanceof ConnectionNeeded) throw error
  if (error instanceof Fault) return new Trouble('bad-answer', error.message, { cause: error })
  throw error
}

/** Marks what failed before anything of the request was sent. */
export function whileOpening(error: unknown): Trouble {
  const trouble = troubleOf(error)
  trouble.isOpening = true
  return trouble
}

/**
 * @param name the server's display name, which is public
 * @param isOwn the call carried the caller's own credential
 * @returns what the caller is told: what failed and what to do next
 */
export function faultOf(trouble: Trouble, name: string, isOwn = false): Fault {
  const [code, sentence] = isOwn && trouble.isCredential ? ownRefused(name) : publicSentence(trouble, name)
  return new Fault(code, sentence, trouble)
}

function ownRefused(name: string): [FaultCode, string] {
  const text = `${name} refused this to your own account there. Ask whoever runs ${name} for the right, or connect another account.`
  return ['upstream-refused-credential', text]
}

function publicSentence(trouble: Trouble, name: string): [FaultCode, string] {
  if (trouble.isCredential)
    return [
      'upstream-refused-credential',
      `${name} did not accept the portal's credential. Ask an administrator to renew it.`,
    ]
  if (trouble.isOpening && (trouble.kind === 'lost' || trouble.kind === 'timeout' || trouble.isAway)) {
    return ['upstream-unreachable', `${name} does not answer. Nothing was sent; try again in a moment.`]
  }
  if (trouble.isAway) {
    return [
      'upstream-lost',
      `${name} is away: something in front of it answered in its place. Check whether the call took effect before you repeat it.`,
    ]
  }
  switch (trouble.kind) {
    case 'unsent':
      return ['upstream-unreachable', `${name} cannot be reached. Nothing was sent; try again in a moment.`]
    case 'lost':
      return [
        'upstream-lost',
        `The connection to ${name} broke during the call. Check whether the call took effect before you repeat it.`,
      ]
    case 'timeout':
      return [
        'upstream-timeout',
        `${name} took too long. Check whether the call took effect before you repeat it, or ask for less.`,
      ]
    case 'cancelled':
      return ['cancelled', 'The call was cancelled.']
    case 'session-gone':
      return ['upstream-lost', `${name} ended its session. Nothing was performed; try again.`]
    case 'busy':
      return ['upstream-busy', `${name} has no room for another call right now. Try again in a moment.`]
    case 'not-ready':
      return [
        'upstream-not-ready',
        (trouble.hint ?? '{server} is not set up yet. Ask an administrator.').replaceAll('{server}', name),
      ]
    case 'left-alone': {
      const seconds = Math.max(1, Math.ceil(trouble.retryInMs / 1000))
      return [
        'upstream-unreachable',
        `${name} does not answer at present and is asked again in about ${seconds} s. Nothing was sent; try again then.`,
      ]
    }
    case 'status':
    case 'bad-answer':
      return [
        'upstream-bad-answer',
        `${name} answered with something that is not an MCP answer. Ask an administrator to check it.`,
      ]
  }
}

/** @returns one sentence and the fields for `error` and `error_details` of the REST API; no upstream text in either */
export function detailsOf(trouble: Trouble, name: string): { error: string; details: ErrorDetails } {
  const details: ErrorDetails = {
    retryable: trouble.kind !== 'not-ready' && !trouble.isCredential,
    is_upstream: trouble.kind !== 'busy' && trouble.kind !== 'not-ready',
    cause: trouble.kind,
  }
  if (trouble.status !== null) details.status_code = trouble.status
  if (trouble.rpcCode !== null) details.mcp_code = trouble.rpcCode
  return { error: adminSentence(trouble, name), details }
}

function adminSentence(trouble: Trouble, name: string): string {
  if (trouble.isCredential) return `${name} answered ${trouble.status}: check its credential.`
  if (trouble.status !== null) return `${name} answered HTTP ${trouble.status}: check its address.`
  if (trouble.rpcCode !== null) return `${name} answered with JSON-RPC error ${trouble.rpcCode}.`
  switch (trouble.kind) {
    case 'unsent':
      // One sentence for the dead, the silent and the refused: an answer that tells them apart scans the network inside.
      return `${name} cannot be reached: check that it runs, that its address is right and, where that is inside your network, that allow_private names it.`
    case 'lost':
      return trouble.hint?.replaceAll('{server}', name) ?? `${name} closed the connection in the middle of an answer.`
    case 'timeout':
      return `${name} did not answer in time.`
    default:
      return publicSentence(trouble, name)[1]
  }
}
