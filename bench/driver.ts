/**
 * The load, in a process of its own: raw sockets with keep-alive, the same bytes again and again, one request at a time
 * on each connection. It reads by content-length only, and every answer must be a 200 as long as the first, so that a
 * refusal can never be counted as speed.
 */
import { connect, type Socket } from 'node:net'

/** What the parent asks for, by message. */
export interface Load {
  port: number
  /** The whole request as latin1. */
  request: string
  connections: number
  ms: number
  /** Must be in the body of the first answer on each connection. */
  expect: string
}

/** What it hears back. Latencies in milliseconds. */
export interface Measured {
  requests: number
  ms: number
  median: number
  p99: number
  error: string | null
}

const LARGEST = 4_000_000

process.on('message', (load: Load) => {
  run(load).then(
    (measured) => process.send?.(measured),
    (error: Error) => process.send?.({ requests: 0, ms: 0, median: 0, p99: 0, error: error.message }),
  )
})
process.on('disconnect', () => process.exit(0))

async function run(load: Load): Promise<Measured> {
  const latencies = new Float64Array(LARGEST)
  let count = 0
  const begun = performance.now()
  const until = begun + load.ms
  const note = (latency: number) => {
    if (count < LARGEST) latencies[count++] = latency
  }
  await Promise.all(Array.from({ length: load.connections }, () => drive(load, until, note)))
  const ms = performance.now() - begun
  const sorted = latencies.subarray(0, count).sort()
  const at = (share: number) => sorted[Math.min(count - 1, Math.floor(count * share))] ?? 0
  return { requests: count, ms, median: at(0.5), p99: at(0.99), error: null }
}

/** One connection until the time is up. */
function drive(load: Load, until: number, note: (latency: number) => void): Promise<void> {
  const request = Buffer.from(load.request, 'latin1')
  return new Promise((resolve, reject) => {
    const socket = connect({ port: load.port, host: '127.0.0.1', noDelay: true })
    let sent = 0
    /** Of a whole answer, once known. */
    let length = 0
    let pending: Buffer | undefined
    const fail = (why: string) => {
      socket.destroy()
      reject(new Error(why))
    }
    const send = () => {
      sent = performance.now()
      socket.write(request)
    }
    const whole = (answer: Buffer) => {
      // The digits of the status stand at 9 to 11: "HTTP/1.1 200".
      if (answer[9] !== 0x32 || answer[10] !== 0x30 || answer[11] !== 0x30) {
        fail(`answered ${answer.toString('latin1', 0, 1500)}`)
        return
      }
      const now = performance.now()
      note(now - sent)
      if (now < until) send()
      else finish(socket, resolve)
    }
    socket.on('connect', send)
    socket.on('error', (error) => fail(error.message))
    socket.on('close', () => fail('the connection was closed'))
    socket.on('data', (chunk: Buffer) => {
      const bytes = pending === undefined ? chunk : Buffer.concat([pending, chunk])
      if (length === 0) length = firstLength(bytes, load.expect, fail)
      if (length === 0 || bytes.length < length) {
        pending = bytes
        return
      }
      pending = undefined
      if (bytes.length > length) fail(`an answer of ${bytes.length} bytes where the first had ${length}`)
      else whole(bytes)
    })
  })
}

function finish(socket: Socket, resolve: () => void): void {
  socket.removeAllListeners('close')
  socket.end()
  socket.once('close', () => resolve())
}

/** Length of the first answer with its head, or 0 while it is not whole. */
function firstLength(bytes: Buffer, expected: string, fail: (why: string) => void): number {
  const head = bytes.indexOf('\r\n\r\n')
  if (head === -1) return 0
  const declared = /\ncontent-length: *(\d+)/i.exec(bytes.toString('latin1', 0, head))?.[1]
  if (declared === undefined) {
    fail(`no content-length: ${bytes.toString('latin1', 0, 1500)}`)
    return 0
  }
  const length = head + 4 + Number(declared)
  if (bytes.length < length) return 0
  if (bytes.indexOf(expected) === -1) fail(`not the answer that was expected: ${bytes.toString('latin1', 0, 1500)}`)
  return length
}
