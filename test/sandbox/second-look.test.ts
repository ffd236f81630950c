/**
 * What somebody tries who read the sandbox and did not write it: the seams between guest, process and portal, and what the
 * guest's own language can do to the few lines of ours that run in it. Each case also sees that a run beside it, the
 * portal's process and the next run are as they were.
 */
import { expect, test } from 'vitest'
import { type Asked, useSandbox } from './room.ts'

const { attack } = useSandbox({ processes: 2 })

/** Gives back what it was called with; `echo` fails. */
const call: Asked['call'] = async (name, input) => {
  if (name === 'echo') throw new Error('no such thing')
  return input
}

const DEEP = (levels: number) => `(() => { let a = 1; for (let i = 0; i < ${levels}; i++) a = [a]; return a })()`

/** What comes of it is a value, which says that it was of no use. */
const OF_NO_USE: Record<string, [code: string, value: unknown]> = {
  'a stack that is taken apart while an answer comes in shows no function and no this': [
    `async () => {
      const seen = []
      Error.prepareStackTrace = (_, sites) => { for (const s of sites) seen.push([s.getFileName(), typeof s.getThis(), typeof s.getFunction()]); return 'x' }
      try { await codemode.echo() } catch (error) { void error.stack }
      const inner = (await codemode.other(1).then(() => new Error('y'))).stack
      const ours = seen.filter(([file]) => file !== 'code.js')
      return [inner, ours.length > 0, ours.filter(([, self, fn]) => self !== 'undefined' || fn !== 'undefined')]
    }`,
    ['x', true, []],
  ],
  'a stack that throws while the error of a call is made costs that call alone': [
    `async () => {
      Error.prepareStackTrace = () => { throw new Error('again') }
      const said = await codemode.echo().catch((error) => error instanceof Error)
      delete Error.prepareStackTrace
      return [said, await codemode.other('next')]
    }`,
    [true, 'next'],
  ],
  'the frames that an await leaves behind are of the guest': [
    `async () => {
      Error.stackTraceLimit = Infinity
      const at = async () => { await codemode.other(1); return new Error('here').stack }
      return /boundary|node:|file:|\\//.test(await at())
    }`,
    false,
  ],
  'a species of promises sees values only': [
    `async () => {
      const seen = new Set()
      class Mine extends Promise { constructor(f) { super((a, b) => { f((v) => { seen.add(typeof v); a(v) }, b) }) } }
      Object.defineProperty(Promise, Symbol.species, { configurable: true, get: () => Mine })
      Object.defineProperty(Promise.prototype, 'constructor', { configurable: true, get: () => Mine })
      await codemode.other({ a: 1 }).then((v) => v)
      return [...seen].includes('function')
    }`,
    false,
  ],
  'an async iterator over calls gives what the calls give': [
    `async () => {
      const all = []
      for await (const x of (async function* () { for (let i = 0; i < 3; i++) yield codemode.other(i) })()) all.push(x)
      for await (const x of [codemode.other(3), codemode.other(4)]) all.push(x)
      return all
    }`,
    [0, 1, 2, 3, 4],
  ],
  'a generator that is returned from in the midst of a call leaves the call whole': [
    `async () => {
      const g = (async function* () { try { yield await codemode.other(1) } finally { await codemode.other(2) } })()
      return [(await g.next()).value, await g.return('left'), await codemode.other(3)]
    }`,
    [1, { value: 'left', done: true }, 3],
  ],
  'a function of ours as a tag, a comparer, a replacer, a reviver and a hook gives promises': [
    `async () => {
      const f = codemode.other
      const all = [f\`a\${1}b\`, JSON.parse('1', f), 'a'.replace(/a/, f), [2, 1].map(f)[0], Reflect.construct(Promise, [f])]
      return [await all[0], await all[1], all[2], await all[3]]
    }`,
    [['a', 'b'], '', '[object Promise]', 2],
  ],
  'a function of ours is no constructor and has no prototype': [
    `async () => {
      const tries = [() => new codemode.other(1), () => Reflect.construct(Object, [], codemode.other), () => class extends codemode.other {}]
      return [tries.map((t) => { try { t(); return 'done' } catch (e) { return e instanceof TypeError } }), 'prototype' in codemode.other]
    }`,
    [[true, true, true], false],
  ],
  'an inherited toJSON of texts and BigInts changes what the guest sends, and nothing else': [
    `async () => {
      String.prototype.toJSON = () => 'taken'
      BigInt.prototype.toJSON = () => ({ big: true })
      const seen = [await codemode.other('x'), await codemode.other({ a: 1n })]
      delete String.prototype.toJSON
      return seen
    }`,
    ['x', { a: { big: true } }],
  ],
  'a then that all objects inherit gets the functions of a promise of the guest': [
    `async () => {
      const seen = []
      Object.defineProperty(Object.prototype, 'then', { configurable: true, value: function (resolve, reject) {
        seen.push(resolve.constructor === Function, reject.constructor === Function)
        delete Object.prototype.then
        resolve('taken')
      } })
      const got = await codemode.other({ a: 1 })
      delete Object.prototype.then
      return [got, seen.every((x) => x === true)]
    }`,
    ['taken', true],
  ],
  'a getter for 0 on Array.prototype writes lines of its own console, and no other': [
    `async () => {
      Object.defineProperty(Array.prototype, '0', { configurable: true, set() {}, get: () => 'forged' })
      console.log('real')
      const got = await codemode.other({ a: 'x' })
      delete Array.prototype[0]
      return got
    }`,
    { a: 'x' },
  ],
  'errors at the brink of the stack are of the guest': [
    `async () => {
      const strange = new Set()
      const look = (e) => { if (Object.getPrototypeOf(Object.getPrototypeOf(e)) !== Error.prototype && Object.getPrototypeOf(e) !== Error.prototype) strange.add(String(e)) }
      const deep = (n) => { try { deep(n + 1) } catch (e) { look(e); try { console.log('x') } catch (e) { look(e) } if (n % 50 === 0) codemode.other(n).catch(look) } }
      deep(0)
      return [[...strange], await codemode.other('still')]
    }`,
    [[], 'still'],
  ],
  'calls at the very brink of the stack are either made or not, and the run goes on': [
    `async () => {
      let tries = 0
      const down = () => { try { down() } finally { if (tries++ < 60) codemode.other(1).catch(() => {}) } }
      try { down() } catch {}
      return codemode.other('still')
    }`,
    'still',
  ],
  'a console that is written from within what it shows is cut, and the run goes on': [
    `async () => {
      let n = 0
      const inner = { toJSON() { if (n++ < 3000) console.log(inner); return 'x'.repeat(200) } }
      for (let i = 0; i < 10; i++) { n = 0; console.log(inner) }
      return 1
    }`,
    1,
  ],
  'a console is not disturbed by getters, proxies, symbols and holes': [
    `async () => {
      console.log(new Proxy([], { get() { throw 1 } }), new Proxy(function () {}, {}), Object(Symbol('s')), [, 1], Object.create(null))
      console.log({ [Symbol.toPrimitive]() { throw 1 } }, Object.assign(() => {}, { toString() { throw 1 } }), new Date(NaN), -0)
      console.error(Object.assign(new Error('m'), { name: { toString() { throw 1 } } }), Object.create(Error.prototype))
      const { log } = console
      log('bare')
      Reflect.apply(log, null, ['applied'])
      return 1
    }`,
    1,
  ],
  'lone surrogates, minus nothing, no number and no-characters come back as JSON has them': [
    `async () => {
      const back = await codemode.other({ s: '\\ud800x\\udfff', z: -0, n: NaN, i: -Infinity, c: '\\u0000\\u2028\\ufeff', e: 1e400, big: 2 ** 53 - 1 })
      return [back.s === '\\ud800x\\udfff', Object.is(back.z, 0), back.n, back.i, back.c === '\\u0000\\u2028\\ufeff', back.e, back.big]
    }`,
    [true, true, null, null, true, null, 2 ** 53 - 1],
  ],
  'thousands of promises of one call, and calls that nobody waits for, are no more calls': [
    `async () => {
      const one = codemode.other(1)
      for (let i = 0; i < 20000; i++) one.then(() => {})
      for (let i = 0; i < 150; i++) codemode.other(i)
      return one
    }`,
    1,
  ],
  'microtasks between calls keep no answer away': [
    `async () => {
      let n = 0
      for (let i = 0; i < 20; i++) { for (let k = 0; k < 5000; k++) await null; n += await codemode.other(1) }
      return n
    }`,
    20,
  ],
  'replaced globals before the call are not what ours use': [
    `async () => {
      const real = { JSON, Promise, Reflect, Object, Error, String, Proxy }
      for (const name of Object.keys(real)) globalThis[name] = undefined
      const got = await codemode.other({ a: 1 })
      console.log(got)
      const failed = await codemode.echo().catch((e) => e instanceof real.Error)
      return [got, failed]
    }`,
    [{ a: 1 }, true],
  ],
  'globals replaced while a call is under way are not what ours use': [
    `async () => {
      const waits = codemode.other({ a: [1, 2] })
      JSON.parse = () => 'forged'
      Reflect.apply = () => 'forged'
      String.prototype.slice = () => 'forged'
      Function.prototype.call = Function.prototype.apply = Function.prototype.bind = () => 'forged'
      Map.prototype.get = Array.prototype.indexOf = Array.prototype.includes = () => 0
      return waits
    }`,
    { a: [1, 2] },
  ],
  'descriptors that inherit from Object.prototype make nothing of ours writable': [
    `async () => {
      Object.prototype.writable = true
      Object.prototype.get = undefined
      delete Object.prototype.get
      const before = codemode.other
      try { codemode.other = 1 } catch {}
      try { Object.defineProperty(codemode, 'other', { value: 1 }) } catch {}
      delete Object.prototype.writable
      return codemode.other === before && typeof before
    }`,
    'function',
  ],
  'the namespace gives the same whichever way it is read': [
    `async () => {
      const copy = { ...codemode }
      const inherits = Object.create(codemode)
      const { value } = Object.getOwnPropertyDescriptor(codemode, 'other')
      return [copy.other === codemode.other, inherits.other === value, Reflect.get(codemode, 'other', {}) === value,
        codemode[Symbol.iterator] === undefined, codemode[Symbol.toPrimitive] === undefined, 'nope' in codemode, Object.keys(copy)]
    }`,
    [true, true, true, true, true, false, ['echo', 'other']],
  ],
  'finalisers call nothing of what is gone': [
    `async () => {
      const r = new FinalizationRegistry(() => { for (;;) codemode.other('finaliser') })
      for (let i = 0; i < 1000; i++) r.register({}, i)
      globalThis.weak = new WeakRef({})
      return 1
    }`,
    1,
  ],
  'a resource that is disposed of after a call is disposed of in the guest': [
    `async () => {
      const seen = []
      { await using r = { async [Symbol.asyncDispose]() { seen.push(await codemode.other('bye')) } }; seen.push(await codemode.other('hi')) }
      return seen
    }`,
    ['hi', 'bye'],
  ],
  'a source that names itself as ours gets nothing by it': [
    `async () => { const e = eval('new Error("x")\\n//# sourceURL=portico'); return typeof e.stack }\n//# sourceURL=node:internal/process`,
    'string',
  ],
  'a comment of HTML hides no bracket': [`async () => 1 <!-- ) , globalThis.pwned = (`, 1],
}
test.each(Object.entries(OF_NO_USE))('%s', async (_, [code, value]) => {
  expect(await attack(code, { call, budget: { cpuMs: 5000 } })).toMatchObject({ kind: 'returned', value })
})

