/**
 * Signs how far the chain reaches, in the audit's worker: into the database, and the newest into a file in the data directory.
 * Before each signing it looks whether the last head still holds, so that what was rewritten behind it is not signed over
 * unseen.
 */
import { systemClock } from '../base/clock.ts'
import type { AuditStore } from './audit-store.ts'
import { type Head, type HeadSigner, SIGN_EVERY } from './chain.ts'
import { readNewestHead, setHeadAside, writeNewestHead } from './head-file.ts'

export interface HeadKeeperOptions {
  store: AuditStore
  signer: HeadSigner
  /** The data directory. */
  data: string
  /** This process's journal. */
  writer: string
  alarm(text: string): void
}

export class HeadKeeper {
  readonly #options: HeadKeeperOptions
  /** The newest head, of this process or of the one before it. */
  #last: Head | null = null
  /** The seq of the newest head that stays: those between give way to the next. */
  #kept = 0
  /** The seq of this process's newest head where it will give way. */
  #passing: number | null = null

  constructor(options: HeadKeeperOptions) {
    this.#options = options
    const file = readNewestHead(options.data)
    if (file === null) return
    if (file.head !== 'unreadable' && options.signer.check(file.head) !== 'forged') this.#last = file.head
    else
      options.alarm(
        `${file.path} holds no head that this portal has signed; set aside as ${setHeadAside(options.data)}`,
      )
  }

  /** @param now false: only where many rows have come since the last head */
  async sign(now: boolean): Promise<void> {
    const { store, signer, writer, data } = this.#options
    const end = await store.chainEnd()
    const last = this.#last
    if (last !== null && !now && end.seq - last.seq < SIGN_EVERY && end.seq >= last.seq) return
    if (last !== null && !(await this.#holds(last))) this.#contradicted(last)
    if (end.seq === 0 || (this.#last?.seq === end.seq && this.#last.kid === signer.kid)) return
    const head = signer.sign({ kind: 'head', writer, ...end, at: systemClock.now() })
    await store.keepHead(head, this.#passing)
    const stays = end.seq - this.#kept >= SIGN_EVERY
    if (stays) this.#kept = end.seq
    this.#passing = stays ? null : end.seq
    this.#last = head
    // The file must not survive a loss of power that its rows do not.
    await store.harden()
    writeNewestHead(data, head)
  }

  async #holds({ seq, hash }: Head): Promise<boolean> {
    const { store } = this.#options
    const mark = await store.chainMark()
    if (mark !== null && seq < mark.seq) return true
    return (seq === mark?.seq ? mark.hash : await store.hashAt(seq)) === hash
  }

  #contradicted({ seq, at }: Head): void {
    const path = setHeadAside(this.#options.data)
    this.#last = null
    this.#options.alarm(
      `the audit database is not the one whose row ${seq} was signed ${new Date(at).toISOString()}: rows were changed or removed, or an older or other database was put in place. Run "portico audit verify". The signed head is kept as ${path}`,
    )
  }
}
