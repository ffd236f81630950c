/**
 * What callers hold open or leave unread: standing streams by caller and in all, and bytes that wait for a reader. It is
 * counted by who the caller is, not by token or session, or whoever mints tokens would have no limit. A call that streams
 * nothing and whose answer is read never gets here.
 */
import type { ServerResponse } from 'node:http'
import { type Principal, principalKey } from '../base/principal.ts'
import { LIMITS, type LimitValues } from '../config/limits.ts'
import { InFlight } from './in-flight.ts'
import { Inquiries } from './inquiries.ts'
import { Tally } from './tally.ts'

/** All that a door keeps of requests that are not over. */
export interface Held {
  inFlight: InFlight
  inquiries: Inquiries
  streams: Streams
  unread: Unread
  tally: Tally
}

export function openHeld(limits: LimitValues, times?: { reader: number }): Held {
  return {
    inFlight: new InFlight(),
    inquiries: new Inquiries(),
    streams: new Streams(limits),
    unread: new Unread(times?.reader),
    tally: new Tally(),
  }
}

/** Why a stream is not opened. */
export type NoStream = 'caller' | 'process'

export class Streams {
  readonly #limits: Pick<LimitValues, 'streams' | 'streams_per_principal'>
  readonly #byPrincipal = new Map<string, number>()
  #open = 0

  constructor(limits: Pick<LimitValues, 'streams' | 'streams_per_principal'>) {
    this.#limits = limits
  }

  /** @returns how to give the place back, once; or who has no place left */
  take(principal: Principal): (() => void) | NoStream {
    const key = principalKey(principal)
    const own = this.#byPrincipal.get(key) ?? 0
    if (own >= this.#limits.streams_per_principal) return 'caller'
    if (this.#open >= this.#limits.streams) return 'process'
    this.#byPrincipal.set(key, own + 1)
    this.#open++
    let isHeld = true
    return () => {
      if (isHeld) this.#giveBack(key)
      isHeld = false
    }
  }

  /** How many are open now. */
  get open(): number {
    return this.#open
  }

  #giveBack(key: string): void {
    const left = (this.#byPrincipal.get(key) ?? 1) - 1
    if (left === 0) this.#byPrincipal.delete(key)
    else this.#byPrincipal.set(key, left)
    this.#open--
  }
}

/** Answers whose reader is behind. Lengths are asked when they are needed, so nothing has to be kept in step. */
export class Unread {
  readonly #byPrincipal = new Map<string, Set<ServerResponse>>()
  readonly #readerMs: number

  /** @param readerMs how long a reader may take nothing at all */
  constructor(readerMs: number = LIMITS.reader_silence.value) {
    this.#readerMs = readerMs
  }

  /** Whether this caller has left so much unread that nothing more is done for it. */
  isFull(principal: Principal): boolean {
    // Nearly always nobody is behind, and then no name is made.
    if (this.#byPrincipal.size === 0) return false
    const behind = this.#byPrincipal.get(principalKey(principal))
    if (behind === undefined) return false
    let bytes = 0
    for (const response of behind) bytes += response.writableLength
    return bytes > LIMITS.unread_per_principal.value
  }

  /** To be called after a write that did not leave whole. A reader that takes nothing for too long is cut off. */
  watch(response: ServerResponse, principal: Principal): void {
    const key = principalKey(principal)
    const behind = this.#byPrincipal.get(key) ?? new Set()
    if (behind.has(response)) return
    behind.add(response)
    this.#byPrincipal.set(key, behind)
    // Node counts a partial write as a sign of life, and cuts the connection where nobody listens for `timeout`.
    response.socket?.setTimeout(this.#readerMs)
    const caughtUp = () => {
      response.off('drain', caughtUp)
      response.off('close', caughtUp)
      if (!response.writableEnded) response.socket?.setTimeout(0)
      behind.delete(response)
      if (behind.size === 0) this.#byPrincipal.delete(key)
    }
    response.on('drain', caughtUp)
    response.on('close', caughtUp)
  }

  /** How many callers are behind. */
  get callers(): number {
    return this.#byPrincipal.size
  }
}
