import { describe, expect, test } from 'vitest'
import type { PortalId, PortalUid, ServerId, ServerUid } from '../base/ids.ts'
import { openCoverage } from '../policy/coverage.ts'
import { DEFAULT_RELAY, DEFAULT_RESOURCES, type Definition, type Inventory } from '../upstream/model.ts'
import { buildCatalog, type Visible } from './catalog.ts'
import { makeRenderer } from './render.ts'
import { type Curation, curate, type ServerSpec } from './spec.ts'

function define(definition: { name: string; description?: string }): Definition {
  return { name: definition.name, json: JSON.stringify(definition), hash: `hash of ${definition.name}` }
}

function inventory(parts: Partial<Pick<Inventory, 'tools' | 'prompts' | 'resources' | 'templates'>>): Inventory {
  const serverUid = 'x' as ServerUid
  const fixed = {
    serverUid,
    credential: 'admin',
    version: 1,
    era: '2025' as const,
    capabilities: {},
    syncedAt: 0,
    held: [],
    instructions: null,
  }
  return { ...fixed, tools: [], prompts: [], resources: [], templates: [], ...parts }
}

const UNRULED = { limits: [], labels: [], toolLabels: new Map(), bypassCredential: false }
const SHARED = { relay: DEFAULT_RELAY, resources: DEFAULT_RESOURCES, isolation: 'per_credential' } as const

function server(id: string, more: Partial<ServerSpec> = {}): ServerSpec {
  const own = { onBehalf: false, carries: 'none', ...UNRULED, ...SHARED } as const
  const fixed = { name: id, policies: null, defaultDisabled: false, passesInstructions: false, ...own }
  return { uid: id as ServerUid, id: id as ServerId, tools: new Map(), prompts: new Map(), ...fixed, ...more }
}

function catalogOf(servers: [ServerSpec, Inventory | undefined][], mount: number | null = null) {
  const named = {
    id: 'p' as PortalId,
    uid: 'p' as PortalUid,
    hostname: 'p.test',
    name: 'P',
    description: null,
    serviceTokenHeader: null,
    clientPolicy: null,
    codeMode: 'opt_in' as const,
    contextMode: 'off' as const,
    hasPersonal: servers.some(([{ onBehalf }]) => onBehalf),
  }
  const byUid = new Map(servers.map(([spec, found]) => [spec.uid, found]))
  return buildCatalog({
    spec: {
      ...{ ...named, policies: [], limits: [], servers: servers.map(([spec]) => spec) },
      ...{ coverage: openCoverage([], []), asked: { origin: false, external: [] } },
    },
    mount,
    inventory: (spec) => byUid.get(spec.uid),
    render: makeRenderer(),
  })
}

const may = () => true
const all: Visible = { key: 'all', has: [true, true, true], may }
const on = (parts: Partial<Curation>): Curation => ({ enabled: true, alias: null, description: null, ...parts })

describe('what is shown of a tool', () => {
  const tool = define({ name: 'log', description: 'upstream’s words' })
  const show = (curation: Curation) => {
    const catalog = catalogOf([[server('git', { tools: new Map([['log', curation]]) }), inventory({ tools: [tool] })]])
    return catalog.list('tool', all).parts.map((json) => JSON.parse(json))
  }

  test('is the upstream’s definition under the public name', () => {
    expect(show(on({}))).toEqual([{ name: 'git_log', description: 'upstream’s words' }])
  })
  test('is the admin’s description where there is one', () => {
    expect(show(on({ description: 'the admin’s' }))).toEqual([{ name: 'git_log', description: 'the admin’s' }])
  })
  test('is the alias in place of the tool part', () => {
    expect(show(on({ alias: 'history' }))).toEqual([{ name: 'git_history', description: 'upstream’s words' }])
  })
  test('is nothing where it is disabled', () => {
    expect(show(on({ enabled: false }))).toEqual([])
  })
})

