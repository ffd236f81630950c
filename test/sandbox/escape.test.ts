/**
 * Ways out of an isolate, tried from within. Each case also sees that a run beside it, the portal's process and the next
 * run are as they were.
 */
import { expect, test } from 'vitest'
import { type Asked, useSandbox } from './room.ts'
import { WALK } from './walk.ts'

const { attack, run, value } = useSandbox({ processes: 2 })

async function returned(code: string, asked?: Asked): Promise<unknown> {
  const end = await attack(code, asked)
  if (end.kind !== 'returned') throw new Error(JSON.stringify(end))
  return end.value
}

test('the guest reaches nothing of the host from its globals, by keys, symbols, prototypes, getters or intrinsics', async () => {
  const found = (await returned(WALK)) as { visited: number; strange: string[] }
  expect(found.strange).toEqual([])
  expect(found.visited).toBeGreaterThan(1000)
})

test('the walk finds what it looks for', async () => {
  const planted = `async () => {
    class Reference { applySync() {} }
    Object.defineProperty(Intl.Collator.prototype, Symbol('deep'), { value: [{ inner: new Reference() }] })
    globalThis.process = {}
    return (${WALK})()
  }`
  const { strange } = (await value(planted)) as { strange: string[] }
  expect(strange.some((path) => path.includes('Reference'))).toBe(true)
  expect(strange.some((path) => path.includes('process'))).toBe(true)
})

const GONE = ['WebAssembly', 'SharedArrayBuffer', 'Atomics', 'ShadowRealm']
const PLACES: Record<string, (name: string) => string> = {
  'the globals': (name) => `typeof ${name}`,
  eval: (name) => `eval('typeof ${name}')`,
  'indirect eval': (name) => `(0, eval)('typeof ${name}')`,
  Function: (name) => `new Function('return typeof ${name}')()`,
  'an async function': (name) => `await (async () => {}).constructor('return typeof ${name}')()`,
  'a generator': (name) => `(function* () {}).constructor('yield typeof ${name}')().next().value`,
  'an async generator': (name) => `(await (async function* () {}).constructor('yield typeof ${name}')().next()).value`,
  'a function of ours': (name) => `await codemode.echo.constructor('return typeof ${name}')()`,
  'a getter that JSON calls': (name) => `JSON.parse(JSON.stringify({ get a() { return typeof ${name} } })).a`,
  'a microtask': (name) => `await Promise.resolve().then(() => typeof ${name})`,
}
// [SANDBOX-3]
test.each(Object.entries(PLACES))(
  'there is no shared memory, no compiled module and no other realm in %s',
  async (_, of) => {
    expect(await returned(`async () => [${GONE.map(of).join(', ')}]`)).toEqual(GONE.map(() => 'undefined'))
  },
)

test.each([
  'process',
  'require',
  'module',
  'global',
  'Buffer',
  'fetch',
  'setTimeout',
  'setInterval',
  'queueMicrotask',
  'structuredClone',
  'postMessage',
  'Worker',
  'ivm',
  'gc',
  'd8',
])('there is no "%s"', async (name) => {
  expect(await returned(`async () => typeof ${name}`)).toBe('undefined')
})

