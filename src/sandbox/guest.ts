/**
 * What stands in a fresh isolate before the model's code does. These functions are sent there as text (`guestSource`), so
 * they know each other and nothing else. The guest may replace every global afterwards; hence what is needed later is
 * taken first, and strict mode keeps `caller`, `arguments` and call sites from handing any of it out.
 *
 * The three functions of the host take text and numbers only, and stay in these closures. Counting here saves the host
 * the work; it counts again, because nothing in here is believed.
 */

/** What the host calls; each runs in the guest's own thread. */
export interface Guest {
  /** Makes the namespace of the one run. Names and limits are JSON. */
  prepare(names: string, limits: string): void
  /** @param main what the model's code evaluated to */
  start(main: unknown): void
  /** @param text `+` and JSON, or `-` and the message of what is thrown */
  answer(call: number, text: string): void
}

interface Host {
  /** Begins a nested call. */
  call(call: number, index: number, input: string): void
  /** One line of the console. */
  say(level: string, text: string): void
  /** `returned` with JSON, `threw` with JSON of what was thrown, or `stopped` with the reason. */
  end(kind: string, text: string): void
}

interface Tally {
  calls: number
  bytesOut: number
  consoleBytes: number
  isOver: boolean
}

type Originals = ReturnType<typeof takeOriginals>
type Texts = ReturnType<typeof openTexts>

/** @returns the body of a function of three arguments, the host's, that returns a `Guest` */
export function guestSource(): string {
  const parts = [takeOriginals, openTexts, openConsole, openCalls, openEnds, openGuest]
  return ["'use strict'", ...parts, 'return openGuest({ call: $0, say: $1, end: $2 })'].join('\n')
}

function takeOriginals() {
  const { parse, stringify } = JSON
  const { apply, defineProperty } = Reflect
  const { freeze, create, hasOwn } = Object
  return {
    ...{ parse, stringify, apply, defineProperty, freeze, create, hasOwn },
    slice: String.prototype.slice,
    push: Array.prototype.push,
    join: Array.prototype.join,
    indexOf: Array.prototype.indexOf,
    Text: String,
    Failure: Error,
    WrongType: TypeError,
    Later: Promise,
  }
}

function openTexts({ apply, slice, stringify, Text, Failure }: Originals) {
  const MESSAGE_LENGTH = 4000
  const STACK_LENGTH = 8000

  function cut(text: string, length: number): string {
    return apply(slice, text, [0, length])
  }

  function textOf(value: unknown): string {
    if (typeof value === 'string') return value
    try {
      if (value instanceof Failure) return describe(value).message
      return (typeof value === 'object' ? stringify(value) : undefined) ?? Text(value)
    } catch {
      return '[cannot be shown]'
    }
  }

  /** What was thrown may be anything, with getters that throw too. */
  function describe(thrown: unknown): { message: string; stack?: string } {
    try {
      if (typeof thrown !== 'object' || thrown === null) return { message: cut(Text(thrown), MESSAGE_LENGTH) }
      const { name, message, stack } = thrown as Record<string, unknown>
      const said = typeof message === 'string' ? message : textOf({ ...thrown })
      const text = typeof name === 'string' && name !== 'Error' ? `${name}: ${said}` : said
      return {
        message: cut(text, MESSAGE_LENGTH),
        ...(typeof stack === 'string' ? { stack: cut(stack, STACK_LENGTH) } : {}),
      }
    } catch {
      return { message: 'something was thrown that cannot be shown' }
    }
  }

  return { cut, textOf, describe }
}

/** A console that cannot hold more than it may, whatever is written to it. */
function openConsole({
  originals,
  texts,
  host,
  tally,
}: {
  originals: Originals
  texts: Texts
  host: Host
  tally: Tally
}) {
  const { apply, push, join, create, defineProperty, freeze } = originals
  /** What a line costs beside its text. */
  const LINE = 16
  const LEVELS = {
    ...{ debug: 'debug', error: 'error', info: 'info', log: 'log', warn: 'warn' },
    ...{ dir: 'log', table: 'log', trace: 'debug' },
  }

  function write(level: string, values: unknown[]): void {
    if (tally.isOver || tally.consoleBytes <= 0) return
    const shown: string[] = []
    for (let i = 0; i < values.length; i++) apply(push, shown, [texts.textOf(values[i])])
    const whole: string = apply(join, shown, [' '])
    const room = tally.consoleBytes - LINE
    tally.consoleBytes = room - whole.length
    if (tally.consoleBytes >= 0) host.say(level, whole)
    else host.say(level, `${room > 0 ? texts.cut(whole, room) : ''} [console output is cut off here]`)
  }

  const console = create(null)
  for (const [method, level] of Object.entries(LEVELS)) {
    const value = freeze((...values: unknown[]) => write(level, values))
    defineProperty(console, method, { value, enumerable: true })
  }
  return freeze(console)
}