/** Thrown before there is a function, where isolated-vm carries it over and not the guest's own code. */
const AT_THE_TOP: Record<string, [code: string, message: RegExp]> = {
  nothing: ['(() => { throw undefined })()', /undefined/],
  null: ['(() => { throw null })()', /null/],
  'a text': ['(() => { throw "just text" })()', /^just text$/],
  'a number': ['(() => { throw 42 })()', /^42$/],
  'a BigInt': ['(() => { throw 42n })()', /42/],
  'a symbol': ['(() => { throw Symbol("s") })()', /./],
  'a function': ['(() => { throw () => 1 })()', /./],
  'a plain object': ['(() => { throw { message: "m" } })()', /./],
  'a proxy': ['(() => { throw new Proxy({}, { get() { throw 1 } }) })()', /./],
  'an error with getters that throw': [
    '(() => { const e = new Error("m"); for (const k of ["name", "message", "stack"]) Object.defineProperty(e, k, { get() { throw new Error("no") } }); throw e })()',
    /^/,
  ],
  'an error whose message is no text': [
    '(() => { throw Object.assign(new Error("m"), { message: { a: 1 } }) })()',
    /./,
  ],
  'an error with a long message': ['(() => { throw new Error("x".repeat(1e5)) })()', /^x{1000}/],
  'an error with a long message of characters that JSON escapes': [
    '(() => { throw new Error("\\u0000\\"".repeat(5e4)) })()',
    /^."/,
  ],
  'an error with a name without end': [
    '(() => { throw Object.assign(new TypeError("m"), { name: "n".repeat(1e5) }) })()',
    /^/,
  ],
}
test.each(Object.entries(AT_THE_TOP))(
  '%s thrown before there is a function is an error of the run',
  async (_, [code, message]) => {
    const end = await attack(code, { call })
    expect(end).toMatchObject({ kind: 'threw', message: expect.stringMatching(message), calls: 0 })
    expect(end.kind === 'threw' && end.message.length).toBeLessThanOrEqual(4000)
  },
)