const HARMLESS: Record<string, [code: string, value: unknown]> = {
  'the constructor of a function of ours is of the guest': [
    `async () => codemode.echo.constructor === (async () => {}).constructor`,
    true,
  ],
  'a constructor chain leads back to the Function of the guest': [
    `async () => {
      let c = codemode.echo
      for (let i = 0; i < 50; i++) c = c.constructor
      return c === Function && c('return typeof process')()
    }`,
    'undefined',
  ],
  'an error of a call is of the guest, without a line of the host': [
    `async () => {
      try { await codemode.echo() } catch (error) {
        return [Object.getPrototypeOf(error) === Error.prototype, error.message, /file:|node:|\\/|boundary/.test(error.stack)]
      }
    }`,
    [true, 'no such thing', false],
  ],
  'call sites show neither this nor functions of ours': [
    `async () => {
      Error.prepareStackTrace = (_, sites) => sites.map((s) => [typeof s.getThis(), typeof s.getFunction(), String(s.getFileName())])
      const seen = []
      await codemode.other({ get x() { seen.push(...new Error().stack); return 1 } })
      console.log({ toJSON() { seen.push(...new Error().stack) } })
      return seen.filter(([self, fn, file]) => file !== 'code.js' && (self !== 'undefined' || fn !== 'undefined'))
    }`,
    [],
  ],
  'caller and arguments of strict functions are closed': [
    `async () => {
      const results = []
      function spy() { try { results.push(typeof spy.caller) } catch (e) { results.push('throws') } }
      console.log({ toJSON: spy })
      await codemode.other({ toJSON: spy })
      try { results.push(typeof codemode.echo.caller) } catch { results.push('throws') }
      return results.filter((r) => r !== 'throws' && r !== 'object' && r !== 'undefined')
    }`,
    [],
  ],
  'a promise of a call is a plain promise of the guest': [
    `async () => {
      const p = codemode.other(1)
      return [Object.getPrototypeOf(p) === Promise.prototype, Reflect.ownKeys(p).length, await p]
    }`,
    [true, 0, 1],
  ],
  'a Promise that steals its resolver gets functions of the guest': [
    `async () => {
      const stolen = []
      const Real = Promise
      globalThis.Promise = class extends Real { constructor(f) { super((a, b) => { stolen.push(a, b); f(a, b) }) } }
      Real.prototype.constructor = globalThis.Promise
      await codemode.other(1)
      return stolen.every((f) => f instanceof Function && f.constructor === Function)
    }`,
    true,
  ],
  'then of promises replaced sees nothing but values': [
    `async () => {
      const real = Promise.prototype.then
      const seen = []
      Promise.prototype.then = function (...args) { seen.push(this); return Reflect.apply(real, this, args) }
      await codemode.other('x')
      return seen.every((p) => Object.getPrototypeOf(p) === Promise.prototype)
    }`,
    true,
  ],
  'replaced Array, String, JSON and Reflect change nothing of ours': [
    `async () => {
      const seen = []
      for (const [owner, names] of [[Array.prototype, ['push', 'join', 'slice']], [String.prototype, ['slice']], [JSON, ['parse', 'stringify']], [Reflect, ['apply']], [Object, ['freeze']]])
        for (const name of names) owner[name] = (...args) => { seen.push === owner[name] || (seen[seen.length] = name); return args[0] }
      const answer = await codemode.other({ a: [1] })
      console.log('x', 'y')
      return [answer.a[0], seen.length]
    }`,
    [1, 0],
  ],
  'setters on Object.prototype catch nothing of ours but text': [
    `async () => {
      const caught = new Set()
      const names = ['resolve', 'reject', 'message', 'stack', 'name', 'calls', '0', '1', '2']
      for (const name of names) Object.defineProperty(Object.prototype, name, { configurable: true, set(v) { caught.add(typeof v) } })
      await codemode.other(1)
      console.log('x')
      for (const name of names) delete Object.prototype[name]
      return caught.has('function') || caught.has('object')
    }`,
    false,
  ],
  'a proxy as input is read in the guest': [
    `async () => codemode.other(new Proxy({}, { ownKeys: () => ['a'], getOwnPropertyDescriptor: () => ({ value: 1, enumerable: true, configurable: true }), get: (_, k) => k === 'toJSON' ? undefined : 7 }))`,
    { a: 7 },
  ],
  'a proxy of a function of ours gets no more than its result': [
    `async () => {
      const seen = []
      const p = new Proxy(codemode.other, { apply: (f, self, args) => { seen.push(args.length); return Reflect.apply(f, self, args) } })
      return [await p(5), seen]
    }`,
    [5, [1]],
  ],
  'an input with functions, symbols and undefined is what JSON leaves of it': [
    `async () => codemode.other({ f() {}, s: Symbol('x'), u: undefined, d: new Date(0), n: NaN, r: /x/ })`,
    { d: '1970-01-01T00:00:00.000Z', n: null, r: {} },
  ],
  'no module is imported': [
    `async () => {
      const names = ['node:fs', 'fs', 'isolated-vm', 'data:text/javascript,1', 'file:///etc/passwd', './code.js']
      return Promise.all(names.map((name) => import(name).then(() => 'imported', (error) => error instanceof Error)))
    }`,
    [true, true, true, true, true, true],
  ],
  'the namespace cannot be changed': [
    `async () => {
      class Strict {
        static tries = [() => { codemode.x = 1 }, () => { codemode.echo = 1 }, () => { delete codemode.echo }, () => { codemode = {} },
          () => Object.setPrototypeOf(codemode, {}), () => { codemode.echo.x = 1 }, () => Object.defineProperty(globalThis, 'codemode', { value: 1 })]
      }
      return Strict.tries.map((t) => { try { t(); return 'done' } catch { return 'refused' } })
    }`,
    Array(7).fill('refused'),
  ],
  'the namespace has its functions and nothing else, however it is asked': [
    `async () => [Object.keys(codemode), 'echo' in codemode, 'nope' in codemode, codemode.nope, codemode[Symbol.iterator],
      Object.getPrototypeOf(codemode), codemode.echo === codemode.echo, { ...codemode }.other === codemode.other,
      Object.getOwnPropertyDescriptor(codemode, 'nope'), Reflect.preventExtensions(codemode), codemode.echo.name]`,
    [['echo', 'other'], true, false, null, null, null, true, true, null, false, 'echo'],
  ],
  'what is put on prototypes does not come between the code and its functions': [
    `async () => {
      for (const key of ['get', 'set', 'has', 'ownKeys', 'getOwnPropertyDescriptor', 'value', 'writable', 'enumerable'])
        Object.prototype[key] = () => { throw new Error('planted') }
      Array.prototype.indexOf = Array.prototype.includes = () => 0
      const names = Object.keys(codemode)
      return [names, typeof codemode.nope, await codemode.other(5)]
    }`,
    [['echo', 'other'], 'undefined', 5],
  ],
  'the console cannot be changed, and has no prototype': [
    `async () => [Object.getPrototypeOf(console), Object.isFrozen(console), Object.isFrozen(console.log)]`,
    [null, true, true],
  ],
  'globals may be replaced, and that is of no use': [
    `async () => { globalThis.pwned = 1; Object.prototype.pwned = 1; Array.prototype.map = null; return 1 }`,
    1,
  ],
  'an iterator of ours does not exist to be taken over': [
    `async () => {
      const real = Array.prototype[Symbol.iterator]
      const seen = []
      Array.prototype[Symbol.iterator] = function () { seen.push(this); return Reflect.apply(real, this, []) }
      await codemode.other([1])
      console.log(1, 2)
      Array.prototype[Symbol.iterator] = real
      return seen.length
    }`,
    0,
  ],
  'a thenable that is returned runs in the guest alone': [
    `async () => ({ then(resolve) { resolve(typeof process) } })`,
    'undefined',
  ],
  'JSON with the keys of prototypes pollutes nobody when it is returned': [
    `async () => JSON.parse('{"__proto__": {"pwned": 1}, "constructor": {"prototype": {"pwned": 1}}}')`,
    JSON.parse('{"__proto__": {"pwned": 1}, "constructor": {"prototype": {"pwned": 1}}}'),
  ],
  'dates, Intl and regular expressions work': [
    `async () => [new Date(0).getUTCFullYear(), new Intl.NumberFormat('en').format(1234.5), 'a-b'.replace(/-/g, '+')]`,
    [1970, '1,234.5', 'a+b'],
  ],
}
// [SANDBOX-2]
test.each(Object.entries(HARMLESS))('%s', async (_, [code, expected]) => {
  const call: Asked['call'] = async (name, input) => {
    if (name === 'echo') throw new Error('no such thing', { cause: new Error('/data/secret') })
    return input
  }
  expect(await returned(code, { call })).toEqual(expected)
})