describe('the portal’s word comes before the server’s, and that before the upstream’s', () => {
  const rows = [
    { server: undefined, portal: undefined, hidden: false, result: on({}) },
    { server: { alias: 's' }, portal: undefined, hidden: false, result: on({ alias: 's' }) },
    { server: { alias: 's' }, portal: { alias: 'p' }, hidden: false, result: on({ alias: 'p' }) },
    { server: { enabled: false }, portal: { enabled: true }, hidden: false, result: on({}) },
    { server: { enabled: false }, portal: undefined, hidden: false, result: on({ enabled: false }) },
    { server: { enabled: true }, portal: undefined, hidden: true, result: on({ enabled: false }) },
    { server: undefined, portal: { enabled: true }, hidden: true, result: on({}) },
    {
      server: { description: 's' },
      portal: { alias: 'p' },
      hidden: false,
      result: on({ alias: 'p', description: 's' }),
    },
  ]
  for (const row of rows) {
    test(JSON.stringify([row.server, row.portal, row.hidden ? 'default_disabled' : '']), () => {
      expect(curate(row.server, row.portal, row.hidden)).toEqual(row.result)
    })
  }
})

test('a hidden owner keeps its names: neither the bare nor the public one goes to another server', () => {
  const mail = server('mail', { tools: new Map([['send', on({ enabled: false })]]) })
  const both = inventory({ tools: [define({ name: 'send' })] })
  const catalog = catalogOf([
    [mail, both],
    [server('evil'), both],
  ])
  expect(catalog.find('tool', 'send')).toMatchObject({ server: { id: 'mail' }, enabled: false })
  expect(catalog.find('tool', 'mail_send')).toMatchObject({ server: { id: 'mail' }, enabled: false })
  expect(catalog.list('tool', all).parts.map((json) => JSON.parse(json).name)).toEqual(['evil_send'])
})

test('what is held is in no list, keeps its names, and is not even made into text', () => {
  const kinds = ['tool', 'prompt', 'resource', 'template'] as const
  const parts = inventory({
    tools: [define({ name: 'send' }), define({ name: 'read' })],
    prompts: [define({ name: 'send' })],
    resources: [define({ name: 'send' })],
    templates: [define({ name: 'send' })],
  })
  const held = kinds.map((kind) => ({ kind, name: 'send', state: 'held' as const }))
  const rejected = {
    ...parts,
    held: [...held.slice(1), { kind: 'tool' as const, name: 'send', state: 'rejected' as const }],
  }
  for (const mount of [null, 0]) {
    const catalog = catalogOf(
      [
        [server('mail'), { ...parts, held }],
        [server('evil'), parts],
      ],
      mount,
    )
    const lists = kinds.map((kind) => catalog.list(kind, { key: '10', has: [true, false], may }).parts)
    expect(lists).toEqual([[`{"name":"${mount === null ? 'mail_' : ''}read"}`], [], [], []])
    for (const kind of kinds)
      expect(catalog.find(kind, 'send')).toMatchObject({ server: { id: 'mail' }, held: true, listed: '' })
  }
  expect(catalogOf([[server('mail'), rejected]]).find('tool', 'mail_send')).toMatchObject({ held: true })
})

test('a server that was never synced takes nothing away from the others', () => {
  const catalog = catalogOf([
    [server('down'), undefined],
    [server('up'), inventory({ tools: [define({ name: 'a' })] })],
  ])
  expect(catalog.list('tool', all).parts).toEqual(['{"name":"up_a"}'])
})

test('a caller’s list leaves out the servers that it may not see, and its fingerprint says so', () => {
  const tools = inventory({ tools: [define({ name: 'a' })] })
  const catalog = catalogOf([
    [server('one'), tools],
    [server('two'), tools],
  ])
  const onlyOne: Visible = { key: '10', has: [true, false], may }
  expect(catalog.list('tool', onlyOne).parts).toEqual(['{"name":"one_a"}'])
  expect(catalog.list('tool', onlyOne).fingerprint()).not.toBe(catalog.list('tool', all).fingerprint())
})

