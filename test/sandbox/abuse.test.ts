/**
 * Code that takes what it can: CPU, memory, calls, lines. Each case also sees that a run beside it, the portal's process
 * and the next run are as they were.
 */
import { expect, test } from 'vitest'
import { type Asked, useSandbox } from './room.ts'

const { attack } = useSandbox({ processes: 2 })
const LITTLE: Asked = { budget: { cpuMs: 150, wallMs: 30_000, memoryMiB: 32 } }
/** What the portal's process may take while it watches. */
const HOST_BYTES = 150 * 1024 * 1024

const BUSY: Record<string, string> = {
  'a loop without end': 'async () => { for (;;); }',
  'a loop in a chain of microtasks': 'async () => { for (;;) await 1 }',
  'a promise that always makes another':
    'async () => { const again = () => Promise.resolve().then(again); await again() }',
  'a loop that nobody waits for': 'async () => { (async () => { await 1; for (;;); })(); await new Promise(() => {}) }',
  'a generator without end':
    'async () => { let n = 0; for (const x of (function* () { for (;;) yield 1 })()) n += x; return n }',
  'a loop that catches and goes on': 'async () => { for (;;) try { for (;;); } catch {} finally { for (;;); } }',
  'a pattern that tries all ways': 'async () => /^(a+)+$/.test("a".repeat(50) + "b")',
  'a pattern of letters that tries all ways': 'async () => /^(([a-z])+.)+[A-Z]([a-z])+$/.test("a".repeat(50))',
  'a number of a billion digits': 'async () => (2n ** 30n) ** (2n ** 25n) > 1n',
  'an array of a billion that is filled': 'async () => Array(1e9).fill(0).length',
  'an array of holes that is sorted': 'async () => { const a = []; a.length = 4e9; a.sort(); return 1 }',
  'a comparison without end': 'async () => [3, 2, 1].sort(() => { for (;;); })',
  'a getter without end in what is returned': 'async () => ({ get a() { for (;;); } })',
  'a toJSON without end on the console': 'async () => { console.log({ toJSON() { for (;;); } }) }',
  'a proxy without end in an input': 'async () => codemode.echo(new Proxy({}, { ownKeys() { for (;;); } }))',
  'a message of an error without end': 'async () => { throw { get message() { for (;;); } } }',
  'a loop at the top, before the function': '(() => { for (;;); })()',
  'recursion that doubles': 'async () => { const f = () => { try { f() } finally { f() } }; f() }',
  'a loop that looks at the clock': 'async () => { while (Date.now() > 0); }',
  'a loop behind a call': 'async () => { await codemode.echo(1); for (;;); }',
  'a replacement of a million by a million':
    'async () => { let s = "a"; for (;;) s = s.replace(/a/g, "aa").slice(0, 1e6) }',
}
// [SANDBOX-1]
test.each(Object.entries(BUSY))('%s is stopped for its CPU', async (_, code) => {
  expect(await attack(code, LITTLE)).toMatchObject({ kind: 'stopped', why: expect.stringMatching(/^(cpu|memory)$/) })
})

const GREEDY: Record<string, string> = {
  'arrays without end': 'async () => { const a = []; for (;;) a.push(new Array(1000).fill(1)) }',
  'objects without end': 'async () => { let a = {}; for (;;) a = { a } }',
  'a map without end': 'async () => { const m = new Map(); for (let i = 0; ; i++) m.set(i, {}) }',
  'promises without end': 'async () => { const a = []; for (;;) a.push(Promise.resolve({}).then(() => 1)) }',
  'closures without end': 'async () => { let f = () => 1; for (;;) { const g = f; f = () => g } }',
  'texts without end':
    'async () => { const a = []; for (let i = 0; ; i++) a.push(JSON.stringify({ i, text: "x".repeat(1000) + i })) }',
  'half a gigabyte of text': 'async () => JSON.stringify(["x".repeat(5e8)]).length',
  'an array made of a buffer':
    'async () => { const b = new Uint8Array(2e7); const a = new Array(b.length); for (let i = a.length; i--; ) a[i] = b[i]; for (;;) a.push(a.slice()) }',
  'memory in answers to calls':
    'async () => { const a = []; for (;;) { await codemode.echo(1); for (let i = 0; i < 2e5; i++) a.push([i]) } }',
}
// [SANDBOX-1]
test.each(Object.entries(GREEDY))('%s is stopped for its memory', async (_, code) => {
  const before = process.memoryUsage.rss()
  const end = await attack(code, { budget: { cpuMs: 20_000, wallMs: 60_000, memoryMiB: 32 } })
  expect(end).toMatchObject({ kind: 'stopped', why: 'memory' })
  expect(process.memoryUsage.rss() - before).toBeLessThan(HOST_BYTES)
})

