/**
 * The inventories in memory: what every list is made from, so that none ever waits for a server or the database. Replaced
 * whole, one at a time, and followed from other replicas by their versions. Those of shared credentials are all here; people's
 * own are read when somebody needs them, and the longest unused go.
 */
import type { ServerUid } from '../base/ids.ts'
import { buildParamHeaders, type HeaderParam, readHeaderParams } from '../protocol/era-2026/param-headers.ts'
import type { Json, JsonObject } from '../protocol/model.ts'
import type { Store } from '../store/open.ts'
import type { Outgoing } from './exchange.ts'
import { asObject } from './handshake.ts'
import { Interned } from './interned.ts'
import { ADMIN, listInventoryVersions, listOwnVersions, type OwnKey, ownKey, readInventory } from './inventory-store.ts'
import { KINDS } from './list-all.ts'
import type { CapabilityKind, Definition, Inventory, InventoryChange } from './model.ts'

const LISTS: Record<CapabilityKind, 'tools' | 'prompts' | 'resources' | 'templates'> = {
  tool: 'tools',
  prompt: 'prompts',
  resource: 'resources',
  template: 'templates',
}

export function definitionsOf(inventory: Inventory, kind: CapabilityKind): readonly Definition[] {
  return inventory[LISTS[kind]]
}

interface Held {
  inventory: Inventory
  /** Only the tools that want headers. */
  headers: ReadonlyMap<string, readonly HeaderParam[]>
}

interface Own {
  server: ServerUid
  credential: string
  /** Null: looked for, and there is none. */
  held: Held | null
}

const NONE: readonly string[] = []

/** People's own that are kept, one for each person and server. */
const MOST_OWN = 2000

export class Inventories {
  readonly #store: Store
  readonly #mostOwn: number
  readonly #shared = new Map<ServerUid, Held>()
  /** The longest unused first. */
  readonly #own = new Map<OwnKey, Own>()
  readonly #interned = new Map<ServerUid, Interned>()
  readonly #listeners: ((change: InventoryChange) => void)[] = []
  /** Grows whenever what is stored may be other than it was read. */
  #follows = 0

  constructor(store: Store, mostOwn: number = MOST_OWN) {
    this.#store = store
    this.#mostOwn = mostOwn
  }

  get(server: ServerUid): Inventory | undefined
  /** Of a person's own: null where there is none, undefined where that was not read. */
  get(server: ServerUid, credential: string): Inventory | null | undefined
  get(server: ServerUid, credential: string = ADMIN): Inventory | null | undefined {
    if (credential === ADMIN) return this.#shared.get(server)?.inventory
    const own = this.#touch(ownKey(server, credential))
    return own && (own.held?.inventory ?? null)
  }