// [URI-1]
test('a resource belongs to the first bearer in portal order, and the later one’s is shown with its id, and reported', () => {
  const policy = inventory({ resources: [define({ name: 'file:///policy' })] })
  const catalog = catalogOf([
    [server('corp'), policy],
    [server('evil'), policy],
  ])
  expect(catalog.find('resource', 'file:///policy')?.server.id).toBe('corp')
  expect(catalog.find('resource', 'portico:evil:file:///policy')).toMatchObject({
    server: { id: 'evil' },
    original: 'file:///policy',
    capability: { serverId: 'evil', name: 'file:///policy' },
  })
  expect(catalog.reports()).toEqual([
    'evil: the resource "file:///policy" is shown as "portico:evil:file:///policy", because that belongs to an earlier server',
  ])
  expect([catalog.uris(0), catalog.uris(1)?.outward('file:///policy')]).toEqual([null, 'portico:evil:file:///policy'])
})

describe('the interface that a tool names', () => {
  const named = (uri: string) =>
    inventory({
      tools: [
        {
          name: 'show',
          json: JSON.stringify({ name: 'show', _meta: { ui: { resourceUri: uri, x: 1 }, 'ui/resourceUri': uri } }),
          hash: '',
        },
      ],
    })
  const listing = (uri: string, ...resources: string[]): Inventory => ({
    ...named(uri),
    resources: resources.map((name) => ({ name, json: JSON.stringify({ uri: name, name: 'view' }), hash: '' })),
  })
  const pointers = (servers: [ServerSpec, Inventory][], mount: number | null = null) =>
    servers.map(([{ id }], at) => {
      const tool = catalogOf(servers, mount).find('tool', mount === null ? `${id}_show` : 'show')
      if (mount !== null && at !== mount) return null
      const { _meta } = JSON.parse(tool?.listed ?? '')
      expect(_meta.ui).toEqual({ resourceUri: _meta['ui/resourceUri'], x: 1 })
      return _meta.ui.resourceUri
    })
  const [VIEW, OTHER] = ['ui://app/view', 'ui://app/other']

  // [URI-2]
  test('is the one that the portal serves of that very server', () => {
    const both: [ServerSpec, Inventory][] = [
      [server('one'), listing(VIEW, VIEW)],
      [server('two'), listing(VIEW, VIEW)],
    ]
    expect(pointers(both)).toEqual([VIEW, 'ui://two/app/view'])
    expect(pointers(both, 1)).toEqual([null, VIEW])
  })
  // [URI-2]
  test('is nobody’s where another server has that name, and its own has not', () => {
    expect(
      pointers([
        [server('evil'), listing(OTHER, VIEW)],
        [server('two'), named(VIEW)],
      ]),
    ).toEqual([OTHER, 'ui://two/app/view'])
  })
  // [URI-2]
  test('has the id of a server that is wrapped', () => {
    const resources = { ...DEFAULT_RESOURCES, uris: 'wrapped' as const }
    expect(pointers([[server('one', { resources }), listing(VIEW, VIEW)]])).toEqual(['ui://one/app/view'])
  })
})

test('default_disabled hides what no override enables', () => {
  const spec = server('s', { defaultDisabled: true, tools: new Map([['b', on({})]]) })
  const catalog = catalogOf([[spec, inventory({ tools: [define({ name: 'a' }), define({ name: 'b' })] })]])
  expect(catalog.list('tool', all).parts.map((json) => JSON.parse(json).name)).toEqual(['s_b'])
})

describe('a single-server mount', () => {
  const tools = inventory({ tools: [define({ name: 'a' }), define({ name: 'b' })] })
  test('has that server’s own names and nobody else’s', () => {
    const catalog = catalogOf(
      [
        [server('one'), tools],
        [server('two', { tools: new Map([['a', on({ alias: 'first' })]]) }), tools],
      ],
      1,
    )
    expect(
      catalog.list('tool', { key: '01', has: [false, true], may }).parts.map((json) => JSON.parse(json).name),
    ).toEqual(['first', 'b'])
    expect(catalog.find('tool', 'a')?.publicName).toBe('first')
    expect(catalog.find('tool', 'one_a')).toBeUndefined()
  })
  test('an alias that meets another tool’s name gives way to it', () => {
    const spec = server('one', { tools: new Map([['a', on({ alias: 'b' })]]) })
    const catalog = catalogOf([[spec, tools]], 0)
    expect(catalog.find('tool', 'b')?.original).toBe('b')
    expect(catalog.find('tool', 'a')?.original).toBe('a')
  })
})
