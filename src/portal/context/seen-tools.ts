/** The tools that callers see who see the same of a catalog, listed or not, in portal order; and what searches and code need of them. */
import type { Entry } from '../catalog.ts'
import type { Visit } from '../visit.ts'
import { type GuestTools, guestToolsOf } from './guest-tools.ts'
import type { Pace } from './pace.ts'
import { rankTools } from './rank-tools.ts'
import type { ToolWords } from './tool-words.ts'

export type View = Pick<Visit, 'catalog' | 'visible'>

export class SeenTools {
  readonly entries: readonly Entry[]
  readonly #wordsOf: (entry: Entry) => ToolWords
  /** Of the first so many. */
  readonly #words: ToolWords[] = []
  #inCode: GuestTools | null = null

  /** @param wordsOf keeps what it finds */
  constructor(view: View, wordsOf: (entry: Entry) => ToolWords) {
    this.entries = view.catalog.entries('tool').filter((entry) => isSeen(entry, view))
    this.#wordsOf = wordsOf
  }

  /** As code calls them; the same for as long as these tools are kept. */
  get inCode(): GuestTools {
    this.#inCode ??= guestToolsOf(this.entries)
    return this.#inCode
  }

  /** @returns those that any of the words stands for, best first @throws TooLong */
  async search(query: string, pace: Pace): Promise<Entry[]> {
    await this.#countWords(pace)
    const ranked = await rankTools(query, this.#words, pace)
    return ranked.flatMap((at) => this.entries[at] ?? [])
  }

  /** Searches at the same time share the work, and what one of them counted when its time was up is there for the next. */
  async #countWords(pace: Pace): Promise<void> {
    for (let next = this.#next; next !== undefined; next = this.#next) {
      this.#words.push(this.#wordsOf(next))
      await pace.breathe()
    }
  }

  get #next(): Entry | undefined {
    return this.entries[this.#words.length]
  }
}

function isSeen({ enabled, held, hidden, serverIndex, scope, capability }: Entry, { visible }: View): boolean {
  return enabled && !held && !hidden && visible.has[serverIndex] === true && visible.may({ scope, capability })
}
