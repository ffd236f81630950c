/**
 * What the operating system lets a process of the sandbox do when its engine is no wall any more: the probe that stands in
 * its place here is Node without its permission model, which may do whatever a native program may.
 */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { LIMITS } from '../../src/config/limits.ts'
import { findProgram } from '../../src/config/programs.ts'
import { findAddon } from '../../src/sandbox/addon.ts'
import { type Wall, type WallKind, wallsOf } from '../../src/sandbox/walls.ts'
import { CONFIG, jobOf, open } from './room.ts'

const listener = createServer((socket) => socket.end('reached'))
let folder: string
let secret: string
let port: number
let addon: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'portico-walls-'))
  secret = join(folder, 'portico.db')
  writeFileSync(secret, 'a secret')
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  port = (listener.address() as { port: number }).port
  const found = await findAddon()
  if (!('file' in found)) throw new Error(found.unavailable)
  addon = found.file
})
afterAll(() => {
  listener.close()
  rmSync(folder, { recursive: true, force: true })
})

/** Tries everything, and tells what went. */
const PROBE = `
  const fs = require('node:fs')
  const tried = (deed) => { try { return deed() } catch (error) { return 'refused' } }
  const [, , secret, port, parent] = process.argv
  const found = {
    env: Object.keys(process.env).filter((name) => name !== 'PWD'),
    secret: tried(() => fs.readFileSync(secret, 'utf8')),
    passwd: tried(() => fs.readFileSync('/etc/passwd', 'utf8').length > 0),
    environ: tried(() => fs.readFileSync('/proc/' + parent + '/environ').length > 0),
    write: tried(() => { fs.writeFileSync(secret + '.new', 'x'); return 'written' }),
    signal: tried(() => process.kill(Number(parent), 0)),
    limits: tried(() => fs.readFileSync('/proc/self/limits', 'utf8')),
    program: tried(() => require('node:child_process').execFileSync('/bin/sh', ['-c', 'echo ran']).toString().trim()),
    descriptors: tried(() => fs.readdirSync('/proc/self/fd').filter((fd) => { try { return fs.readlinkSync('/proc/self/fd/' + fd).startsWith('/') } catch { return false } })),
  }
  const socket = require('node:net').connect(Number(port), '127.0.0.1')
  const done = (network) => { console.log(JSON.stringify({ ...found, network })); process.exit(0) }
  socket.on('data', (data) => done(String(data)))
  socket.on('error', () => done('refused'))
`

interface Probed {
  env: string[]
  secret: string
  passwd: unknown
  environ: unknown
  write: string
  signal: unknown
  limits: string
  program: string
  descriptors: unknown
  network: string
}

async function probe(wall: Wall): Promise<Probed> {
  const rest = [secret, String(port), String(process.pid)]
  const { command, args } = wall.launch({ node: ['--no-warnings', '--eval', PROBE], addon, rest })
  const child = spawn(command, args, { env: {}, cwd: '/', stdio: ['ignore', 'pipe', 'pipe'], detached: true })
  let [out, err] = ['', '']
  child.stdout.on('data', (data) => {
    out += data
  })
  child.stderr.on('data', (data) => {
    err += data
  })
  await new Promise((resolve) => child.once('close', resolve))
  try {
    return JSON.parse(out)
  } catch {
    throw new Error(`${command} said: ${out}${err}`)
  }
}

function wallOf(kind: WallKind): Wall | undefined {
  return wallsOf(CONFIG.path, true).find((wall) => wall.kind === kind)
}

/** Some containers let nobody make namespaces: then there is no such wall, and a process behind it does not come up at all. */
function mayMakeNamespaces(): boolean {
  return spawnSync('unshare', ['--user', '--map-root-user', '--net', '--pid', '--fork', 'true']).status === 0
}

const SHUT = {
  secret: 'refused',
  passwd: 'refused',
  environ: 'refused',
  write: 'refused',
  program: 'refused',
  network: 'refused',
}

