/** Runs in the guest: goes everywhere that can be reached from its globals, and tells what does not belong there. */
export const WALK = `async () => {
  const FOREIGN = /^(Reference|ExternalCopy|Isolate|Context|Callback|Script|Module|NativeModule|Dereference|Copy|InspectorSession|process|Process|Socket|Buffer|FileHandle)$/
  const FOREIGN_KEYS = ['applySync', 'applySyncPromise', 'derefInto', 'copySync', 'copyInto', 'evalClosure', 'compileScriptSync',
    'createContextSync', 'binding', 'dlopen', 'mainModule', 'require', 'process', 'Buffer', 'WebAssembly', 'SharedArrayBuffer', 'Atomics', 'fetch']
  const strange = []
  const seen = new Set()
  const queue = []
  const add = (path, thing) => {
    if ((typeof thing !== 'object' && typeof thing !== 'function') || thing === null || seen.has(thing)) return
    seen.add(thing)
    queue.push([path, thing])
  }
  async function take(path, thing) {
    const names = []
    try { names.push(thing.constructor?.name) } catch {}
    try { names.push(Object.prototype.toString.call(thing).slice(8, -1)) } catch {}
    for (const name of names) if (FOREIGN.test(name)) strange.push(path + ' is a ' + name)
    let keys = []
    try { keys = Reflect.ownKeys(thing) } catch {}
    for (const key of keys) {
      if (FOREIGN_KEYS.includes(key)) strange.push(path + '.' + String(key))
      let own
      try { own = Reflect.getOwnPropertyDescriptor(thing, key) } catch {}
      if (own === undefined) continue
      add(path + '.' + String(key), own.value)
      add(path + '.get ' + String(key), own.get)
      add(path + '.set ' + String(key), own.set)
      if (own.get) try { add(path + '.' + String(key) + '()', own.get.call(thing)) } catch (error) { add(path + ' error', error) }
    }
    try { add(path + '.__proto__', Object.getPrototypeOf(thing)) } catch {}
    for (const hidden of ['constructor', 'caller', 'callee', 'arguments']) try { add(path + '.' + hidden, thing[hidden]) } catch (error) { add(path + ' error', error) }
  }
  async function* asyncGenerator() { yield 1 }
  function* generator() { yield 1 }
  const nested = codemode.echo(1).catch((error) => error)
  add('globalThis', globalThis)
  add('codemode', codemode)
  add('console', console)
  add('promise of a call', nested)
  add('what a call gave', await nested)
  add('generator', generator())
  add('async generator', asyncGenerator())
  add('async function', async () => {})
  add('arguments', (function () { return arguments })(1))
  for (const make of [() => [][Symbol.iterator](), () => new Map().entries(), () => new Set().values(), () => ''[Symbol.iterator](),
    () => 'a'.matchAll(/a/g), () => [].values().map((x) => x), () => new Intl.Segmenter('en').segment('a')[Symbol.iterator](),
    () => new Proxy({}, {}), () => new Proxy(function () {}, {}), () => new WeakRef({}), () => new FinalizationRegistry(() => {}), () => Promise.withResolvers(),
    () => Iterator.from([1]), () => new DisposableStack(), () => new AsyncDisposableStack(), () => Temporal.Now, () => /(?<a>x)/d.exec('x')])
    try { add(String(make), make()) } catch (error) { add('error', error) }
  for (const fail of [() => null.x, () => codemode.echo(1n), () => JSON.parse('{'), () => new Array(-1), () => decodeURI('%'), () => { (function f() { f() })() }, () => import('x'), () => codemode.nope()])
    try { add('what ' + fail + ' gave', await fail()) } catch (error) { add('error of ' + fail, error) }
  Error.prepareStackTrace = (error, sites) => { for (const site of sites) { add('call site', site); for (const name of ['getThis', 'getFunction', 'getEvalOrigin']) try { add('call site ' + name, site[name]()) } catch {} } return '' }
  await codemode.echo({ toJSON() { return String(new Error('x').stack) } })
  console.log({ toJSON() { return String(new Error('x').stack) } })
  delete Error.prepareStackTrace
  for (let i = 0; i < queue.length && i < 50000; i++) await take(queue[i][0], queue[i][1])
  return { visited: seen.size, strange }
}`
