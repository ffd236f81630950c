/** What one run leaves in its process: nothing for the next one, and no more memory taken than a process may take. */
import { readFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { LIMITS, MIB } from '../../src/config/limits.ts'
import type { Sandbox } from '../../src/sandbox/model.ts'
import { jobOf, open } from './room.ts'

/** All processes below this one that have the sandbox's program in their words, by the host's own numbers. */
function cages(): number[] {
  const below = (pid: number): number[] => {
    const children = read(`/proc/${pid}/task/${pid}/children`).trim().split(' ').filter(Boolean).map(Number)
    return children.flatMap((child) => [child, ...below(child)])
  }
  return below(process.pid).filter((pid) => /portico-sandbox|takeRun/.test(read(`/proc/${pid}/cmdline`)))
}

/** Empty for a process that is gone meanwhile. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

async function opened(): Promise<Sandbox> {
  const sandbox = await open({ processes: 1 })
  onTestFinished(() => sandbox.close())
  return sandbox
}

/** Everywhere that code can put a word. */
const leave = (word: string) => `async () => {
  globalThis.kept = '${word}'
  Object.prototype['${word}'] = Array.prototype['${word}'] = '${word}'
  Symbol.for('${word}')
  ;/(${word})/.exec('before ${word} after')
  globalThis.buffers = Array.from({ length: 16 }, () => {
    const bytes = new Uint8Array(1e6)
    for (let i = 0; i + ${word.length} < bytes.length; i += ${word.length}) for (let k = 0; k < ${word.length}; k++) bytes[i + k] = '${word}'.charCodeAt(k)
    return bytes
  })
  globalThis.texts = Array.from({ length: 1000 }, (_, i) => '${word}' + i)
  Error.prepareStackTrace = () => '${word}'
  eval('function ${word}() { return "${word}" }')
  new Function('return "${word}"')()
  console.log('${word}')
  await codemode.echo('${word}')
  Promise.resolve().then(() => { for (let i = 0; i < 1e4; i++) globalThis['${word}' + i] = '${word}' })
  return '${word}'
}`

/** Looks in all that can be reached, in what the language remembers by itself, and in memory that it hands out anew. */
const seek = (half: string, other: string) => `async () => {
  const word = '${half}' + '${other}'
  const found = []
  const look = (where, value) => { if (typeof value === 'string' && value.includes(word) && !value.includes('const word')) found.push(where) }
  for (const name of ['$_', '$&', '$+', '$\`', "$'", 'input', 'lastMatch', 'lastParen', 'leftContext', 'rightContext', '$1', '$2']) look('RegExp.' + name, RegExp[name])
  look('stack', new Error('x').stack)
  look('Symbol', Symbol.keyFor(Symbol.iterator))
  const seen = new Set([globalThis, codemode, console])
  for (const thing of seen) {
    look('source', typeof thing === 'function' ? Function.prototype.toString.call(thing) : '')
    for (const key of Reflect.ownKeys(thing)) {
      look('key', String(key))
      const own = Reflect.getOwnPropertyDescriptor(thing, key)
      for (const value of [own?.value, own?.get, own?.set, Reflect.getPrototypeOf(thing)]) {
        look(String(key), value)
        if (value !== null && (typeof value === 'object' || typeof value === 'function')) seen.add(value)
      }
    }
  }
  for (const size of [1e6, 1e5, 4096, 64]) for (let n = 0; n < 40; n++) {
    const bytes = new Uint8Array(size)
    for (let i = 0; i < size; i++) if (bytes[i] !== 0) { found.push('memory'); break }
    const grown = new ArrayBuffer(0, { maxByteLength: size })
    grown.resize(size)
    if (new Uint8Array(grown).some((byte) => byte !== 0)) found.push('grown memory')
  }
  return [found, seen.size]
}`

// [SANDBOX-4]
test.runIf(process.platform === 'linux')(
  'a word that one run puts everywhere is nowhere in the next run of the same process',
  async () => {
    const sandbox = await opened()
    const [half, other] = ['needleOf', `Ada${Date.now()}`]
    const own = await sandbox.run(
      jobOf(`async () => { globalThis['${half}${other}'] = 1; return (${seek(half, other)})() }`, {
        budget: { cpuMs: 20_000 },
      }),
    )
    expect(own).toMatchObject({ value: [['key'], expect.any(Number)] })
    let inTheSame = 0
    for (let i = 0; i < 12 && inTheSame < 3; i++) {
      const pids: number[][] = []
      const call = async () => void pids.push(cages()) as never
      expect(await sandbox.run(jobOf(leave(half + other), { call, budget: { cpuMs: 20_000 } }))).toMatchObject({
        value: half + other,
      })
      const code = `async () => { await codemode.echo(); return (${seek(half, other)})() }`
      const next = await sandbox.run(jobOf(code, { call, budget: { cpuMs: 20_000 } }))
      expect(next).toMatchObject({ kind: 'returned', value: [[], expect.any(Number)], console: [] })
      expect(JSON.stringify(next)).not.toContain(half)
      expect(pids[0]).not.toEqual([])
      // A process that takes long to be free again, as on a loaded machine, is not used again.
      if (isDeepStrictEqual(pids[0], pids[1])) inTheSame++
    }
    expect(inTheSame).toBeGreaterThan(0)
  },
)

const MEMORY_MIB = 64
/** As the process counts: itself, and three times what a guest may have. What comes between two looks is what it took in 20 ms. */
const MOST_MIB = 160 + 3 * MEMORY_MIB
const BETWEEN_MIB = 192

const GREEDY: Record<string, string> = {
  'objects without end': 'async () => { let a = {}; for (;;) a = { a } }',
  'numbers without end': 'async () => { const a = []; for (;;) a.push(new Array(1e5).fill(1.5)) }',
  'buffers without end that are let go': 'async () => { for (;;) { try { new Uint8Array(3e7).fill(1) } catch {} } }',
  'buffers without end':
    'async () => { const a = []; for (;;) { try { a.push(new Uint8Array(1e6).fill(1)) } catch {} } }',
  'half a gigabyte of text': 'async () => JSON.stringify(["x".repeat(5e8)]).length',
  'texts that are joined and flattened':
    'async () => { let s = "ab"; for (;;) { s += s; s.charCodeAt(s.length - 1); if (s.length > 4e8) s = "ab" } }',
  'a number of many digits': 'async () => { let n = 3n; for (;;) n *= n }',
  'a pattern with a long way back': 'async () => { for (;;) /^(?:(a)|b|(c))*$/.test("abc".repeat(3e6)) }',
}
test.runIf(process.platform === 'linux').each(Object.entries(GREEDY))(
  '%s: the process takes no more memory than it may, and the portal none of it',
  async (_, code) => {
    const sandbox = await opened()
    const before = process.memoryUsage.rss()
    await sandbox.run(jobOf('async () => 1'))
    const peak = watchPeak()
    const end = await sandbox.run(jobOf(code, { budget: { cpuMs: 3000, wallMs: 60_000, memoryMiB: MEMORY_MIB } }))
    expect(end.kind).not.toBe('returned')
    const mib = peak()
    expect(mib).toBeGreaterThan(20)
    expect(mib).toBeLessThan(MOST_MIB + BETWEEN_MIB)
    expect((process.memoryUsage.rss() - before) / MIB).toBeLessThan(100)
    expect(MEMORY_MIB).toBe(LIMITS.code_memory.value / MIB)
  },
)

/** @returns stops, and gives the highest peak of any process of a sandbox, by the system's count, in MiB */
function watchPeak(): () => number {
  let most = 0
  const look = () => {
    for (const pid of cages()) {
      const [, kib = '0'] = /VmHWM:\s+(\d+)/.exec(read(`/proc/${pid}/status`)) ?? []
      most = Math.max(most, Number(kib) / 1024)
    }
  }
  look()
  const timer = setInterval(look, 3)
  return () => {
    clearInterval(timer)
    return most
  }
}