describe.runIf(process.platform === 'linux')('a process that was taken over', () => {
  // [SANDBOX-8]
  test('behind bubblewrap reaches no file, no network, no process and no program', async () => {
    const wall = wallOf('closed')
    // Without the tool there is no such wall, and whoever requires it is told.
    if (findProgram('bwrap', CONFIG.path) === null) return expect(wall).toBeUndefined()
    if (!mayMakeNamespaces()) return expect(probe(wall as Wall)).rejects.toThrow('said')
    expect(await probe(wall as Wall)).toMatchObject({ ...SHUT, signal: 'refused', env: [] })
  })

  // [SANDBOX-8]
  test('behind unshare reaches no network and no process', async () => {
    const wall = wallOf('offline')
    if (wall === undefined) throw new Error('unshare and setpriv of util-linux are needed for this test')
    if (!mayMakeNamespaces()) return expect(probe(wall)).rejects.toThrow('said')
    expect(await probe(wall)).toMatchObject({ network: 'refused', signal: 'refused', env: [] })
  })

  test('has the limits that are set', async () => {
    const wall = wallOf('limits')
    if (wall === undefined) throw new Error('prlimit of util-linux is needed for this test')
    const { limits, write, env } = await probe(wall)
    const seconds = String(LIMITS.code_process_cpu.value / 1000)
    expect(limits).toMatch(new RegExp(`Max cpu time +${seconds} +${seconds} `))
    const bytes = String(LIMITS.code_process_memory.value)
    expect(limits).toMatch(new RegExp(`Max data size +${bytes} +${bytes} `))
    expect(limits).toMatch(/Max open files +64 +64 /)
    expect(limits).toMatch(/Max core file size +0 +0 /)
    // It may make a file, with its own rights, and put nothing in it.
    expect(write).toBe('refused')
    expect(existsSync(`${secret}.new`) ? readFileSync(`${secret}.new`, 'utf8') : '').toBe('')
    expect(env).toEqual([])
    const jitless = wallsOf(CONFIG.path, false).find(({ kind }) => kind === 'limits') as Wall
    expect((await probe(jitless)).limits).toContain(String(LIMITS.code_process_memory_jitless.value))
  })

  test('inherits no descriptor of the portal that is a file', async () => {
    const wall = wallOf('none')
    expect((await probe(wall as Wall)).descriptors).toEqual(
      expect.not.arrayContaining([expect.stringMatching(/portico|\.db/)]),
    )
  })
})

/** Run in the isolate's own process in the place of our program, within Node's permission model. */
const INSIDE = `
  import fs from 'node:fs'
  const tried = async (deed) => { try { await deed(); return 'done' } catch (error) { return error.code ?? error.message } }
  const send = (head, body = '') => {
    const [h, b, prefix] = [Buffer.from(JSON.stringify(head)), Buffer.from(body), Buffer.alloc(8)]
    prefix.writeUInt32BE(h.length, 0)
    prefix.writeUInt32BE(b.length, 4)
    process.stdout.write(Buffer.concat([prefix, h, b]))
  }
  send({ kind: 'ready' })
  process.stdin.on('end', () => process.exit())
  process.stdin.once('data', async (bytes) => {
    const { run } = JSON.parse(bytes.toString('utf8', 8, 8 + bytes.readUInt32BE(0)))
    send({ kind: 'returned', run }, JSON.stringify({
      read: await tried(() => fs.readFileSync('/etc/hostname')),
      own: await tried(() => fs.readFileSync(process.execPath)),
      write: await tried(() => fs.writeFileSync('/tmp/portico-x', 'x')),
      program: await tried(async () => (await import('node:child_process')).spawnSync('true')),
      thread: await tried(async () => new (await import('node:worker_threads')).Worker('1', { eval: true })),
      inspector: await tried(async () => (await import('node:inspector')).open(0)),
      env: Object.keys(process.env).filter((name) => name !== 'PWD'),
      cwd: process.cwd(),
      shared: typeof WebAssembly,
    }))
  })
`
test('within its own process Node refuses files, programs, threads and the inspector', async () => {
  const sandbox = await open({ processes: 1, program: INSIDE, path: '' })
  const end = await sandbox.run(jobOf('async () => 1'))
  await sandbox.close()
  const denied = 'ERR_ACCESS_DENIED'
  expect(end).toMatchObject({
    kind: 'returned',
    value: { read: denied, own: denied, write: denied, program: denied, thread: denied, env: [], cwd: '/' },
  })
  expect(end).not.toMatchObject({ value: { inspector: 'done' } })
})