/** The functions that the guest may call, each a property of an object that has nothing else. */
function openCalls({ originals, host, tally }: { originals: Originals; host: Host; tally: Tally }) {
  const { parse, stringify, apply, slice, indexOf, create, defineProperty, freeze, Failure, Later } = originals
  /** Called by the language itself on any object that it is given: `await codemode` would be a call. */
  const IMPLICIT = ['then', 'toJSON', 'toString', 'valueOf']
  const waiting: Record<number, { resolve(value: unknown): void; reject(error: unknown): void }> = create(null)
  let begun = 0

  function stop(why: string): Promise<never> {
    if (!tally.isOver) host.end('stopped', why)
    tally.isOver = true
    return new Later(() => {})
  }

  function functionOf(name: string, index: number): (input?: unknown) => Promise<unknown> {
    const call = async (input?: unknown): Promise<unknown> => {
      const text = stringify(input) ?? 'null'
      if (tally.isOver || begun === tally.calls) return stop('calls')
      tally.bytesOut -= text.length
      if (tally.bytesOut < 0) return stop('bytes')
      const id = ++begun
      host.call(id, index, text)
      return new Later((resolve, reject) => {
        waiting[id] = { resolve, reject }
      })
    }
    defineProperty(call, 'name', describing(name))
    return freeze(call)
  }

  /** Without a prototype, as the handlers are: what the guest puts there must not come in between. */
  function describing(value: unknown): PropertyDescriptor {
    const descriptor = create(null)
    descriptor.value = value
    return descriptor
  }

  /** Functions are made when they are first looked for: there may be ten thousand, and a run calls a few. */
  function namespaceOf(functions: readonly string[]): object {
    const names = shownNames(functions)
    const made: Record<string, unknown> = create(null)

    function find(name: string | symbol): unknown {
      if (typeof name !== 'string') return undefined
      const known = made[name]
      if (known !== undefined) return known
      const index: number = apply(indexOf, names, [name])
      if (index !== -1) made[name] = functionOf(name, index)
      return made[name]
    }

    function describe(name: string | symbol): PropertyDescriptor | undefined {
      const value = find(name)
      if (value === undefined) return undefined
      const descriptor = describing(value)
      descriptor.enumerable = descriptor.configurable = true
      return descriptor
    }

    const handlers: ProxyHandler<object> = create(null)
    handlers.get = (_, name) => find(name)
    handlers.has = (_, name) => find(name) !== undefined
    handlers.ownKeys = () => names
    handlers.getOwnPropertyDescriptor = (_, name) => describe(name)
    const refuse = () => false
    handlers.set = handlers.defineProperty = handlers.deleteProperty = refuse
    handlers.setPrototypeOf = handlers.preventExtensions = refuse
    return new Proxy(create(null), freeze(handlers))
  }

  /** Each once, as the trap of own keys must say them. */
  function shownNames(functions: readonly string[]): string[] {
    const names = [...functions]
    for (const name of IMPLICIT) {
      const at = names.indexOf(name)
      let shown = name
      while (names.includes(shown)) shown += '_'
      if (at !== -1) names[at] = shown
    }
    return freeze(names) as string[]
  }

  function answer(call: number, text: string): void {
    const pending = waiting[call]
    if (pending === undefined) return
    delete waiting[call]
    const value = apply(slice, text, [1])
    if (text[0] === '+') pending.resolve(parse(value))
    else pending.reject(new Failure(value))
  }

  return { stop, namespaceOf, answer }
}

/** How a run comes to its end by itself. */
function openEnds(parts: {
  originals: Originals
  texts: Texts
  host: Host
  tally: Tally
  stop(why: string): Promise<never>
}) {
  const { originals, texts, host, tally, stop } = parts
  const { stringify, WrongType } = originals

  function settle(kind: 'returned' | 'threw', value: unknown): void {
    if (tally.isOver) return
    try {
      const text = stringify(kind === 'threw' ? texts.describe(value) : value) ?? 'null'
      tally.bytesOut -= text.length
      if (tally.bytesOut < 0) return void stop('bytes')
      // Serialising runs code of the guest's, which may have come to another end.
      if (!tally.isOver) host.end(kind, text)
    } catch (error) {
      // What it returned is no JSON: a cycle, a BigInt, a getter that throws.
      host.end('threw', stringify(texts.describe(error)) ?? 'null')
    }
    tally.isOver = true
  }

  return async function start(main: unknown): Promise<void> {
    try {
      if (typeof main !== 'function') throw new WrongType('the code must be one async arrow function')
      settle('returned', await main())
    } catch (error) {
      settle('threw', error)
    }
  }
}

function openGuest(host: Host): Guest {
  const originals = takeOriginals()
  const { parse, defineProperty, freeze } = originals
  for (const name of ['WebAssembly', 'SharedArrayBuffer', 'Atomics', 'console']) {
    if (!Reflect.deleteProperty(globalThis, name)) throw new Error(`${name} cannot be removed`)
  }
  const texts = openTexts(originals)
  const tally: Tally = { calls: 0, bytesOut: 0, consoleBytes: 0, isOver: false }
  const { stop, namespaceOf, answer } = openCalls({ originals, host, tally })
  const start = openEnds({ originals, texts, host, tally, stop })
  defineProperty(globalThis, 'console', { value: openConsole({ originals, texts, host, tally }) })
  return freeze({
    prepare(names: string, limits: string): void {
      Object.assign(tally, parse(limits))
      defineProperty(globalThis, 'codemode', { value: namespaceOf(parse(names)) })
    },
    start: (main: unknown) => void start(main),
    answer,
  })
}