const FAILS: Record<string, [code: string, message: RegExp]> = {
  'a revoked proxy that is thrown': [
    'async () => { const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); throw proxy }',
    /cannot be shown/,
  ],
  'a revoked proxy that is returned': [
    'async () => { const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); return [proxy] }',
    /revoked/,
  ],
  'an error whose every text is huge': [
    'async () => { throw Object.assign(new Error("m".repeat(1e6)), { name: "n".repeat(1e6), stack: "code.js:1\\n".repeat(1e6) }) }',
    /^n{1000}/,
  ],
  'an error of nothing but escapes': ['async () => { throw new Error("\\ud800".repeat(1e5)) }', /^\ud800/],
  'a thenable that rejects': ['async () => ({ then(_, no) { no({ message: "refused by me" }) } })', /refused by me/],
  'a thenable that throws': ['async () => ({ then() { throw 7 } })', /^7$/],
  'a BigInt among inputs': ['async () => codemode.other({ a: 1n })', /BigInt/],
  'an input that throws in its getter': ['async () => codemode.other({ get a() { throw new Error("mine") } })', /mine/],
  'an input that is a revoked proxy': [
    'async () => { const p = Proxy.revocable({}, {}); p.revoke(); await codemode.other(p.proxy) }',
    /revoked/,
  ],
  'an input with ten thousand levels': [`async () => codemode.other(${DEEP(1e4)})`, /deeper|call stack/],
  'a namespace that is no function': ['async () => codemode()', /not a function/],
  'a symbol of the namespace that is called': ['async () => codemode[Symbol("x")]()', /not a function/],
}
test.each(Object.entries(FAILS))('%s is an error of the run', async (_, [code, message]) => {
  expect(await attack(code, { call })).toMatchObject({ kind: 'threw', message: expect.stringMatching(message) })
})

