import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { PortalId, PortalUid, ServerId, ServerUid } from '../base/ids.ts'
import { openCoverage } from '../policy/coverage.ts'
import type { Policy } from '../policy/model.ts'
import { makeRuleBook } from '../policy/rule-book.ts'
import {
  type CapabilityKind,
  DEFAULT_RELAY,
  DEFAULT_RESOURCES,
  type Definition,
  type Inventory,
} from '../upstream/model.ts'
import { buildCatalog, type Catalog, type CatalogSource, type Visible } from './catalog.ts'
import { newCatalogMemory } from './catalog-parts.ts'
import { makeRenderer } from './render.ts'
import type { PortalSpec, ServerSpec } from './spec.ts'

const KINDS: readonly CapabilityKind[] = ['tool', 'prompt', 'resource', 'template']
/** Some begin like others, and some are so long that names are shortened within them. */
const IDS = ['git', 'git_hub', 'git_hub_x', 'mail', 'portal', 'a'.repeat(40), 'a'.repeat(52), `${'a'.repeat(52)}_b`]
const TOOLS = ['x', 'hub_x', 'hub_x_x', 'send', 'git_hub_x', 'portal', `x_${'y'.repeat(60)}`, 'b_x']

interface World {
  spec: PortalSpec
  inventories: Map<ServerUid, Inventory>
}

interface Step {
  what: 'sync' | 'hold' | 'curate' | 'attach' | 'detach' | 'move' | 'policies' | 'nothing'
  id: string
  names: readonly string[]
}

const step: fc.Arbitrary<Step> = fc.record({
  what: fc.constantFrom('sync', 'hold', 'curate', 'attach', 'detach', 'move', 'policies', 'nothing'),
  id: fc.constantFrom(...IDS),
  names: fc.array(fc.constantFrom(...TOOLS), { maxLength: 5 }),
})

function define(name: string, words: string): Definition {
  return { name, json: JSON.stringify({ name, description: words }), hash: `${name} ${words}` }
}

function inventory(names: readonly string[], words: string): Inventory {
  const tools = names.map((name) => define(name, words))
  const fixed = { credential: 'admin', version: 1, era: '2026' as const, capabilities: {}, syncedAt: 0 }
  const uris = [...new Set(names)].map((name) => define(`file:///${name}`, words))
  const lists = { tools, prompts: tools, resources: uris, templates: uris }
  return { ...fixed, serverUid: 'x' as ServerUid, instructions: null, held: [], ...lists }
}

function server(id: string): ServerSpec {
  const rules = { policies: null, limits: [], labels: [], toolLabels: new Map(), bypassCredential: false }
  const ways = { relay: DEFAULT_RELAY, resources: DEFAULT_RESOURCES, isolation: 'per_credential' } as const
  const own = { onBehalf: false, carries: 'none', defaultDisabled: false, passesInstructions: false } as const
  return {
    uid: id as ServerUid,
    id: id as ServerId,
    name: id,
    tools: new Map(),
    prompts: new Map(),
    ...rules,
    ...ways,
    ...own,
  }
}

function portal(servers: readonly ServerSpec[], policies: readonly Policy[]): PortalSpec {
  const names = { id: 'p' as PortalId, uid: 'p' as PortalUid, hostname: 'p.test', name: 'P', description: null }
  const modes = { codeMode: 'opt_in', contextMode: 'off' } as const
  const rules = { policies, limits: [], asked: { origin: false, external: [] } }
  const coverage = openCoverage(
    policies,
    servers.map(() => null),
  )
  const fixed = { serviceTokenHeader: null, clientPolicy: null, hasPersonal: false }
  return { ...names, ...modes, ...rules, ...fixed, servers, coverage }
}

/** Lets nobody at what is called so. */
function denying(names: readonly string[]): Policy {
  const rule = { id: 'deny', name: 'deny', decision: 'deny', include: [{ everyone: {} }], require: [], exclude: [] }
  const source = { ...rule, extra: { capabilities: [{ names }] } }
  const book = makeRuleBook({ policies: [source as never], groups: [], lists: [] })
  return book.policy('deny' as never)
}

