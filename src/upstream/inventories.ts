/**
 * The inventories in memory: what every list is made from, so that none ever waits for a server or the database. Replaced
 * whole, one server at a time, and followed from other replicas by their versions.
 */
import type { ServerUid } from '../base/ids.ts'
import { buildParamHeaders, type HeaderParam, readHeaderParams } from '../protocol/era-2026/param-headers.ts'
import type { Json, JsonObject } from '../protocol/model.ts'
import type { Store } from '../store/open.ts'
import type { Outgoing } from './exchange.ts'
import { asObject } from './handshake.ts'
import { listInventoryVersions, readInventory } from './inventory-store.ts'
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

const NONE: readonly string[] = []

export class Inventories {
  readonly #store: Store
  readonly #held = new Map<ServerUid, Held>()
  readonly #listeners: ((change: InventoryChange) => void)[] = []

  constructor(store: Store) {
    this.#store = store
  }

  get(server: ServerUid): Inventory | undefined {
    return this.#held.get(server)?.inventory
  }

  onChanged(listener: (change: InventoryChange) => void): void {
    this.#listeners.push(listener)
  }

  /** Reads what is new in the store. */
  async follow(): Promise<void> {
    const versions = await listInventoryVersions(this.#store.db)
    for (const [server, held] of this.#held) {
      if (versions.has(server)) continue
      this.#held.delete(server)
      this.#tell(server, kindsIn(held.inventory))
    }
    for (const [server, version] of versions) {
      if (this.get(server)?.version === version) continue
      const inventory = await readInventory(this.#store.db, server)
      // Another sync of this process may have put a newer one here while we read.
      if (inventory !== undefined && inventory.version > (this.get(server)?.version ?? 0)) this.put(inventory)
    }
  }

  /** Replaces one server's inventory and tells what changed in it. */
  put(inventory: Inventory): void {
    const old = this.get(inventory.serverUid)
    this.#held.set(inventory.serverUid, { inventory, headers: headerTools(inventory) })
    const kinds = old === undefined ? kindsIn(inventory) : changedKinds(old, inventory)
    this.#tell(inventory.serverUid, kinds)
  }

  /** The `Mcp-Param-*` headers that the called tool wants, names and values in turn. */
  paramHeaders(server: ServerUid, out: Outgoing): readonly string[] {
    const headers = this.#held.get(server)?.headers
    if (headers === undefined || headers.size === 0) return NONE
    const params = typeof out.params.name === 'string' ? headers.get(out.params.name) : undefined
    if (params === undefined) return NONE
    const input = asObject(out.params.arguments ?? null) ?? {}
    return Object.entries(buildParamHeaders(params, input)).flat()
  }

  /** Whether the server itself says that calling this tool twice is the same as once. */
  isRepeatable(server: ServerUid, tool: string): boolean {
    const definition = this.get(server)?.tools.find((one) => one.name === tool)
    if (definition === undefined) return false
    const { annotations = null } = JSON.parse(definition.json) as JsonObject
    const hints = asObject(annotations)
    return hints?.readOnlyHint === true || hints?.idempotentHint === true
  }

  /** Whether what a request is about is not, or no longer, as it was approved. */
  isHeld(server: ServerUid, { method, params }: Outgoing): boolean {
    switch (method) {
      case 'tools/call':
        return this.#holds(server, 'tool', params.name)
      case 'prompts/get':
        return this.#holds(server, 'prompt', params.name)
      case 'resources/read':
        return this.#holds(server, 'resource', params.uri)
      default:
        return false
    }
  }

  #holds(server: ServerUid, kind: CapabilityKind, name: Json | undefined): boolean {
    return this.get(server)?.held.some((one) => one.kind === kind && one.name === name) ?? false
  }

  #tell(serverUid: ServerUid, kinds: readonly CapabilityKind[]): void {
    if (kinds.length === 0) return
    for (const listener of this.#listeners) listener({ serverUid, kinds })
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
    return before.some((one, i) => one.name !== after[i]?.name || one.hash !== after[i]?.hash)
  })
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
