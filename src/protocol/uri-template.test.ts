import { describe, expect, test } from 'vitest'
import { belongsTo } from './uri-template.ts'

// [NAME-2]
describe('a template that could swallow the URIs of others owns none', () => {
  test.each([
    '{+path}',
    '{scheme}://{x}',
    '{x}',
    'a{x}://b',
    'file:{+path}',
    'file:///{path}',
    'https://{+rest}',
    'HTTPS://{host}/x',
    'urn:{id}',
    'note:{id}',
    '/relative/{id}',
    '',
    'test://a/{',
    'test://a/}',
    'test://a/{}',
    'test://a/{{x}}',
    'test://a/{(a+)+}',
    `test://a/${'{x}'.repeat(65)}`,
  ])('%s', (template) => {
    for (const uri of ['test://a/b', 'file:///etc/passwd', 'https://example.com/x', 'note:1', 'urn:x', template]) {
      expect(belongsTo(uri, template)).toBe(false)
    }
  })
})

const cases: [string, string, boolean][] = [
  ['test://template/{id}/data', 'test://template/7/data', true],
  ['test://template/{id}/data', 'test://template/a%20b:c@d/data', true],
  ['test://template/{id}/data', 'test://template//data', false],
  ['test://template/{id}/data', 'test://template/7/8/data', false],
  ['test://template/{id}/data', 'test://template/7/data/', false],
  ['test://template/{id}/data', 'TEST://template/7/data', false],
  ['demo://resource/{a}-{b}', 'demo://resource/1-2-3', true],
  ['demo://resource/{a}-{b}', 'demo://resource/1', false],
  ['demo://resource/{a,b}', 'demo://resource/1,2', true],
  ['files://root/{+path}', 'files://root/a/b/c.txt', true],
  ['files://root/{+path}', 'files://root/', false],
  ['files://root/{+path}', 'files://other/a', false],
  ['files://root{/path*}', 'files://root/a/b', true],
  ['files://root{/dir,name}', 'files://root/a/b', true],
  ['files://root{/name}', 'files://root/a/b', false],
  ['doc://x{#section}', 'doc://x#top', true],
  ['doc://x{#section}', 'doc://xtop', false],
  ['doc://x{.ext}', 'doc://x.md', true],
  ['find://items{?q,limit}', 'find://items', true],
  ['find://items{?q,limit}', 'find://items?q=a/b&limit=1', true],
  ['find://items{?q,limit}', 'find://itemsOfOthers', false],
  ['file:///home/{name}', 'file:///home/ada', true],
  ['file:///home/{name}', 'file:///etc/passwd', false],
  ['https://api.example/{id}', 'https://api.example/1', true],
  ['https://api.example/{id}', 'https://api.example.evil/1', false],
  ['static://one', 'static://one', true],
  ['static://one', 'static://one2', false],
]

describe('a URI belongs to a template', () => {
  // [NAME-2]
  test.each(cases)('%s of %s: %s', (template, uri, expected) => {
    expect(belongsTo(uri, template)).toBe(expected)
  })

  test('a hostile template and a hostile URI together cost no more than they are long', () => {
    const template = `a://b${'{x}y'.repeat(31)}{+z}!`
    const uri = `a://b${'y'.repeat(8000)}`
    // Backtracking over 32 stretches would never come back.
    expect(belongsTo(uri, template)).toBe(false)
  })

  test('a URI over the limit belongs to nothing', () => {
    expect(belongsTo(`files://root/${'a'.repeat(9000)}`, 'files://root/{+path}')).toBe(false)
  })
})
