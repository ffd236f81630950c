import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { LONGEST_NAME, type NamedServer, nameAll, nameBare, nameTogether } from './names.ts'

function server(id: string, ...tools: (string | [string, string])[]): NamedServer {
  return {
    id,
    items: tools.map((tool) =>
      typeof tool === 'string' ? { original: tool, alias: null } : { original: tool[0], alias: tool[1] },
    ),
  }
}

/** `{server id}/{original}` of the owner, or undefined. */
function owner(servers: NamedServer[], names: ReadonlyMap<string, { server: number; item: number }>, name: string) {
  const claim = names.get(name)
  const found = claim && servers[claim.server]
  return found && `${found.id}/${found.items[claim.item]?.original}`
}

test('a public name is the server id and the tool; an alias replaces the tool part', () => {
  const servers = [server('git', 'status', ['log', 'history'])]
  expect([...nameAll(servers).public.keys()]).toEqual(['git_status', 'git_history'])
})

for (const order of [
  ['git', 'git_hub'],
  ['git_hub', 'git'],
] as const) {
  describe(`the name space of the longer server id, registered ${order.join(' before ')}`, () => {
    const make = (hubTools: string[]) =>
      order.map((id) => (id === 'git' ? server(id, 'hub_x') : server(id, ...hubTools)))

    test('belongs to the longer server when both have the tool', () => {
      const servers = make(['x'])
      expect(owner(servers, nameAll(servers).public, 'git_hub_x')).toBe('git_hub/x')
    })

    test('never falls back to the shorter one when the longer lacks the tool', () => {
      const servers = make([])
      const names = nameAll(servers)
      expect(owner(servers, names.public, 'git_hub_x')).toBeUndefined()
      expect([...names.public.keys()]).toEqual([expect.stringMatching(/^git_hub_x_[0-9a-f]{12}$/)])
    })
  })
}

test('a bare name belongs to its first bearer in portal order, and the later one is reported', () => {
  const servers = [server('mail', 'send'), server('evil', 'send')]
  const names = nameBare(servers, nameAll(servers))
  expect(owner(servers, names.bare, 'send')).toBe('mail/send')
  expect(names.reports).toEqual(['evil: the bare name "send" belongs to an earlier server'])
})

test('a bare name never takes a public name or stands in the name space of a server', () => {
  const servers = [server('evil', 'git_status', 'git_push'), server('git', 'status')]
  const names = nameAll(servers)
  expect(owner(servers, names.public, 'git_status')).toBe('git/status')
  const { bare } = nameBare(servers, names)
  expect(bare.has('git_status')).toBe(false)
  expect(bare.has('git_push')).toBe(false)
})

test('the names of the portal itself are nobody else’s, bare or public', () => {
  const servers = [server('portal', 'list_servers'), server('evil', 'portal_list_servers', 'portal')]
  const names = nameAll(servers)
  expect([...names.public.keys()]).toEqual(['evil_portal_list_servers', 'evil_portal'])
  const { bare } = nameBare(servers, names)
  expect(bare.has('portal_list_servers')).toBe(false)
  expect(bare.has('portal')).toBe(false)
})

test('a long name is shortened with a stable hash that tells two tools with one beginning apart', () => {
  const long = 'a'.repeat(80)
  const servers = [server('s', `${long}1`, `${long}2`)]
  const [first, second] = [...nameAll(servers).public.keys()]
  expect(first).toHaveLength(LONGEST_NAME)
  expect(first).not.toBe(second)
  expect([...nameAll(servers).public.keys()]).toEqual([first, second])
})

test('a tool named exactly like another’s shortened form does not get its calls', () => {
  const long = 'a'.repeat(80)
  const shortened = [...nameAll([server('s', long)]).public.keys()][0] as string
  const impostor = shortened.slice('s_'.length)
  for (const tools of [
    [long, impostor],
    [impostor, long],
  ]) {
    const servers = [server('s', ...tools)]
    expect(owner(servers, nameAll(servers).public, shortened)).toBe(`s/${long}`)
  }
})

test('two tools with one alias keep the first and give the second a hash suffix', () => {
  const servers = [server('s', ['a', 'same'], ['b', 'same'])]
  const names = nameAll(servers)
  expect(owner(servers, names.public, 's_same')).toBe('s/a')
  expect(names.public.size).toBe(2)
  expect(names.reports).toHaveLength(1)
})

// [NAME-1]
test('whatever the servers are, names are unique, short, unreserved and stable', () => {
  const id = fc.stringMatching(/^[a-z]{1,2}(_[a-z]{1,2}){0,2}$/)
  const tool = fc.stringMatching(/^[a-z]{1,2}(_[a-z]{1,2}){0,3}$|^x{60,70}$/)
  const portal = fc.uniqueArray(fc.record({ id, tools: fc.uniqueArray(tool, { maxLength: 5 }) }), {
    selector: (entry) => entry.id,
    maxLength: 6,
  })
  fc.assert(
    fc.property(portal, (entries) => {
      const servers = entries.map((entry) => server(entry.id, ...entry.tools))
      const names = nameAll(servers)
      expect(nameAll(servers)).toEqual(names)
      for (const [name, claim] of names.public) {
        expect(name.length).toBeLessThanOrEqual(LONGEST_NAME)
        expect(name.startsWith('portal_')).toBe(false)
        // A plain name is never in a longer server's name space.
        const bearer = servers[claim.server] as NamedServer
        const plain = `${bearer.id}_${bearer.items[claim.item]?.original}`
        if (name === plain) {
          for (const other of servers) {
            if (other.id.length > bearer.id.length) expect(name.startsWith(`${other.id}_`)).toBe(false)
          }
        }
      }
      for (const name of nameBare(servers, names).bare.keys()) expect(names.public.has(name)).toBe(false)
    }),
  )
})

test('names settled by families are those that are settled over all servers at once', () => {
  const ids = [
    'git',
    'git_hub',
    'git_hub_x',
    'hub',
    'a'.repeat(50),
    'a'.repeat(51),
    'a'.repeat(60),
    `${'a'.repeat(50)}_b`,
  ]
  const part = fc.constantFrom('x', 'hub_x', 'hub_x_x', 'x_x', 'b_x', 'portal', 'y'.repeat(14), 'y'.repeat(70))
  const item = fc.record({ original: part, alias: fc.option(part) })
  const servers = fc.uniqueArray(fc.record({ id: fc.constantFrom(...ids), items: fc.array(item, { maxLength: 6 }) }), {
    selector: ({ id }) => id,
  })
  fc.assert(
    fc.property(servers, (given) => {
      const whole = nameTogether(given)
      const names = new Map(
        whole.names.flatMap((all, server) =>
          all.flatMap((name, item) => (name === null ? [] : [[name, { server, item }] as const])),
        ),
      )
      const { public: owners, reports } = nameAll(given)
      expect([...owners]).toEqual([...names])
      expect(reports.toSorted()).toEqual(whole.reports.toSorted())
    }),
    { numRuns: 500 },
  )
})
