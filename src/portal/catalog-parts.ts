/**
 * What a catalog hands on to the next one of the same place. Names are owned across servers and are settled by families (`names.ts`);
 * all else of a server is made of what is its own. So after a change of one server the others' entries are the same objects, with the
 * texts and bytes that they had, and a new catalog costs what has changed. What it gives is what would be made from nothing.
 */
import type { ServerUid } from '../base/ids.ts'
import type { Coverage } from '../policy/coverage.ts'
import type { Definition, Inventory } from '../upstream/model.ts'
import type { Entry } from './catalog.ts'
import { type ItemNames, type NamedServer, nameBare, SettledNames } from './names.ts'
import { Remembered } from './remembered.ts'
import type { ServerSpec } from './spec.ts'
import { Strip } from './strip.ts'

/** One server's entries of one kind. */
export interface Part {
  entries: readonly Entry[]
  strip: Strip
}

/** By kind of what bears names. */
export interface CatalogMemory {
  tool: PartMemory
  prompt: PartMemory
}

export function newCatalogMemory(): CatalogMemory {
  return { tool: new PartMemory(), prompt: new PartMemory() }
}

export class PartMemory {
  readonly settled = new SettledNames()
  readonly named = new Remembered<ServerUid, NamedServer>()
  readonly parts = new Remembered<ServerUid, Part>()
  /** Of each list, whether something in it looks around. */
  readonly around = new WeakMap<readonly Definition[], boolean>()
}

/** What one part is made of, beside its names. */
export interface PartSource {
  server: ServerSpec
  /** In portal order. */
  index: number
  inventory: Inventory | undefined
  definitions: readonly Definition[]
}

export interface Making {
  coverage: Coverage
  memory: PartMemory
  aliasOf(spec: ServerSpec, definition: Definition): string | null
  makeEntry(source: PartSource, definition: Definition, publicName: string): Entry
  /** Whether its entry depends on what other servers have: such a server's part is always made anew. */
  looksAround?(definition: Definition): boolean
}

/** All servers of a portal, under the names that are settled among them. */
export function nameParts(sources: readonly PartSource[], making: Making): PartedTable {
  const { coverage, memory, aliasOf, makeEntry } = making
  memory.named.begin()
  memory.parts.begin()
  const named = sources.map(({ server, definitions }) =>
    memory.named.of(server.uid, [server, definitions], () => ({
      id: server.id,
      items: definitions.map((definition) => ({ original: definition.name, alias: aliasOf(server, definition) })),
    })),
  )
  const { byServer, reports } = memory.settled.settle(named)
  const parts = sources.map((source, index) => {
    const names = byServer[index] ?? []
    const from = [names, source.server, index, source.inventory, source.definitions, coverage, around(source, making)]
    return memory.parts.of(source.server.uid, from, () => {
      const entries = entriesOf(source, names, makeEntry)
      return { entries, strip: new Strip(entries) }
    })
  })
  return new PartedTable(named, parts, reports)
}

/** @returns what is another one each time where a part looks around */
function around({ definitions }: PartSource, { memory, looksAround }: Making): object | null {
  if (looksAround === undefined) return null
  const looks = memory.around.get(definitions) ?? definitions.some(looksAround)
  memory.around.set(definitions, looks)
  return looks ? {} : null
}

function entriesOf(source: PartSource, names: ItemNames, makeEntry: Making['makeEntry']): Entry[] {
  return source.definitions.flatMap((definition, item) => {
    const name = names[item] ?? null
    return name === null ? [] : [makeEntry(source, definition, name)]
  })
}

/** One kind of a whole portal. What not every catalog is asked for is made when it is. */
export class PartedTable {
  readonly reports: readonly string[]
  readonly strips: readonly Strip[]
  readonly #named: readonly NamedServer[]
  readonly #parts: readonly Part[]
  #ordered: readonly Entry[] | null = null
  #exact: ReadonlyMap<string, Entry> | null = null
  #bare: { names: ReadonlyMap<string, Entry>; reports: readonly string[] } | null = null

  constructor(named: readonly NamedServer[], parts: readonly Part[], reports: readonly string[]) {
    this.#named = named
    this.#parts = parts
    this.reports = reports
    this.strips = parts.map(({ strip }) => strip)
  }

  get ordered(): readonly Entry[] {
    this.#ordered ??= this.#parts.flatMap(({ entries }) => entries)
    return this.#ordered
  }

  get exact(): ReadonlyMap<string, Entry> {
    if (this.#exact === null) {
      const exact = new Map<string, Entry>()
      for (const entry of this.ordered) exact.set(entry.publicName, entry)
      this.#exact = exact
    }
    return this.#exact
  }

  bare(): { names: ReadonlyMap<string, Entry>; reports: readonly string[] } {
    this.#bare ??= this.#nameBare()
    return this.#bare
  }

  #nameBare() {
    const found = nameBare(this.#named, { public: this.exact })
    const byOriginal = new Map(this.ordered.map((entry) => [`${entry.serverIndex} ${entry.original}`, entry]))
    const names = new Map<string, Entry>()
    for (const [original, { server }] of found.bare) {
      const entry = byOriginal.get(`${server} ${original}`)
      if (entry) names.set(original, entry)
    }
    return { names, reports: found.reports }
  }
}