/** Native work that looks at no clock of its own: only the end of its process ends it. */
const DEAF: Record<string, string> = {
  'a pattern that looks back':
    'async () => /(?<=(a+)+)b/.test("a".repeat(40) + "c".repeat(40)) || /^(?:a|a?)+$/.test("a".repeat(40) + "b")',
  'a pattern over sets of all characters':
    'async () => { for (;;) /^(\\p{L}|\\p{M}|.)*$/u.test("é".repeat(5000) + "\\n") }',
  'texts that are brought into one form': 'async () => { for (;;) "\\ufdfa".repeat(100000).normalize("NFKD") }',
  'texts that are put in order by the rules of a language':
    'async () => { const c = new Intl.Collator("zh"); for (;;) Array.from({ length: 5000 }, (_, i) => "漢".repeat(50) + i).sort(c.compare) }',
  'words that are looked for':
    'async () => { for (;;) [...new Intl.Segmenter("th", { granularity: "word" }).segment("ก".repeat(20000))] }',
  'formats that are made without end': 'async () => { for (;;) new Intl.DateTimeFormat("ar-u-ca-islamic").format(0) }',
  'numbers that are written out': 'async () => { const n = 7n ** 200000n; for (;;) n.toString() }',
  'a calendar that is counted through':
    'async () => { if (typeof Temporal === "undefined") for (;;); for (;;) Temporal.PlainDate.from("2020-01-01").until("9999-12-31", { largestUnit: "days" }) }',
  'JSON that is read and written':
    'async () => { const t = JSON.stringify(Array(50000).fill({ a: 1 })); for (;;) JSON.parse(t) }',
  'a stack that is made without end':
    'async () => { Error.stackTraceLimit = Infinity; const f = (n) => n ? f(n - 1) : new Error("x").stack; for (;;) f(2000) }',
  'a prepareStackTrace without end while an answer comes in':
    'async () => { Error.prepareStackTrace = () => { for (;;); }; await codemode.echo().catch((e) => e.stack); for (;;); }',
  'a then without end that all objects inherit':
    'async () => { Object.prototype.then = () => { for (;;); }; await codemode.other({ a: 1 }) }',
  'a class of errors that never says whether it is one':
    'async () => { Object.defineProperty(Error, Symbol.hasInstance, { value() { for (;;); } }); console.log({}) }',
}
test.each(Object.entries(DEAF))('%s is stopped for what it takes', async (_, code) => {
  const end = await attack(code, { call, budget: { cpuMs: 200, wallMs: 60_000, memoryMiB: 48 } })
  expect(end).toMatchObject({ kind: 'stopped', why: expect.stringMatching(/^(cpu|memory)$/) })
})
