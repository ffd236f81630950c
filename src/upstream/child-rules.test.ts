import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { child } from '../../test/child-scripts.ts'
import { stdioConfig } from '../../test/stdio-config.ts'
import { openRoom } from '../../test/upstream-room.ts'
import { findProgram } from '../config/programs.ts'
import { isAllowedVariable } from './child-environment.ts'
import { type Program, refuseProgram } from './child-rules.ts'

let folder: string
let data: string
let keys: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'portico-rules-'))
  data = join(folder, 'portal', 'data')
  keys = join(folder, 'config', 'portico')
  for (const path of [join(data, 'children', 'x'), keys, join(folder, 'notes')]) mkdirSync(path, { recursive: true })
  symlinkSync(data, join(folder, 'notes', 'link'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const rules = () => stdioConfig(data, { guarded: [data, keys, '/proc'] })
const judge = (more: Partial<Program>) =>
  refuseProgram(rules(), { command: '/bin/true', args: [], env: {}, ...more })?.field ?? null

describe('a server may not be pointed at the portal’s own', () => {
  const cases: [string, () => Partial<Program>, string | null][] = [
    ['the data directory', () => ({ args: ['--read', data] }), 'args.1'],
    ['a file in it', () => ({ args: [join(data, 'portico.db')] }), 'args.0'],
    ['a file in it that is not there yet', () => ({ args: [join(data, 'new', 'file')] }), 'args.0'],
    ['the directory above it', () => ({ args: [join(folder, 'portal')] }), 'args.0'],
    ['the root', () => ({ args: ['/'] }), 'args.0'],
    ['the root, in an option', () => ({ args: ['--root=/'] }), 'args.0'],
    ['a link to it', () => ({ args: [join(folder, 'notes', 'link')] }), 'args.0'],
    ['a path through a link to it', () => ({ args: [join(folder, 'notes', 'link', 'portico.db')] }), 'args.0'],
    ['a path that climbs to it', () => ({ args: [`${folder}/notes/x/../../portal`] }), 'args.0'],
    ['a relative path that climbs out of its home', () => ({ args: ['../../..'] }), 'args.0'],
    ['a URL of it', () => ({ args: [`file://${data}`] }), 'args.0'],
    ['one of a list', () => ({ args: [`--allow=/tmp/portico-none,${data}`] }), 'args.0'],
    ['one of a mount', () => ({ args: ['-v', `${folder}:/mnt`] }), 'args.1'],
    ['the key', () => ({ args: [join(keys, 'key-1')] }), 'args.0'],
    ['processes', () => ({ args: ['/proc/self/environ'] }), 'args.0'],
    ['all of it through a process', () => ({ args: ['/proc/self/root'] }), 'args.0'],
    ['it, by a variable', () => ({ env: { ROOT: data } }), 'env.ROOT'],
    ['it, as the directory to start in', () => ({ cwd: data }), 'cwd'],
    ['it, by a command', () => ({ command: join(data, 'children', 'x', 'program') }), 'command'],
    ['something else', () => ({ args: [join(folder, 'notes')], cwd: join(folder, 'notes') }), null],
    ['a directory whose name begins alike', () => ({ args: [`${data}-2`] }), null],
    ['a file of its own', () => ({ args: ['memory.json', './notes', '--port=80'] }), null],
    ['a web address', () => ({ args: ['https://example.com/data?x=/y'], env: { URL: 'http://10.0.0.1/' } }), null],
  ]
  // [CHILD-5]
  test.each(cases)('%s', (_what, program, field) => {
    expect(judge(program())).toBe(field)
  })

  test('the refusal says what to do, and repeats no variable’s value', () => {
    const refusal = refuseProgram(rules(), { command: '/bin/true', args: [], env: { ROOT: `${data}/canary` } })
    expect(refusal?.text).toContain('directory of its own')
    expect(JSON.stringify(refusal)).not.toContain('canary')
  })
})

describe('a list of programs', () => {
  const sh = findProgram('sh', process.env.PATH ?? '') ?? ''
  const listed = () => ({ ...rules(), commands: [sh] })
  const run = (command: string) => refuseProgram(listed(), { command, args: [], env: {} })?.field ?? null

  test('is of files: a name is looked up, a path is followed to its directory, another name of the same file is another', () => {
    expect(run('sh')).toBeNull()
    expect(run(sh)).toBeNull()
    expect(run('/bin/../bin/sh')).toBe(findProgram('/bin/../bin/sh', '') === sh ? null : 'command')
    expect(run('/bin/true')).toBe('command')
    expect(run('no-such-program')).toBe('command')
    const alias = join(folder, 'sh')
    symlinkSync(sh, alias)
    expect(run(alias)).toBe('command')
  })

  // [CHILD-2]
  test('holds at the start too, for a server that was registered before there was one', async () => {
    const marker = join(folder, 'spawned')
    const room = await openRoom({ stdio: { commands: [sh] } })
    try {
      const uid = await room.add('s', { stdio: { command: '/usr/bin/touch', args: [marker], env: {} } })
      expect(room.upstreams.health(uid)).toMatchObject({
        status: 'error',
        error: expect.stringContaining('stdio.commands'),
      })
      await expect(room.tool(uid, 'echo', {})).rejects.toMatchObject({ code: 'upstream-not-ready' })
      expect(existsSync(marker)).toBe(false)
    } finally {
      await room.close()
    }
  })

  test('a program given with a path that is not absolute is refused wherever the portal was started', () => {
    expect(refuseProgram(rules(), { command: './server', args: [], env: {} })?.field).toBe('command')
    expect(refuseProgram(rules(), { command: 'bin/server', args: [], env: {} })?.field).toBe('command')
  })
})

test('an unpinned package runs where the operator allows it, and there alone', async () => {
  const program = { command: 'npx', args: ['-y', 'pkg'], env: {} }
  expect(refuseProgram(rules(), program)).toMatchObject({ field: 'args', text: expect.stringContaining('@1.2.3') })
  expect(refuseProgram({ ...rules(), allowUnpinned: true }, program)).toBeNull()
})

// [CHILD-4]
test.each([
  ...['LD_PRELOAD', 'ld_library_path', 'DYLD_INSERT_LIBRARIES', 'PATH', 'HOME', 'IFS', 'ENV', 'BASH_ENV', 'PS4'],
  ...['BASH_FUNC_x', 'NODE_OPTIONS', 'NODE_PATH', 'npm_config_node_options', 'npm_config_script-shell', 'PYTHONPATH'],
  ...['PYTHONSTARTUP', 'PERL5OPT', 'RUBYOPT', 'JAVA_TOOL_OPTIONS', 'CLASSPATH', 'LUA_INIT', 'GIT_SSH_COMMAND'],
  ...['DOTNET_STARTUP_HOOKS', 'OPENSSL_CONF', 'GCONV_PATH', 'GLIBC_TUNABLES', 'A=B', '', '1A'],
])('the variable %j may not be declared', (name) => {
  expect(isAllowedVariable(name)).toBe(false)
})

test.each([
  'API_KEY',
  'NPM_CONFIG_USERCONFIG',
  'npm_config_registry',
  'HTTPS_PROXY',
  'MEMORY_FILE_PATH',
  'TMPDIR',
  'ENVIRONMENT',
])('the variable %s may', (name) => {
  expect(isAllowedVariable(name)).toBe(true)
})

test('a child whose home is in the data directory works in it, by relative paths', async () => {
  const room = await openRoom()
  try {
    const body = `answers['tools/call'] = () => { require('node:fs').writeFileSync('notes.txt', 'x'); return text('kept') }`
    const uid = await room.add('s', { stdio: { ...child(body), args: [...child(body).args, 'notes.txt'] } })
    expect(await room.tool(uid, 'echo', {})).toMatchObject({ content: [{ text: 'kept' }] })
  } finally {
    await room.close()
  }
})
