/**
 * The process that the model's code runs in: one run at a time, each in an isolate of its own that was made before and
 * is thrown away after. It knows no name, token or address, has no environment and may read no file. What it tells of a
 * run is a claim: the portal counts for itself and ends this process when in doubt.
 *
 * Where a run has to be stopped it only says so. The portal then kills the whole process, because there is code that
 * ends no earlier (one huge number, one huge array).
 */
import type ivm from 'isolated-vm'
import { encodeFrame, openFrames } from './frames.ts'
import { guestSource } from './guest.ts'

/** Made ahead, for the next run. */
interface Room {
  isolate: ivm.Isolate
  context: ivm.Context
  memoryMiB: number
  /** What `guestSource` makes: functions of the isolate, which the guest knows nothing of. */
  prepare: ivm.Reference
  start: ivm.Reference
  answer: ivm.Reference
}

/** What the portal says at the start of a run. */
interface Order {
  run: number
  memoryMiB: number
  cpuMs: number
  calls: number
  bytesOut: number
  consoleBytes: number
}

interface Run {
  id: number
  room: Room
  cpuBefore: bigint
  order: Order
  watch: NodeJS.Timeout | undefined
  isOver: boolean
  /** Resolves at an end of its own; a run that has to be stopped is ended with the process. */
  ended: PromiseWithResolvers<void>
}

/** How often CPU and memory are looked at. */
const WATCH_MS = 20
/** A process beside its guest. */
const OWN_MEMORY_KIB = 160 * 1024
/** What an isolate may really take: its own limit is no strict one. */
const MEMORY_FACTOR = 3
const HEAD_BYTES = 4096
const BODY_BYTES = 256 * 1024 * 1024
/** As the guest cuts what is thrown in it. */
const MESSAGE_LENGTH = 4000

const [, addon = '', firstMemory = '64'] = process.argv
const library = loadLibrary(addon)
let current: Run | null = null
let spare: Promise<Room> = openRoom(Number(firstMemory))

function loadLibrary(path: string): typeof ivm {
  const module: { exports: { ivm?: typeof ivm } } = { exports: {} }
  process.dlopen(module, path)
  if (module.exports.ivm === undefined) throw new Error('this is not isolated-vm')
  return module.exports.ivm
}

function send(head: object, body = ''): void {
  process.stdout.write(encodeFrame(head, body))
}

async function openRoom(memoryMiB: number): Promise<Room> {
  const isolate = new library.Isolate({
    memoryLimit: memoryMiB,
    inspector: false,
    onCatastrophicError: () => sayStopped('memory'),
  })
  const context = await isolate.createContext()
  const call = new library.Callback(takeCall, { ignored: true })
  const say = new library.Callback(takeLine, { ignored: true })
  const end = new library.Callback(takeEnd, { ignored: true })
  const guest: ivm.Reference = await context.evalClosure(guestSource(), [call, say, end], {
    filename: 'portico',
    result: { reference: true },
  })
  const [prepare, start, answer] = await Promise.all(
    ['prepare', 'start', 'answer'].map((name) => guest.get(name, { reference: true })),
  )
  if (!prepare || !start || !answer) throw new Error('the guest has not what it must have')
  return { isolate, context, memoryMiB, prepare, start, answer }
}

function takeCall(call: number, index: number, input: string): void {
  if (current !== null && !current.isOver) send({ kind: 'call', run: current.id, call, index }, input)
}

function takeLine(level: string, text: string): void {
  if (current !== null && !current.isOver) send({ kind: 'console', run: current.id, level }, text)
}

function takeEnd(kind: string, text: string): void {
  if (kind === 'stopped') sayStopped(text)
  else sayEnd(kind, text)
}

function sayStopped(why: string): void {
  if (current === null || current.isOver) return
  current.isOver = true
  clearInterval(current.watch)
  send({ kind: 'stopped', run: current.id, why })
}

function sayEnd(kind: string, text: string): void {
  const run = current
  if (run === null || run.isOver) return
  run.isOver = true
  clearInterval(run.watch)
  send({ kind, run: run.id }, text)
  run.ended.resolve()
}

