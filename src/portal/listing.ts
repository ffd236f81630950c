/** What one caller sees of one kind: which definitions, by stretches of strips (`strip.ts`). Cached by who sees what. */
import { digest } from '../base/secret.ts'
import type { Visible } from './catalog.ts'
import type { Strip } from './strip.ts'

export interface Listing {
  readonly count: number
  /** In portal order, as JSON texts. */
  readonly parts: readonly string[]
  /** Changes exactly when the list changes. */
  fingerprint(): string
  /** Bytes of those from one to before another; commas belong between the pieces. */
  pieces(from: number, to: number): Buffer[]
  /** Bytes that are made of the list once and then kept. @param key says which */
  kept(key: number, make: (listing: Listing) => Buffer): Buffer
}

/** Lists by what is listed and visible set. Bounded: callers with sets of their own push the oldest out. */
export class ListCache {
  readonly #lists = new Map<string, Listing>()
  readonly #most: number
  readonly #keepsBytes: boolean

  /** @param keepsBytes false: for few callers, who would fill the memory with what they read once */
  constructor({ most, keepsBytes }: { most: number; keepsBytes: boolean } = { most: 256, keepsBytes: true }) {
    this.#most = most
    this.#keepsBytes = keepsBytes
  }

  /** @param what is listed, in one word */
  get(what: string, visible: Visible, strips: () => readonly Strip[]): Listing {
    const key = `${what} ${visible.key}`
    const known = this.#lists.get(key)
    if (known) return known
    const made = new Stretches(stretchesOf(strips(), visible), this.#keepsBytes)
    if (this.#lists.size >= this.#most) this.#lists.delete(this.#lists.keys().next().value ?? '')
    this.#lists.set(key, made)
    return made
  }
}

/** Neighbours on one strip, all of which are seen. */
interface Stretch {
  strip: Strip
  from: number
  /** The first that is not in it. */
  to: number
}

function stretchesOf(strips: readonly Strip[], { has, may }: Visible): Stretch[] {
  const stretches: Stretch[] = []
  for (const strip of strips) {
    let last: Stretch | null = null
    strip.entries.forEach((entry, at) => {
      if (has[entry.serverIndex] !== true || !may(entry)) return
      if (last?.to === at) last.to++
      else {
        last = { strip, from: at, to: at + 1 }
        stretches.push(last)
      }
    })
  }
  return stretches
}

class Stretches implements Listing {
  readonly count: number
  readonly #stretches: readonly Stretch[]
  readonly #keepsBytes: boolean
  readonly #kept = new Map<number, Buffer>()
  #fingerprint: string | null = null

  constructor(stretches: readonly Stretch[], keepsBytes: boolean) {
    this.count = stretches.reduce((count, { from, to }) => count + to - from, 0)
    this.#stretches = stretches
    this.#keepsBytes = keepsBytes
  }

  get parts(): readonly string[] {
    return this.#stretches.flatMap(({ strip, from, to }) => strip.texts.slice(from, to))
  }

  fingerprint(): string {
    this.#fingerprint ??= digest(
      this.#stretches.map(({ strip, from, to }) => strip.marks().slice(from, to).join('')).join(''),
    )
    return this.#fingerprint
  }

  pieces(from: number, to: number): Buffer[] {
    const pieces: Buffer[] = []
    let begin = 0
    for (const stretch of this.#stretches) {
      const end = begin + stretch.to - stretch.from
      if (begin >= to) break
      if (end > from) {
        // Of this stretch, from its own beginning.
        const first = Math.max(from - begin, 0)
        const behind = Math.min(to, end) - begin
        pieces.push(stretch.strip.piece(stretch.from + first, stretch.from + behind))
      }
      begin = end
    }
    return pieces
  }

  kept(key: number, make: (listing: Listing) => Buffer): Buffer {
    const known = this.#kept.get(key)
    if (known) return known
    const made = make(this)
    if (this.#keepsBytes) this.#kept.set(key, made)
    return made
  }
}
