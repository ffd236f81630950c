/** What one run may use, to the last unit, and what becomes of its calls. */
import { expect, test } from 'vitest'
import type { Nested } from '../../src/sandbox/model.ts'
import { type Asked, useSandbox } from './room.ts'

const { run, value } = useSandbox({ processes: 2 })

test('a run has so many calls, and the next one ends it', async () => {
  const code = (calls: number) =>
    `async () => { for (let i = 0; i < ${calls}; i++) await codemode.echo(i); return 'done' }`
  expect(await run(code(5), { budget: { calls: 5 } })).toMatchObject({ kind: 'returned', value: 'done', calls: 5 })
  expect(await run(code(6), { budget: { calls: 5 } })).toMatchObject({ kind: 'stopped', why: 'calls', calls: 5 })
})

test('results that are too large in all end the run', async () => {
  const call: Asked['call'] = async () => 'x'.repeat(1000)
  const code = (calls: number) =>
    `async () => { for (let i = 0; i < ${calls}; i++) await codemode.echo(); return 'done' }`
  const budget = { bytesIn: 3100 }
  expect(await run(code(3), { call, budget })).toMatchObject({ kind: 'returned' })
  expect(await run(code(4), { call, budget })).toMatchObject({ kind: 'stopped', why: 'bytes' })
})

test('inputs that are too large in all end the run, and the last of them is not called', async () => {
  const inputs: unknown[] = []
  const call: Asked['call'] = async (_, input) => void inputs.push(input) as never
  const code = 'async () => { for (;;) await codemode.echo("x".repeat(1000)) }'
  expect(await run(code, { call, budget: { bytesOut: 3100 } })).toMatchObject({
    kind: 'stopped',
    why: 'bytes',
    calls: 3,
  })
  expect(inputs).toHaveLength(3)
})

test('an input beyond ASCII is counted by its bytes', async () => {
  const budget = { bytesOut: 1000 }
  const code = (length: number) => `async () => { await codemode.echo("漢".repeat(${length})); return 1 }`
  expect(await run(code(300), { budget })).toMatchObject({ kind: 'returned' })
  expect(await run(code(400), { budget })).toMatchObject({ kind: 'stopped', why: 'bytes', calls: 0 })
})

test('a console that is full says so, and the run goes on', async () => {
  const code = 'async () => { console.log("a".repeat(50)); console.warn("b".repeat(500)); console.log("c"); return 1 }'
  const end = await run(code, { budget: { consoleBytes: 200 } })
  expect(end).toMatchObject({ kind: 'returned', value: 1 })
  expect(end.console).toEqual([
    { level: 'log', text: 'a'.repeat(50) },
    { level: 'warn', text: `${'b'.repeat(118)} [console output is cut off here]` },
  ])
})

test('the console has five levels, and shows what is no text as JSON', async () => {
  const code = `async () => {
    console.log('a', 1, { b: [1] }, null, undefined); console.info('i'); console.debug('d'); console.warn('w')
    console.error(new TypeError('bad')); console.table([1]); console.log(Symbol('s'), 1n, () => 1, { get a() { throw 1 } })
  }`
  const { console: lines } = await run(code)
  expect(lines.map(({ level, text }) => `${level}: ${text}`)).toEqual([
    'log: a 1 {"b":[1]} null undefined',
    'info: i',
    'debug: d',
    'warn: w',
    'error: TypeError: bad',
    'log: [1]',
    'log: Symbol(s) 1 () => 1 [cannot be shown]',
  ])
})

test('a run that waits for ever ends by the wall clock', async () => {
  const code = 'async () => { console.log("here"); await new Promise(() => {}) }'
  expect(await run(code, { budget: { wallMs: 200 } })).toEqual({
    kind: 'stopped',
    why: 'wall',
    console: [{ level: 'log', text: 'here' }],
    calls: 0,
  })
})

test('a call that never settles ends with the run, and is told so', async () => {
  const signals: AbortSignal[] = []
  const call: Asked['call'] = (_name, _input, { signal }) => {
    signals.push(signal)
    return new Promise(() => {})
  }
  const end = await run('async () => codemode.echo()', { call, budget: { wallMs: 300 } })
  expect(end).toMatchObject({ kind: 'stopped', why: 'wall', calls: 1 })
  expect(signals.map(({ aborted }) => aborted)).toEqual([true])
})

test('a call that nobody waits for is given up when the run returns', async () => {
  const given = Promise.withResolvers<void>()
  const call: Asked['call'] = (_name, _input, { signal }) => {
    signal.addEventListener('abort', () => given.resolve())
    return new Promise(() => {})
  }
  expect(await run('async () => { codemode.echo(); return 1 }', { call })).toMatchObject({ kind: 'returned', calls: 1 })
  await given.promise
})