async function takeRun(order: Order, body: string): Promise<void> {
  const { code, functions } = JSON.parse(body) as { code: string; functions: string }
  const room = await roomOf(order.memoryMiB)
  const run: Run = {
    id: order.run,
    room,
    cpuBefore: room.isolate.cpuTime,
    order,
    watch: undefined,
    isOver: false,
    ended: Promise.withResolvers(),
  }
  current = run
  run.watch = setInterval(() => watch(run), WATCH_MS)
  try {
    await begin(run, code, functions)
  } catch (error) {
    failRun(run, error)
  }
  await leave(run)
}

/** The one that was made ahead, unless it has another limit. */
async function roomOf(memoryMiB: number): Promise<Room> {
  const ready = await spare
  if (ready.memoryMiB === memoryMiB) return ready
  ready.isolate.dispose()
  return openRoom(memoryMiB)
}

async function begin({ room, order }: Run, code: string, functions: string): Promise<void> {
  const { isolate, context, prepare, start } = room
  const limits = JSON.stringify({ calls: order.calls, bytesOut: order.bytesOut, consoleBytes: order.consoleBytes })
  const prepared = prepare.apply(undefined, [functions, limits])
  // The bracket must stand outside of a last line that is a comment.
  const compiled = isolate.compileScript(`(${code}\n)`, { filename: 'code.js', columnOffset: -1 })
  const [, script] = await Promise.all([prepared, compiled])
  const main = await script.run(context, { reference: true })
  await start.apply(undefined, [main.derefInto()])
}

/** What is thrown before the function itself runs: mostly code that does not parse. */
function failRun(run: Run, thrown: unknown): void {
  // Only its limit of memory throws an isolate away while it runs.
  if (run.room.isolate.isDisposed) sayStopped('memory')
  else sayEnd('threw', JSON.stringify({ message: wordsFor(thrown).slice(0, MESSAGE_LENGTH) }))
}

/** What is no object crosses over as it is: it may be a text, a number, or nothing. */
function wordsFor(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown)
  const { name, message } = thrown
  return name === 'Error' ? message : `${name}: ${message}`
}

function watch({ room, cpuBefore, order }: Run): void {
  const { isolate, memoryMiB } = room
  if (isolate.isDisposed) sayStopped('memory')
  else if (Number(isolate.cpuTime - cpuBefore) > order.cpuMs * 1e6) sayStopped('cpu')
  else if (process.resourceUsage().maxRSS > OWN_MEMORY_KIB + memoryMiB * 1024 * MEMORY_FACTOR) sayStopped('memory')
}

/** Waits for the end, throws the isolate away, makes the next one, and says that this process is free. */
async function leave(run: Run): Promise<void> {
  await run.ended.promise
  if (!run.room.isolate.isDisposed) run.room.isolate.dispose()
  current = null
  spare = openRoom(run.room.memoryMiB)
  await spare
  // What it once took it keeps, so the next run would be blamed for this one.
  send({ kind: 'free', worn: process.resourceUsage().maxRSS > OWN_MEMORY_KIB })
}

/** Nobody is there any more: this process alone would never know how to end. */
function leaveAtOnce(): never {
  process.kill(process.pid, 'SIGKILL')
  process.exit(1)
}

const takeBytes = openFrames(
  () => ({ headBytes: HEAD_BYTES, bodyBytes: BODY_BYTES }),
  ({ head, body }) => {
    if (head.kind === 'run') void takeRun(head as unknown as Order, body)
    else if (current !== null && current.id === head.run) current.room.answer.applyIgnored(undefined, [head.call, body])
  },
)

process.title = 'portico-sandbox'
process.stdin.on('data', (chunk: Buffer) => {
  if (!takeBytes(chunk)) leaveAtOnce()
})
process.stdin.on('end', leaveAtOnce)
process.stdin.on('error', leaveAtOnce)
process.stdout.on('error', leaveAtOnce)
await spare
send({ kind: 'ready' })
