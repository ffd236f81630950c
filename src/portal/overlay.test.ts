/** What somebody with an account of their own sees of a portal, and that it takes nobody's name. */
import { describe, expect, test } from 'vitest'
import type { PortalId, PortalUid, ServerId, ServerUid } from '../base/ids.ts'
import { openCoverage } from '../policy/coverage.ts'
import {
  DEFAULT_RELAY,
  DEFAULT_RESOURCES,
  type Definition,
  type HeldDefinition,
  type Inventory,
} from '../upstream/model.ts'
import { buildCatalog, type Catalog, type Visible } from './catalog.ts'
import { Overlays, overlay } from './overlay.ts'
import { makeRenderer } from './render.ts'
import type { Curation, ServerSpec } from './spec.ts'

const define = (name: string, description?: string): Definition => ({
  name,
  json: JSON.stringify({ name, ...(description === undefined ? {} : { description }) }),
  hash: `hash of ${name} ${description ?? ''}`,
})

/** As the inventories keep it: one object for what is the same. */
const EMPTY: readonly Definition[] = []

type Lists = Partial<Record<'tools' | 'prompts' | 'resources' | 'templates', readonly Definition[]>>

function inventory(lists: Lists, held: readonly HeldDefinition[] = []): Inventory {
  const serverUid = 'x' as ServerUid
  const facts = { serverUid, credential: 'admin', version: 1, era: '2025' as const, capabilities: {}, syncedAt: 0 }
  const none = { tools: EMPTY, prompts: EMPTY, resources: EMPTY, templates: EMPTY }
  return { ...facts, instructions: null, ...none, ...lists, held }
}

function server(id: string, more: Partial<ServerSpec> = {}): ServerSpec {
  const rest = {
    policies: null,
    defaultDisabled: false,
    passesInstructions: false,
    tools: new Map(),
    prompts: new Map(),
  }
  const unruled = { limits: [], labels: [], toolLabels: new Map(), bypassCredential: false }
  const own = {
    onBehalf: true,
    carries: 'yours' as const,
    ...unruled,
    relay: DEFAULT_RELAY,
    resources: DEFAULT_RESOURCES,
    isolation: 'per_credential' as const,
  }
  return { uid: id as ServerUid, id: id as ServerId, name: id, ...own, ...rest, ...more }
}

const common = (id: string) => server(id, { onBehalf: false, carries: 'shared' })
const all: Visible = { key: 'all', has: [true, true, true], may: () => true }

function portal(servers: readonly [ServerSpec, Inventory | undefined][], mount: number | null = null) {
  const render = makeRenderer()
  const byUid = new Map(servers.map(([spec, lists]) => [spec.uid, lists]))
  const shared = (spec: ServerSpec) => byUid.get(spec.uid)
  const spec = {
    ...{ id: 'p' as PortalId, uid: 'p' as PortalUid, hostname: 'p.test', name: 'P', description: null, policies: [] },
    ...{ coverage: openCoverage([], []), asked: { origin: false, external: [] }, limits: [] },
    ...{
      serviceTokenHeader: null,
      clientPolicy: null,
      codeMode: 'opt_in' as const,
      contextMode: 'off' as const,
      hasPersonal: true,
      servers: servers.map(([one]) => one),
    },
  }
  const base = buildCatalog({ spec, mount, inventory: shared, render })
  const own = (...lists: [number, Inventory][]) => overlay(base, new Map(lists), { render, shared })
  return { base, own, from: { render, shared } }
}

const namesOf = (catalog: Catalog, kind: 'tool' | 'prompt' | 'resource' | 'template' = 'tool') =>
  catalog.list(kind, all).parts.map((text) => JSON.parse(text).name)
const found = (catalog: Catalog, name: string, kind: 'tool' | 'resource' = 'tool') => {
  const entry = catalog.find(kind, name)
  return entry && `${entry.server.id} ${entry.original}${entry.hidden ? ' hidden' : ''}${entry.held ? ' held' : ''}`
}

test('without an account a personal server shows the tools, prompts and templates of the shared one, and never its resources', () => {
  const lists = {
    tools: [define('a')],
    prompts: [define('p')],
    resources: [define('r:1')],
    templates: [define('r:{x}')],
  }
  const { base } = portal([[server('git'), inventory(lists)]])
  const shown = (['tool', 'prompt', 'resource', 'template'] as const).map((kind) => namesOf(base, kind))
  expect(shown).toEqual([['git_a'], ['git_p'], [], ['r:{x}']])
  expect(found(base, 'r:1', 'resource')).toBe('git r:1 hidden')
  expect(base.find('resource', 'r:1')?.listed).toBe('')
})