const THROWN: Record<string, [code: string, message: RegExp]> = {
  'text that closes the bracket early': [`async () => 1), globalThis.pwned = (1`, /must be one async/],
  'text with a second statement': [`async () => 1); void (1`, /must be one async/],
  'text that is no expression': ['async () => {', /SyntaxError/],
  'text with a directive of another kind of file': [`import.meta`, /SyntaxError/],
  'no text at all': ['', /SyntaxError/],
  'a value that is no function': ['42', /must be one async arrow function/],
  'a thrown nothing': ['async () => { throw undefined }', /^undefined$/],
  'a thrown symbol': ['async () => { throw Symbol("s") }', /Symbol\(s\)/],
  'a thrown object with a getter that throws': [
    'async () => { throw { get message() { throw 1 } } }',
    /cannot be shown/,
  ],
  'a thrown proxy that always throws': [
    'async () => { throw new Proxy({}, { get() { throw 1 }, ownKeys() { throw 1 } }) }',
    /cannot be shown/,
  ],
  'a cycle that is returned': ['async () => { const a = {}; a.a = a; return a }', /circular/i],
  'a BigInt that is returned': ['async () => 1n', /BigInt/],
  'a getter that throws in what is returned': ['async () => ({ get a() { throw new Error("gotcha") } })', /gotcha/],
  'a result nested a hundred thousand deep': [
    'async () => { let a = []; for (let i = 0; i < 1e5; i++) a = [a]; return a }',
    /call stack|deeper/,
  ],
  'a result nested a hundred deep': [
    'async () => { let a = []; for (let i = 0; i < 100; i++) a = [a]; return a }',
    /deeper than 64/,
  ],
  'an unknown function': ['async () => codemode.nope()', /codemode.nope is not a function/],
}
test.each(Object.entries(THROWN))(
  '%s ends as an error of the run, and nothing is called',
  async (_, [code, message]) => {
    const called: unknown[] = []
    const end = await attack(code, { call: async (name) => called.push(name) })
    expect(end).toMatchObject({ kind: 'threw', message: expect.stringMatching(message), calls: 0 })
    expect(called).toEqual([])
  },
)

