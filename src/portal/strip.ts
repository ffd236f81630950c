/**
 * Definitions that are listed one after the other, mostly those of one server, as texts and as bytes. It stays while the server does, so
 * that a list after a change of another is copied together from bytes that are there.
 */
import { digest } from '../base/secret.ts'
import type { Entry } from './catalog.ts'

const COMMA = 1

export class Strip {
  /** Those that somebody may be shown, in order. */
  readonly entries: readonly Entry[]
  readonly texts: readonly string[]
  readonly #keepsBytes: boolean
  #bytes: Buffer | null = null
  /** Where each text ends in the bytes. */
  #ends: Uint32Array = new Uint32Array(0)
  #marks: readonly string[] | null = null

  /**
   * @param keepsBytes false for what few callers see, who would fill the memory with what they read once
   * @param textOf how an entry is shown
   */
  constructor(entries: readonly Entry[], keepsBytes = true, textOf: (entry: Entry) => string = ({ listed }) => listed) {
    this.entries = entries.filter(({ enabled, held, hidden }) => enabled && !held && !hidden)
    this.texts = this.entries.map(textOf)
    this.#keepsBytes = keepsBytes
  }

  /** Texts with commas between them, at least one. @param to the first that is left out */
  piece(from: number, to: number): Buffer {
    if (!this.#keepsBytes) return Buffer.from(this.texts.slice(from, to).join())
    this.#bytes ??= this.#make()
    const start = from === 0 ? 0 : (this.#ends[from - 1] ?? 0) + COMMA
    return this.#bytes.subarray(start, this.#ends[to - 1])
  }

  /** A digest of each text. */
  marks(): readonly string[] {
    this.#marks ??= this.texts.map(digest)
    return this.#marks
  }

  #make(): Buffer {
    this.#ends = new Uint32Array(this.texts.length)
    let end = -COMMA
    this.texts.forEach((text, at) => {
      end += COMMA + Buffer.byteLength(text)
      this.#ends[at] = end
    })
    return Buffer.from(this.texts.join())
  }
}