test('an account that lists what the shared one does has the very catalog that all have', () => {
  const lists = { tools: [define('a')], prompts: [define('p')] }
  const { base, own } = portal([[server('git'), inventory(lists)]])
  expect(own([0, inventory(lists)])).toBe(base)
})

test('two accounts see each its own: what one lacks is hidden there, what one has more is there alone', () => {
  const [a, b, c] = [define('a'), define('b'), define('c')]
  const { base, own } = portal([
    [server('git'), inventory({ tools: [a, b] })],
    [common('mail'), inventory({ tools: [define('send')] })],
  ])
  const [ada, bob] = [own([0, inventory({ tools: [a, c] })]), own([0, inventory({ tools: [b] })])]
  expect(namesOf(base)).toEqual(['git_a', 'git_b', 'mail_send'])
  expect(namesOf(ada)).toEqual(['git_a', 'git_c', 'mail_send'])
  expect(namesOf(bob)).toEqual(['git_b', 'mail_send'])
  expect([found(ada, 'git_b'), found(ada, 'b'), found(ada, 'git_c')]).toEqual(['git b hidden', 'git b hidden', 'git c'])
  expect([found(bob, 'git_c'), found(base, 'git_c')]).toEqual([undefined, undefined])
  expect(ada.list('tool', all).fingerprint()).not.toBe(bob.list('tool', all).fingerprint())
})

test('an account’s own resources are there for it, and an admin’s are not', () => {
  const { own } = portal([[server('git'), inventory({ resources: [define('r:admin'), define('r:both')] })]])
  const ada = own([0, inventory({ resources: [define('r:both'), define('r:ada')] })])
  expect(namesOf(ada, 'resource')).toEqual(['r:both', 'r:ada'])
  expect(found(ada, 'r:admin', 'resource')).toBe('git r:admin hidden')
})

describe('names are settled by the shared lists, and no account takes one', () => {
  test('of a name that two servers have, the owner stays the owner for whoever’s account lacks it', () => {
    const { own } = portal([
      [server('git'), inventory({ tools: [define('send')], resources: [define('x:1')] })],
      [common('evil'), inventory({ tools: [define('send')], resources: [define('x:1')] })],
    ])
    const ada = own([0, inventory({ tools: [define('other')] })])
    expect([found(ada, 'send'), found(ada, 'evil_send')]).toEqual(['git send hidden', 'evil send'])
    expect(found(ada, 'x:1', 'resource')).toBe('git x:1 hidden')
  })

  test('what only the account has gets no name that is somebody’s, nor one in another’s name space', () => {
    const aliased = server('git', { tools: new Map([['late', alias('log')]]) })
    const { own } = portal([
      [aliased, inventory({ tools: [define('log')] })],
      [common('mail'), inventory({ tools: [define('git_push'), define('send')], resources: [define('m:1')] })],
      [common('git_hub'), inventory({ tools: [] })],
    ])
    const tools = [define('log'), define('late'), define('push'), define('send'), define('hub_x')]
    const ada = own([0, inventory({ tools, resources: [define('m:1')] })])
    expect(namesOf(ada).map((name: string) => name.replace(/_[0-9a-f]{12}$/, '_#'))).toEqual([
      ...['git_log', 'git_push', 'git_send', 'git_hub_x_#', 'mail_git_push', 'mail_send'],
    ])
    // The bare name is the first bearer's of the shared lists.
    expect([found(ada, 'send'), found(ada, 'hub_x')]).toEqual(['mail send', undefined])
    expect(ada.reports().filter((one) => one.includes('own account'))).toEqual([
      'git: the tool "late" of a person\'s own account was dropped, its name is not free',
    ])
  })

  // [URI-1]
  test('a resource of the account that is somebody’s is shown with its server’s id, also below a template', () => {
    const { own } = portal([
      [server('git'), inventory({})],
      [common('mail'), inventory({ resources: [define('m:1')], templates: [define('m:{x}')] })],
    ])
    const ada = own([0, inventory({ resources: [define('m:1'), define('m:2')], templates: [define('m:{x}')] })])
    expect(found(ada, 'm:1', 'resource')).toBe('mail m:1')
    expect(found(ada, 'portico:git:m:1', 'resource')).toBe('git m:1')
    expect(found(ada, 'm:2', 'resource')).toBe('git m:2')
    expect(ada.find('template', 'portico:git:m:{x}')?.server.id).toBe('git')
    expect(['m:1', 'm:2', 'm:3', 'n:1'].map((uri) => ada.uris(0)?.outward(uri))).toEqual([
      ...['portico:git:m:1', 'm:2', 'portico:git:m:3', 'n:1'],
    ])
    expect(ada.uris(1)).toBeNull()
  })

  // [URI-1]
  test('all of the account’s resources are shown with the id of a server that is wrapped', () => {
    const wrapped = server('git', { resources: { ...DEFAULT_RESOURCES, uris: 'wrapped' } })
    const { own } = portal([[wrapped, inventory({})]])
    const ada = own([0, inventory({ resources: [define('m:1'), define('https://m')] })])
    const resources = ada.entries('resource').map(({ publicName }) => publicName)
    expect(resources).toEqual(['portico:git:m:1', 'https://m'])
    const { own: mounted } = portal([[wrapped, inventory({})]], 0)
    const alone = mounted([0, inventory({ resources: [define('m:1')] })])
    expect([alone.entries('resource')[0]?.publicName, alone.uris(0)]).toEqual(['m:1', null])
  })

  // [URI-2]
  test('a tool of the account names the interface that the account has', () => {
    const { own } = portal([
      [server('git'), inventory({})],
      [common('mail'), inventory({ resources: [define('ui://view')] })],
    ])
    const json = JSON.stringify({ name: 'show', _meta: { ui: { resourceUri: 'ui://view' } } })
    const ada = own([0, inventory({ tools: [{ name: 'show', json, hash: '' }], resources: [define('ui://view')] })])
    expect(JSON.parse(ada.find('tool', 'git_show')?.listed ?? '')._meta.ui.resourceUri).toBe('ui://git/view')
    expect(found(ada, 'ui://git/view', 'resource')).toBe('git ui://view')
  })

  test('of two accounts with the same name that nobody else has, the first server in order has it', () => {
    const { own } = portal([
      [server('one'), undefined],
      [server('two'), undefined],
    ])
    const lists = () => inventory({ tools: [define('a')], templates: [define('t:{x}')] })
    const ada = own([0, lists()], [1, lists()])
    expect(namesOf(ada)).toEqual(['one_a', 'two_a'])
    expect(ada.find('template', 't:{x}')?.server.id).toBe('one')
    expect(ada.find('template', 'portico:two:t:{x}')?.server.id).toBe('two')
  })
})