/** As `directory.ts` does it: what does not change stays the same object. */
function change({ spec, inventories }: World, { what, id, names }: Step, words: string): World {
  const uid = id as ServerUid
  const others = spec.servers.filter((one) => one.uid !== uid)
  const known = inventories.get(uid)
  const synced = (one: Inventory) => ({ spec, inventories: new Map([...inventories, [uid, one]]) })
  // No server has policies of its own, so what speaks of what is the same wherever it stands.
  const withServers = (servers: readonly ServerSpec[]) => ({
    spec: { ...portal(servers, spec.policies), coverage: spec.coverage },
    inventories,
  })
  switch (what) {
    case 'sync':
      return synced(inventory(names, words))
    case 'hold':
      return known === undefined
        ? { spec, inventories }
        : synced({ ...known, held: names.map((name) => ({ kind: 'tool', name, findings: [] }) as never) })
    case 'curate': {
      const [alias = null, ...off] = names
      const curated = new Map(off.map((name, at) => [name, { enabled: at > 0, alias, description: words }]))
      return withServers(spec.servers.map((one) => (one.uid === uid ? { ...one, tools: curated } : one)))
    }
    case 'attach':
      return withServers([...others, server(id)])
    case 'detach':
      return withServers(others)
    case 'move':
      return withServers([...spec.servers.filter((one) => one.uid === uid), ...others])
    case 'policies':
      return { spec: portal(spec.servers, names.length === 0 ? [] : [denying(names)]), inventories }
    case 'nothing':
      return { spec, inventories }
  }
}

/** All that a catalog says. */
function said(catalog: Catalog, servers: number) {
  const has = Array.from({ length: servers }, (_, index) => index !== 1)
  const visible: Visible = { key: 'some', has, may: ({ scope }) => scope.portal.length === 0 }
  const names = KINDS.flatMap((kind) => catalog.entries(kind).flatMap((entry) => [entry.publicName, entry.original]))
  return {
    reports: catalog.reports(),
    entries: KINDS.map((kind) => catalog.entries(kind)),
    found: KINDS.map((kind) => names.map((name) => catalog.find(kind, name))),
    lists: KINDS.map((kind) => {
      const list = catalog.list(kind, visible)
      const bytes = Buffer.concat(list.pieces(0, 2)).length
      return { parts: list.parts, count: list.count, fingerprint: list.fingerprint(), bytes }
    }),
  }
}

test('after any changes, what is built on what there was says the same as what is built from nothing', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 25 }), (steps) => {
      const memory = newCatalogMemory()
      const render = makeRenderer()
      const lists = IDS.map((id) => [id as ServerUid, inventory(TOOLS, 'at first')] as const)
      let world: World = { spec: portal([server('git'), server('mail')], []), inventories: new Map(lists) }
      steps.forEach((one, at) => {
        world = change(world, one, `words ${at}`)
        const { spec, inventories } = world
        const source: CatalogSource = { spec, mount: null, inventory: ({ uid }) => inventories.get(uid), render }
        const count = spec.servers.length
        expect(said(buildCatalog({ ...source, memory }), count)).toEqual(said(buildCatalog(source), count))
      })
    }),
    { numRuns: 300 },
  )
})

describe('of a server that did not change', () => {
  const render = makeRenderer()
  const inventories = new Map([
    ['git' as ServerUid, inventory(['x', 'send'], 'before')],
    ['mail' as ServerUid, inventory(['send'], 'before')],
  ])
  const spec = portal([server('git'), server('mail')], [])
  const build = (memory = newCatalogMemory()) =>
    buildCatalog({ spec, mount: null, inventory: ({ uid }) => inventories.get(uid), render, memory })

  test('entries and bytes are those that were there', () => {
    const memory = newCatalogMemory()
    const visible: Visible = { key: 'all', has: [true, true], may: () => true }
    const before = build(memory)
    const [bytes] = before.list('tool', visible).pieces(0, 2)
    inventories.set('mail' as ServerUid, inventory(['send', 'more'], 'after'))
    const after = build(memory)
    expect(after.find('tool', 'git_x')).toBe(before.find('tool', 'git_x'))
    expect(after.list('tool', visible).pieces(0, 2)[0]?.buffer).toBe(bytes?.buffer)
    expect(after.find('tool', 'mail_send')).not.toBe(before.find('tool', 'mail_send'))
    expect(before.find('tool', 'mail_more')).toBeUndefined()
  })
})

test('a page is cut out of the bytes of any servers at any place', () => {
  const names = ['ä', 'b', 'c', '…', 'e']
  const spec = portal([server('git'), server('mail')], [])
  const catalog = buildCatalog({
    ...{ spec, mount: null, render: makeRenderer() },
    inventory: ({ uid }) => inventory(names, `«${uid}»`),
  })
  const visible: Visible = { key: 'k', has: [true, true], may: ({ capability }) => capability.name !== 'c' }
  const list = catalog.list('tool', visible)
  expect(list.count).toBe(8)
  for (let from = 0; from <= 8; from++) {
    for (let to = from; to <= 9; to++) {
      const texts = list.pieces(from, to).map((piece) => piece.toString())
      expect(texts.join()).toBe(list.parts.slice(from, to).join())
    }
  }
})
