import { expect, test } from 'vitest'
import type { JsonObject } from './model.ts'
import { skillIn } from './skill.ts'

const DIGEST = `sha256:${'0a'.repeat(32)}`
const file = (uri: string, more: JsonObject = {}) => ({ uri, digest: DIGEST, size: 1, ...more })
const URI = 'skill://team/pdf-tools/SKILL.md'
const frontmatter = { name: 'pdf-tools', description: 'Reads PDF.' }
const GOOD = { uri: URI, frontmatter, resources: [file(URI), file('skill://team/pdf-tools/a%20b.md')] }

const cases: [string, JsonObject[string], boolean][] = [
  ['as it should be', GOOD, true],
  ['with members that nobody knows', { ...GOOD, x: 1, _meta: { y: 1 } }, true],
  ['below an authority alone', { ...GOOD, uri: 'skill://pdf-tools/SKILL.md', resources: 'dynamic' }, true],
  [
    'below a scheme without a hierarchy',
    { ...GOOD, uri: 'portico:x:skill://pdf-tools/SKILL.md', resources: 'dynamic' },
    true,
  ],
  ['no object', 'skill', false],
  ['no URI', { ...GOOD, uri: 'SKILL.md' }, false],
  ['the URI of something else', { ...GOOD, uri: 'skill://team/pdf-tools/README.md' }, false],
  ['no directory', { ...GOOD, uri: 'skill:///SKILL.md', resources: 'dynamic' }, false],
  ['named otherwise than its directory', { ...GOOD, frontmatter: { ...frontmatter, name: 'pdf' } }, false],
  [
    'a name of other letters',
    { ...GOOD, uri: 'skill://Pdf/SKILL.md', frontmatter: { ...frontmatter, name: 'Pdf' } },
    false,
  ],
  ['no description', { ...GOOD, frontmatter: { name: 'pdf-tools', description: '' } }, false],
  ['a long description', { ...GOOD, frontmatter: { ...frontmatter, description: 'x'.repeat(1025) } }, false],
  [
    'a description of 1,024 letters outside the first plane',
    { ...GOOD, frontmatter: { ...frontmatter, description: '😀'.repeat(1024) } },
    true,
  ],
  ['metadata that is no text', { ...GOOD, frontmatter: { ...frontmatter, metadata: { a: 1 } } }, false],
  ['a mark that is no object', { ...GOOD, _meta: 'x' }, false],
  ['no list of files', { ...GOOD, resources: 'all' }, false],
  ['a list without its SKILL.md', { ...GOOD, resources: GOOD.resources.slice(1) }, false],
  ['a file twice', { ...GOOD, resources: [...GOOD.resources, file('skill://team/pdf-tools/a b.md')] }, false],
  ['a file outside', { ...GOOD, resources: [file(URI), file('skill://team/other/x.md')] }, false],
  ['a file above', { ...GOOD, resources: [file(URI), file('skill://team/pdf-tools/../x.md')] }, false],
  ['a file above, encoded', { ...GOOD, resources: [file(URI), file('skill://team/pdf-tools/..%2fx.md')] }, false],
  ['a file with a fragment', { ...GOOD, resources: [file(URI), file(`${URI}#x`)] }, false],
  ['a file without a digest', { ...GOOD, resources: [file(URI, { digest: 'md5:0' })] }, false],
  ['a file without a size', { ...GOOD, resources: [file(URI, { size: -1 })] }, false],
  ['more bytes than a reader takes', { ...GOOD, resources: [file(URI, { size: 16 * 1024 * 1024 + 1 })] }, false],
]

test.each(cases)('an entry: %s', (_what, entry, isOne) => {
  expect(skillIn(entry)).toBe(isOne ? entry : null)
})

test('an entry has 512 files and no more', () => {
  const files = Array.from({ length: 512 }, (_one, n) => file(`skill://team/pdf-tools/${n}.md`))
  expect(skillIn({ ...GOOD, resources: [file(URI), ...files.slice(1)] })).not.toBeNull()
  expect(skillIn({ ...GOOD, resources: [file(URI), ...files] })).toBeNull()
})
