/** Which resource is shown under which URI, whatever servers list. */
import { describe, expect, test } from 'vitest'
import { inward, nameUris, outward, type UriMode, withId } from './uris.ts'

type Server = [id: string, uris: readonly string[], mode?: UriMode]

function shown(servers: readonly Server[], kind: 'resource' | 'template' = 'resource') {
  const names = nameUris(
    kind,
    servers.map(([id, uris, mode = 'plain']) => ({ id, uris, mode })),
  )
  return {
    reports: names.reports,
    uris: servers.map(([, uris], at) =>
      uris.map((uri) => (names.moved[at]?.has(uri) ? names.moved[at]?.get(uri) : uri)),
    ),
  }
}

const cases: { when: string; servers: readonly Server[]; kind?: 'template'; then: readonly (readonly unknown[])[] }[] =
  [
    {
      when: 'nobody else has it',
      servers: [
        ['git', ['file:///a', 'ui://git/view', 'https://corp/x']],
        ['crm', ['file:///b']],
      ],
      then: [['file:///a', 'ui://git/view', 'https://corp/x'], ['file:///b']],
    },
    {
      when: 'an earlier server has it',
      servers: [
        ['git', ['file:///a', 'https://corp/x']],
        ['crm', ['file:///a', 'https://corp/x', 'file:///b']],
        ['my_box', ['file:///a']],
      ],
      then: [
        ['file:///a', 'https://corp/x'],
        ['portico:crm:file:///a', 'portico:crm:https://corp/x', 'file:///b'],
        ['portico:my_box:file:///a'],
      ],
    },
    {
      when: 'it is an interface that an earlier server has',
      servers: [
        ['git', ['ui://weather/view']],
        ['crm', ['ui://weather/view']],
      ],
      then: [['ui://weather/view'], ['ui://crm/weather/view']],
    },
    {
      when: 'the server is wrapped',
      servers: [
        ['git', ['file:///a', 'ui://git/view', 'https://corp/x', 'HTTPS://corp/y', 'http://corp/z'], 'wrapped'],
        ['crm', ['file:///a']],
      ],
      then: [
        ['portico:git:file:///a', 'ui://git/git/view', 'https://corp/x', 'HTTPS://corp/y', 'portico:git:http://corp/z'],
        ['file:///a'],
      ],
    },
    {
      when: 'it looks like what the portal shows of another server',
      servers: [
        ['evil', ['portico:crm:file:///a', 'ui://crm/view', 'portico:elsewhere:file:///a', 'ui://evil/view']],
        ['crm', ['file:///a', 'ui://crm/view']],
      ],
      then: [
        ['portico:evil:portico:crm:file:///a', 'ui://evil/crm/view', 'portico:elsewhere:file:///a', 'ui://evil/view'],
        ['file:///a', 'ui://crm/view'],
      ],
    },
    {
      when: 'a template covers what the portal shows of another server',
      servers: [
        ['evil', ['ui://{+x}', 'ui:/{+x}', 'portico:{+x}', 'portico:cr{+x}', 'ui://crm/{x}', 'ui://evil/{x}']],
        ['crm', ['crm://{x}']],
      ],
      kind: 'template',
      then: [
        [
          'ui://evil/{+x}',
          'portico:evil:ui:/{+x}',
          'portico:evil:portico:{+x}',
          'portico:evil:portico:cr{+x}',
          'ui://evil/crm/{x}',
          'ui://evil/{x}',
        ],
        ['crm://{x}'],
      ],
    },
  ]
for (const { when, servers, kind, then } of cases) {
  // [URI-1]
  test(`where ${when}, it is shown so`, () => {
    expect(shown(servers, kind ?? 'resource').uris).toEqual(then)
  })
}

// [URI-1]
test('where even the name with the id is somebody’s, a hash goes in between', () => {
  const { uris, reports } = shown([
    ['git', ['ui://view']],
    ['crm', ['ui://crm/view', 'ui://view', 'ui://view']],
  ])
  const [, [own, moved] = []] = uris
  expect(own).toBe('ui://crm/view')
  expect(moved).toMatch(/^ui:\/\/crm\/[0-9a-f]{12}\/view$/)
  expect(reports).toEqual([
    `crm: the resource "ui://view" is shown as "${moved}", because that belongs to an earlier server`,
  ])
})

test('a server that takes all its own names loses what has none left, and that is said', () => {
  const [[, hashed] = []] = [
    shown([
      ['git', ['ui://view']],
      ['crm', ['ui://crm/view', 'ui://view']],
    ]).uris[1] as string[],
  ]
  const { uris, reports } = shown([
    ['git', ['ui://view']],
    ['crm', ['ui://crm/view', hashed ?? '', 'ui://view']],
  ])
  expect(uris[1]).toEqual(['ui://crm/view', hashed, null])
  expect(reports).toEqual(['crm: the resource "ui://view" was dropped, no name of its own is free'])
})

describe('what is read below a template', () => {
  const rows = [
    { original: 'file:///{+path}', id: 'crm', own: 'file:///a/b', seen: 'portico:crm:file:///a/b' },
    { original: '{+uri}', id: 'crm', own: 'file:///etc/x?y#z', seen: 'portico:crm:file:///etc/x?y#z' },
    { original: 'ui://weather/{town}', id: 'crm', own: 'ui://weather/oslo', seen: 'ui://crm/weather/oslo' },
    { original: 'a:{x}', id: 'portico_x', own: 'a:portico:crm:b', seen: 'portico:portico_x:a:portico:crm:b' },
  ]
  for (const { original, id, own, seen } of rows) {
    // [URI-1]
    test(`${seen} is ${own} to its server, and the other way round`, () => {
      const entry = { kind: 'template', publicName: withId(id, original), original }
      expect(inward(entry, seen)).toBe(own)
      expect(outward(entry, own)).toBe(seen)
    })
  }

  test('is nothing where the template does not cover it', () => {
    const entry = { kind: 'template', publicName: 'ui://crm/weather/{town}', original: 'ui://weather/{town}' }
    for (const own of ['ui://other/oslo', 'file:///weather/oslo', 'ui://weather/a/b'])
      expect(outward(entry, own)).toBeNull()
  })
})

test('what keeps its URI is the same on both sides', () => {
  const entry = { kind: 'template', publicName: 'note:/{x}', original: 'note:/{x}' }
  expect(inward(entry, 'note:/a')).toBe('note:/a')
  expect(outward(entry, 'note:/a')).toBe('note:/a')
})

// [URI-1]
test('every name with an id in it is a URI that a careful reader leaves as it is', () => {
  for (const uri of ['file:///a/../b', 'test://HOST/x y', 'urn:isbn:1', 'https://corp.example/?q=1#f', 'mailto:a@b']) {
    const named = withId('my_box-1', uri)
    expect(new URL(named).protocol).toBe('portico:')
    if (!uri.includes(' ')) expect(new URL(named).href).toBe(named)
  }
})