const TOO_LARGE: Record<string, [code: string, message: RegExp]> = {
  'buffers without end': [
    'async () => { const a = []; for (;;) a.push(new Uint8Array(1e6).fill(1)) }',
    /allocation failed/,
  ],
  'one buffer that is too large': ['async () => new ArrayBuffer(2 ** 40)', /allocation failed|invalid/i],
  'a buffer that grows': [
    'async () => new ArrayBuffer(1, { maxByteLength: 2 ** 33 }).resize(2 ** 32)',
    /allocation|invalid|out of memory/i,
  ],
  'a text of a gigabyte': ['async () => "x".repeat(2 ** 30)', /string length/],
  'recursion without end': ['async () => { const f = () => f(); f() }', /call stack/],
  'recursion through JSON': ['async () => { const a = { toJSON: () => JSON.stringify(a) }; return a }', /call stack/],
}
test.each(Object.entries(TOO_LARGE))('%s: an error of the run', async (_, [code, message]) => {
  const end = await attack(code, { budget: { cpuMs: 20_000, memoryMiB: 32 } })
  expect(end).toMatchObject({ kind: 'threw', message: expect.stringMatching(message) })
})

test('a flood of console lines is cut, and the run goes on', async () => {
  const end = await attack('async () => { for (let i = 0; i < 1e5; i++) console.log("x".repeat(100)); return 1 }', {
    budget: { cpuMs: 20_000 },
  })
  expect(end).toMatchObject({ kind: 'returned', value: 1 })
  expect(JSON.stringify(end.console).length).toBeLessThan(100_000)
  expect(end.console.at(-1)?.text).toMatch(/cut off here/)
})

test('a flood of console lines beyond ASCII is cut by its bytes', async () => {
  const end = await attack('async () => { for (let i = 0; i < 1e4; i++) console.log("漢".repeat(100)); return 1 }')
  expect(end).toMatchObject({ kind: 'returned', value: 1 })
  expect(Buffer.byteLength(JSON.stringify(end.console))).toBeLessThan(100_000)
})

test('a flood of calls at once ends the run, and no more are made than it may', async () => {
  const called: string[] = []
  const end = await attack(
    'async () => { for (let i = 0; i < 1e5; i++) codemode.echo(i); await new Promise(() => {}) }',
    {
      budget: { calls: 10 },
      call: async (name) => {
        called.push(name)
        return null
      },
    },
  )
  expect(end).toMatchObject({ kind: 'stopped', why: 'calls', calls: 10 })
  expect(called).toHaveLength(10)
})

test('a result of a hundred megabytes ends the run', async () => {
  const end = await attack('async () => new Array(100).fill("x".repeat(1e6))', { budget: { memoryMiB: 64 } })
  expect(end).toMatchObject({ kind: 'stopped', why: expect.stringMatching(/bytes|memory/) })
})

test('what runs on after the end calls nothing, and the process is no longer used', async () => {
  const called: unknown[] = []
  const call: Asked['call'] = async (_, input) => void called.push(input) as never
  const late = `async () => {
    (async () => { for (let i = 0; i < 100; i++) await 1; for (;;) { codemode.echo('late'); await 1 } })()
    return 'early'
  }`
  expect(await attack(late, { call })).toMatchObject({ kind: 'returned', value: 'early' })
  expect(called).toEqual([])
})
