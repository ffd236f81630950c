/**
 * Who sees which tools, kept by catalog and by what of it is visible, so that neither a search nor a run of code looks through ten thousand
 * tools to begin with. What is kept of a catalog goes with it; words of a tool stay for as long as any catalog has it.
 */
import type { Clock } from '../../base/clock.ts'
import { LIMITS } from '../../config/limits.ts'
import type { Catalog, Entry } from '../catalog.ts'
import { Pace } from './pace.ts'
import { SeenTools, type View } from './seen-tools.ts'
import { type ToolWords, toolWords } from './tool-words.ts'

/** Of all catalogs; callers who see what nobody else does push the oldest out. */
const MOST_VIEWS = 64

export class ToolViews {
  readonly #clock: Clock
  readonly #kept = new WeakMap<Catalog, Map<string, SeenTools>>()
  /** In the order in which they were made. They hold no catalog that is no longer used. */
  readonly #made: { catalog: WeakRef<Catalog>; key: string }[] = []
  readonly #words = new WeakMap<Entry, ToolWords>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  of(view: View): SeenTools {
    const { catalog } = view
    const { key } = view.visible
    const known = this.#kept.get(catalog)?.get(key)
    if (known !== undefined) return known
    const made = new SeenTools(view, (entry) => this.#wordsOf(entry))
    const views = this.#kept.get(catalog) ?? new Map<string, SeenTools>()
    this.#kept.set(catalog, views.set(key, made))
    this.#made.push({ catalog: new WeakRef(catalog), key })
    if (this.#made.length > MOST_VIEWS) this.#forgetOldest()
    return made
  }

  /** For one caller's search. */
  pace(): Pace {
    return new Pace(this.#clock, LIMITS.search_time.value)
  }

  #forgetOldest(): void {
    const oldest = this.#made.shift()
    const catalog = oldest?.catalog.deref()
    if (oldest && catalog) this.#kept.get(catalog)?.delete(oldest.key)
  }

  #wordsOf(entry: Entry): ToolWords {
    const known = this.#words.get(entry)
    if (known !== undefined) return known
    const made = toolWords(entry)
    this.#words.set(entry, made)
    return made
  }
}