  /** What there is of a person's own, from the store where it is not here. */
  async read(server: ServerUid, credential: string): Promise<Inventory | null> {
    for (;;) {
      const known = this.get(server, credential)
      if (known !== undefined || credential === ADMIN) return known ?? null
      const before = this.#follows
      const found = await readInventory(this.#store.db, server, credential)
      // What was read may have been replaced meanwhile, and nobody would tell of it again.
      if (before !== this.#follows || this.get(server, credential) !== undefined) continue
      this.#keep({ server, credential, held: found === undefined ? null : this.#made(found) })
    }
  }

  onChanged(listener: (change: InventoryChange) => void): void {
    this.#listeners.push(listener)
  }

  /** Reads what is new in the store. */
  async follow(): Promise<void> {
    this.#follows++
    await this.#followShared()
    await this.#followOwn()
  }

  async #followShared(): Promise<void> {
    const versions = await listInventoryVersions(this.#store.db)
    for (const [server, held] of this.#shared) {
      if (versions.has(server)) continue
      this.#shared.delete(server)
      // Gone with its server, or with its credential, and then people's own lists are as well.
      this.#interned.delete(server)
      this.#tell({ serverUid: server, credential: ADMIN, kinds: kindsIn(held.inventory) })
    }
    for (const [server, version] of versions) {
      if (this.get(server)?.version === version) continue
      const inventory = await readInventory(this.#store.db, server)
      // Another sync of this process may have put a newer one here while we read.
      if (inventory !== undefined && inventory.version > (this.get(server)?.version ?? 0)) this.put(inventory)
    }
  }

  async #followOwn(): Promise<void> {
    // Before the versions: what comes here after they were read must not be taken for something that is gone.
    const before = [...this.#own]
    if (before.length === 0) return
    const credentials = new Set(before.map(([, { credential }]) => credential))
    const versions = await listOwnVersions(this.#store.db, [...credentials])
    for (const [key, own] of before) {
      const { server, credential } = own
      const version = versions.get(key)
      const known = own.held?.inventory.version
      if (version === known || this.#own.get(key) !== own) continue
      const inventory = version === undefined ? undefined : await readInventory(this.#store.db, server, credential)
      if (this.#own.get(key) !== own) continue
      if (inventory !== undefined) this.put(inventory)
      else if (own.held !== null) this.#lose(own)
    }
  }

  #lose({ server, credential }: Own): void {
    this.#keep({ server, credential, held: null })
    this.#tell({ serverUid: server, credential, kinds: KINDS })
  }

  /** Replaces one inventory and tells what changed in it. */
  put(inventory: Inventory): void {
    const { serverUid, credential } = inventory
    const old = this.get(serverUid, credential)
    const held = this.#made(inventory)
    if (credential === ADMIN) {
      this.#shared.set(serverUid, held)
      const kinds = old ? changedKinds(old, inventory) : kindsIn(inventory)
      if (kinds.length > 0) this.#tell({ serverUid, credential, kinds })
      return
    }
    this.#keep({ server: serverUid, credential, held })
    // Even an empty list of one's own is another than none: what was shown until now was the shared one's.
    this.#tell({ serverUid, credential, kinds: old ? changedKinds(old, held.inventory) : KINDS })
  }

  /** The `Mcp-Param-*` headers that the called tool wants, names and values in turn. */
  paramHeaders(server: ServerUid, out: Outgoing, credential: string = ADMIN): readonly string[] {
    const headers = this.#used(server, credential)?.headers
    if (headers === undefined || headers.size === 0) return NONE
    const params = typeof out.params.name === 'string' ? headers.get(out.params.name) : undefined
    if (params === undefined) return NONE
    const input = asObject(out.params.arguments ?? null) ?? {}
    return Object.entries(buildParamHeaders(params, input)).flat()
  }

  /** Whether the server itself says that calling this tool twice is the same as once. */
  isRepeatable(server: ServerUid, tool: string, credential: string = ADMIN): boolean {
    const definition = this.#used(server, credential)?.inventory.tools.find((one) => one.name === tool)
    if (definition === undefined) return false
    const { annotations = null } = JSON.parse(definition.json) as JsonObject
    const hints = asObject(annotations)
    return hints?.readOnlyHint === true || hints?.idempotentHint === true
  }

  /** Whether what a request is about is not, or no longer, as it was approved. */
  isHeld(server: ServerUid, { method, params }: Outgoing, credential: string = ADMIN): boolean {
    switch (method) {
      case 'tools/call':
        return this.#holds(server, credential, { kind: 'tool', name: params.name })
      case 'prompts/get':
        return this.#holds(server, credential, { kind: 'prompt', name: params.name })
      case 'resources/read':
        return this.#holds(server, credential, { kind: 'resource', name: params.uri })
      default:
        return false
    }
  }

  #holds(server: ServerUid, credential: string, { kind, name }: { kind: CapabilityKind; name: Json | undefined }) {
    const held = this.#used(server, credential)?.inventory.held
    return held?.some((one) => one.kind === kind && one.name === name) ?? false
  }

  /** What a call with this credential was chosen from: a person without lists of their own is shown the shared ones. */
  #used(server: ServerUid, credential: string): Held | undefined {
    const own = credential === ADMIN ? undefined : this.#touch(ownKey(server, credential))?.held
    return own ?? this.#shared.get(server)
  }

  /** With the definitions that are here already. */
  #made(given: Inventory): Held {
    const { serverUid } = given
    const interned = this.#interned.get(serverUid) ?? new Interned()
    this.#interned.set(serverUid, interned)
    const inventory: Inventory = {
      ...given,
      tools: interned.list(given.tools),
      prompts: interned.list(given.prompts),
      resources: interned.list(given.resources),
      templates: interned.list(given.templates),
    }
    const shared = this.#shared.get(serverUid)
    const isAlike = shared?.inventory.tools === inventory.tools && shared.inventory.era === inventory.era
    return { inventory, headers: isAlike ? shared.headers : headerTools(inventory) }
  }

  #keep(own: Own): void {
    const key = ownKey(own.server, own.credential)
    this.#own.delete(key)
    this.#own.set(key, own)
    for (const [oldest, { server, credential }] of this.#own) {
      if (this.#own.size <= this.#mostOwn) return
      this.#own.delete(oldest)
      // Nothing changed, but from here on nobody would hear of it if it did.
      this.#tell({ serverUid: server, credential, kinds: [] })
    }
  }

  #touch(key: OwnKey): Own | undefined {
    const own = this.#own.get(key)
    if (own === undefined) return undefined
    this.#own.delete(key)
    this.#own.set(key, own)
    return own
  }

  #tell(change: InventoryChange): void {
    for (const listener of this.#listeners) listener(change)
  }
}

function kindsIn(inventory: Inventory): CapabilityKind[] {
  return KINDS.filter((kind) => definitionsOf(inventory, kind).length > 0)
}

/** Order counts: it is part of what a client sees. */
export function changedKinds(old: Inventory, next: Inventory): CapabilityKind[] {
  return KINDS.filter((kind) => {
    const before = definitionsOf(old, kind)
    const after = definitionsOf(next, kind)
    if (before.length !== after.length || heldKey(old, kind) !== heldKey(next, kind)) return true
    if (before === after) return false
    return before.some((one, i) => !isSame(one, after[i]))
  })
}

/** Also in who is shown it. */
export function isSame(one: Definition, other: Definition | undefined): boolean {
  if (other === undefined || one.name !== other.name || one.hash !== other.hash) return false
  return one.needs === other.needs || one.needs?.join() === other.needs?.join()
}

/** Names which are held, and why; a list of 10,000 is compared as one text. */
function heldKey({ held }: Inventory, kind: CapabilityKind): string {
  if (held.length === 0) return ''
  return JSON.stringify(held.filter((one) => one.kind === kind))
}

function headerTools(inventory: Inventory): Map<string, readonly HeaderParam[]> {
  const tools = new Map<string, readonly HeaderParam[]>()
  if (inventory.era !== '2026') return tools
  for (const tool of inventory.tools) {
    if (!tool.json.includes('x-mcp-header')) continue
    const { inputSchema = {} } = JSON.parse(tool.json) as JsonObject
    const read = readHeaderParams(inputSchema)
    if (read.ok && read.params.length > 0) tools.set(tool.name, read.params)
  }
  return tools
}