test('time in which a person is waited for does not count, and what comes after it does', async () => {
  const asked: Nested[] = []
  const call: Asked['call'] = async (_name, _input, nested) => {
    asked.push(nested)
    const letGo = nested.hold()
    await new Promise((resolve) => setTimeout(resolve, 700))
    letGo()
    return 'answered'
  }
  const budget = { wallMs: 400 }
  expect(await run('async () => codemode.echo()', { call, budget })).toMatchObject({ value: 'answered' })
  const waits = 'async () => { await codemode.echo(); await new Promise(() => {}) }'
  expect(await run(waits, { call, budget })).toMatchObject({ kind: 'stopped', why: 'wall' })
})

test('a call that ends lets the clock go on, though it forgot to', async () => {
  const call: Asked['call'] = async (_name, _input, { hold }) => {
    hold()
    return 1
  }
  const code = 'async () => { await codemode.echo(); await new Promise(() => {}) }'
  expect(await run(code, { call, budget: { wallMs: 300 } })).toMatchObject({ kind: 'stopped', why: 'wall' })
})

test('CPU counts while a person is waited for', async () => {
  const call: Asked['call'] = (_name, _input, { hold }) => {
    hold()
    return new Promise(() => {})
  }
  const code = 'async () => { codemode.echo(); await 1; for (;;); }'
  expect(await run(code, { call, budget: { cpuMs: 200, wallMs: 100 } })).toMatchObject({ kind: 'stopped', why: 'cpu' })
})

test('a run that is cancelled ends at once, and so does one that waits or has not begun', async () => {
  const stop = new AbortController()
  const call: Asked['call'] = async () => {
    stop.abort()
    return new Promise(() => {})
  }
  expect(await run('async () => codemode.echo()', { call, signal: stop.signal })).toMatchObject({
    kind: 'stopped',
    why: 'cancelled',
    calls: 1,
  })
  expect(await run('async () => 1', { signal: AbortSignal.abort() })).toMatchObject({
    kind: 'stopped',
    why: 'cancelled',
  })
})

test('calls go out side by side, with what was given, and come back to whoever made them', async () => {
  const gates = new Map<unknown, (value: string) => void>()
  const call: Asked['call'] = (name, input) =>
    new Promise((resolve) => {
      gates.set(input, (text) => resolve(`${name} ${text}`))
      // Answered in the other order, once all are there.
      if (gates.size === 3) for (const [key, answer] of [...gates].reverse()) answer(String(key))
    })
  const code = 'async () => Promise.all([codemode.echo(1), codemode.other(2), codemode.echo(3)])'
  expect(await value(code, { call })).toEqual(['echo 1', 'other 2', 'echo 3'])
})

test('a call without input gets null, and only the first argument counts', async () => {
  expect(await value('async () => [await codemode.echo(), await codemode.echo(1, 2)]')).toEqual([null, 1])
})

test.each([
  ['__proto__', `JSON.parse('{"__proto__": 1}')`],
  ['constructor', '{ constructor: 1 }'],
  ['prototype', '{ a: [{ prototype: 1 }] }'],
])('an input with the key "%s" is not passed on, and the guest is told', async (key, input) => {
  const called: unknown[] = []
  const end = await run(`async () => codemode.echo(${input})`, { call: async () => called.push(1) })
  expect(end).toMatchObject({ kind: 'threw', message: expect.stringContaining(key) })
  expect(called).toEqual([])
})

test('an input that is nested too deep is not passed on, and the guest is told', async () => {
  const code = 'async () => { let a = []; for (let i = 0; i < 200; i++) a = [a]; return codemode.echo(a) }'
  expect(await run(code)).toMatchObject({ kind: 'threw', message: expect.stringContaining('nesting is deeper') })
})

test('a result of a call that is no JSON is an error of that call alone', async () => {
  const call: Asked['call'] = async (name) => (name === 'echo' ? (1n as never) : 'fine')
  const code = 'async () => [await codemode.echo().catch((e) => e.message), await codemode.other()]'
  expect(await value(code, { call })).toEqual([expect.stringContaining('BigInt'), 'fine'])
})

const NAMES = ['then', '__proto__', 'constructor', 'toJSON', 'toString', 'valueOf', 'hasOwnProperty', 'a b', '', 'echo']
// [SANDBOX-5]
test('names that the language calls by itself make no call, and all others are there under their own', async () => {
  const called: string[] = []
  const call: Asked['call'] = async (name) => {
    called.push(name)
    return name
  }
  const quiet =
    'async () => { await codemode; JSON.stringify(codemode); await (async () => codemode)(); return Object.keys(codemode) }'
  expect(await value(quiet, { call, functions: NAMES })).toEqual([
    ...['then_', '__proto__', 'constructor', 'toJSON_', 'toString_', 'valueOf_', 'hasOwnProperty', 'a b', '', 'echo'],
  ])
  expect(called).toEqual([])
  const all = 'async () => Promise.all(Object.keys(codemode).map((name) => codemode[name]()))'
  expect(await value(all, { call, functions: NAMES })).toEqual(NAMES)
})

test('of two functions with one name the first is there', async () => {
  const call: Asked['call'] = async (name) => name
  expect(await value('async () => codemode.then_()', { call, functions: ['then_', 'then'] })).toBe('then_')
})