test('a long message of an error and a stack without end are cut', async () => {
  const end = await run(
    'async () => { const e = new Error("x".repeat(1e5)); e.stack = "code.js:1\\n".repeat(1e5); throw e }',
  )
  if (end.kind !== 'threw') throw new Error(end.kind)
  expect(end.message.length).toBeLessThanOrEqual(4000)
  expect(end.stack?.length ?? 0).toBeLessThanOrEqual(8000)
})

test('a stack names the lines of the code and none of ours', async () => {
  const end = await run('async () => {\n  const fail = () => { throw new TypeError("here") }\n  fail()\n}')
  expect(end).toMatchObject({ kind: 'threw', message: 'TypeError: here' })
  if (end.kind !== 'threw') throw new Error(end.kind)
  expect(end.stack).toContain('code.js:2')
  expect(end.stack).not.toMatch(/portico|boundary|node:|file:/)
})

// [SANDBOX-4]
test('nothing of a run is there for the next one, neither globals nor what it did to prototypes', async () => {
  const marker = `marker-${Math.random()}`
  for (let i = 0; i < 5; i++) {
    await value(`async () => { globalThis.canary = '${marker}'; Object.prototype.canary = '${marker}'; return 1 }`)
    expect(
      await value(
        `async () => [typeof canary, ({}).canary ?? null, Object.getOwnPropertyNames(globalThis).includes('canary')]`,
      ),
    ).toEqual(['undefined', null, false])
  }
})