describe('where the system has no tool for a wall', () => {
  test('code runs all the same, unless the wall is required', async () => {
    const bare = await open({ processes: 1, path: '' })
    expect(await bare.run(jobOf('async () => 1'))).toMatchObject({ value: 1 })
    await bare.close()
    const strict = await open({ processes: 1, path: '', wall: 'required' })
    expect(strict.unavailable).toMatch(/bubblewrap/)
    expect(await strict.run(jobOf('async () => 1'))).toMatchObject({ kind: 'stopped', why: 'lost' })
    await strict.close()
  })

  test('a tool that is there and does not work gives way to the next one', async () => {
    const broken = join(folder, 'bwrap')
    writeFileSync(broken, '#!/bin/sh\nexit 1\n', { mode: 0o755 })
    const sandbox = await open({ processes: 1, path: `${folder}:${CONFIG.path}` })
    expect(await sandbox.run(jobOf('async () => 1'))).toMatchObject({ value: 1 })
    await sandbox.close()
  })

  test('a wall that worked once is not given up for a weaker one', async () => {
    const [tools, flag] = [mkdtempSync(join(folder, 'tools-')), join(folder, 'works')]
    const script = `#!/bin/sh\n[ -e ${flag} ] || exit 1\nwhile [ "$1" != -- ]; do shift; done\nshift\nexec "$@"\n`
    writeFileSync(join(tools, 'prlimit'), script, { mode: 0o755 })
    writeFileSync(flag, '')
    const sandbox = await open({ processes: 1, path: tools })
    expect(await sandbox.run(jobOf('async () => 1'))).toMatchObject({ value: 1 })
    rmSync(flag)
    await sandbox.run(jobOf('async () => { for (;;); }', { budget: { cpuMs: 50 } }))
    expect(await sandbox.run(jobOf('async () => 1'))).toMatchObject({ kind: 'stopped', why: 'lost' })
    writeFileSync(flag, '')
    expect(await sandbox.run(jobOf('async () => 1'))).toMatchObject({ value: 1 })
    await sandbox.close()
  })

  test('a start that takes too long is no reason to try a weaker wall, and one that fails is', async () => {
    const tools = mkdtempSync(join(folder, 'slow-'))
    const [hangs, weaker] = [join(tools, 'hangs'), join(tools, 'weaker')]
    const limits = `#!/bin/sh\nwhile [ "$1" != -- ]; do shift; done\nshift\ncase "$1" in */bwrap) ;; *) : > ${weaker} ;; esac\nexec "$@"\n`
    writeFileSync(join(tools, 'prlimit'), limits, { mode: 0o755 })
    // Nothing is written to it before it says that it is ready, so it waits until it is ended.
    writeFileSync(join(tools, 'bwrap'), `#!/bin/sh\n[ -e ${hangs} ] && read line\nexit 1\n`, { mode: 0o755 })
    writeFileSync(hangs, '')
    const strict = await open({ processes: 1, path: tools, wall: 'required', readyMs: 500 })
    expect(strict.unavailable).toMatch(/bubblewrap/)
    const impatient = await open({ processes: 1, path: tools, readyMs: 500 })
    for (let i = 0; i < 2; i++)
      expect(await impatient.run(jobOf('async () => 1'))).toMatchObject({ kind: 'stopped', why: 'lost' })
    await impatient.close()
    expect(existsSync(weaker)).toBe(false)
    rmSync(hangs)
    const patient = await open({ processes: 1, path: tools })
    expect(await patient.run(jobOf('async () => 1'))).toMatchObject({ value: 1 })
    expect(existsSync(weaker)).toBe(true)
    await patient.close()
  })
})