test('what is held of an account’s list is in no list, and keeps its name', () => {
  const { own } = portal([[server('git'), inventory({ tools: [define('a'), define('b')] })]])
  const held = [
    { kind: 'tool' as const, name: 'a', state: 'held' as const },
    { kind: 'tool' as const, name: 'new', state: 'rejected' as const },
  ]
  const ada = own([0, inventory({ tools: [define('a', 'another'), define('b'), define('new')] }, held)])
  expect(namesOf(ada)).toEqual(['git_b'])
  expect([found(ada, 'git_a'), found(ada, 'git_new')]).toEqual(['git a held', 'git new held'])
  expect(ada.entries('tool').map(({ listed }) => listed)).toEqual(['', '{"name":"git_b"}', ''])
})

test('an admin’s curation holds of an account’s own tools as of the shared ones', () => {
  const curated = new Map([
    ['a', { ...alias('x'), description: 'the admin’s' }],
    ['gone', { enabled: false, alias: null, description: null }],
  ])
  const { own } = portal([[server('git', { tools: curated }), undefined]])
  const ada = own([0, inventory({ tools: [define('a', 'upstream’s'), define('gone')] })])
  expect(ada.list('tool', all).parts.map((text) => JSON.parse(text))).toEqual([
    { name: 'git_x', description: 'the admin’s' },
  ])
})

test('on a single-server mount an account’s own tools have their own names', () => {
  const { own } = portal([[server('git'), inventory({ tools: [define('a')] })]], 0)
  expect(namesOf(own([0, inventory({ tools: [define('b'), define('a')] })]))).toEqual(['a', 'b'])
})

test('accounts that list the same share one catalog', () => {
  const { base, from } = portal([[server('git'), undefined]])
  const overlays = new Overlays()
  const tools = [define('a')]
  const lists = () => inventory({ tools })
  const one = overlays.get(base, new Map([[0, lists()]]), from)
  expect(overlays.get(base, new Map([[0, lists()]]), from)).toBe(one)
  const held = [{ kind: 'tool' as const, name: 'a', state: 'held' as const }]
  expect(overlays.get(base, new Map([[0, { ...lists(), held }]]), from)).not.toBe(one)
})

function alias(name: string): Curation {
  return { enabled: true, alias: name, description: null }
}
