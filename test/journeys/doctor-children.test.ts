/** What `portico doctor` says of servers that run as programs, from the file alone: no portal is running. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Finding } from '../../src/cli/finding.ts'
import { run } from '../../src/cli/program.ts'

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portico-doctor-children-'))
  mkdirSync(join(folder, 'data'), { mode: 0o700 })
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const server = (id: string, transport: object) => ({
  ...{ id, name: id, hostname: `stdio://${id}`, auth_type: 'unauthenticated' },
  transport: { type: 'stdio', ...transport },
})

/** What it says of children and of servers, and no more. @param stdio settings of the file */
async function told(stdio: object, servers: object[] = []): Promise<string[]> {
  // JSON is YAML.
  writeFileSync(join(folder, 'portico.yaml'), JSON.stringify({ stdio, servers }))
  let out = ''
  const sink = { write: (text: string) => (out += text) }
  const env = {
    PATH: process.env.PATH ?? '',
    XDG_CONFIG_HOME: join(folder, 'config'),
    PORTICO_URL: 'http://127.0.0.1:2',
  }
  await run({ argv: ['--json', 'doctor'], env, cwd: folder, stdout: sink, stderr: { write: () => true } })
  const findings: Finding[] = JSON.parse(out)
  return findings
    .filter(({ check }) => check === 'children' || check.startsWith('server '))
    .map(({ check, verdict, text, hint }) => `${verdict} ${check}: ${text} => ${hint}`)
}

test('a program with nothing around it is warned of, and one behind a wrapper is not', async () => {
  const one = [server('files', { command: '/bin/sh' })]
  expect(await told({}, one)).toEqual([
    expect.stringMatching(/^warning children: files: nothing keeps this program from reading .* => Set stdio.wrapper/),
  ])
  expect(await told({ wrapper: ['env'] }, one)).toEqual([])
  expect(await told({}, [])).toEqual([])
})

test('a program that the portal would not start is told with the reason', async () => {
  const shown = await told({ wrapper: ['env'], commands: ['sh', 'no-such-program'] }, [
    server('root', { command: 'sh', args: ['/'] }),
    server('loose', { command: 'npx', args: ['-y', 'pkg'] }),
  ])
  expect(shown).toEqual([
    expect.stringMatching(/^warning children: .*commands: no-such-program is no program on this machine/),
    expect.stringMatching(
      /^problem server root: the portal does not start it: its args.0 leads to the portal's own data/,
    ),
    expect.stringMatching(/^problem server loose: the portal does not start it: its command is not among the programs/),
  ])
  expect(await told({ wrapper: ['env'] }, [server('loose', { command: 'npx', args: ['-y', 'pkg'] })])).toEqual([
    expect.stringMatching(/^problem server loose: .*"pkg" in whatever version/),
  ])
})

test('a wrapper and a program that are not installed, and registration from anywhere, are told', async () => {
  const shown = await told({ wrapper: ['no-such-wrapper'], register: 'api', commands: ['sh'] }, [
    server('gone', { command: '/no/such/program' }),
    server('absent', { command: 'sh' }),
  ])
  expect(shown).toEqual([
    expect.stringMatching(/^problem children: .*wrapper: no-such-wrapper is no program .* => Install no-such-wrapper/),
    expect.stringMatching(/^warning children: every token that may write servers, from anywhere, can run sh here/),
    expect.stringMatching(/^problem server gone: .*not among the programs/),
  ])
})

test('a user that the portal could not become is told', async () => {
  const shown = await told({ run_as: 'no-such-user', homes: join(folder, 'homes') })
  // Whoever is not root cannot try it.
  const isRoot = process.getuid?.() === 0
  expect(shown).toEqual([
    expect.stringContaining(isRoot ? 'there is no user of this name' : 'works where the portal is started as root'),
  ])
})
