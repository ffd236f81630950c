/**
 * HTTP as bytes on sockets that are kept alive and written ahead: several requests leave together, and the answers are
 * read as they come. What no client library would send can be sent.
 */
import { connect, type Socket } from 'node:net'

export interface Got {
  status: number
  headers: Map<string, string>
  /** The whole body; of an event stream that stays open, what came until it was left. */
  body: string
  /** The server will read nothing more on this socket. */
  isLast: boolean
}

const PATIENCE_MS = 20_000

export class Wire {
  readonly #port: number
  #socket: Socket | null = null
  #text = ''
  #ended = false
  #look: (() => void) | null = null

  constructor(port: number) {
    this.#port = port
  }

  /**
   * Sends all at once and reads one answer for each.
   *
   * @param mayListen whether it may be answered with a stream that says nothing and stays open
   * @returns fewer where the server closed the connection after one
   * @throws Error when nothing comes for twenty seconds
   */
  async ask(requests: readonly Buffer[], mayListen: readonly boolean[] = []): Promise<Got[]> {
    const socket = this.#socket ?? (await this.#open())
    this.#text = ''
    socket.write(Buffer.concat(requests))
    const answers: Got[] = []
    while (answers.length < requests.length) {
      const got = await this.#next(mayListen[answers.length] === true)
      if (got === null) break
      answers.push(got)
      if (got.isLast) break
    }
    if (answers.length < requests.length || answers.at(-1)?.isLast) this.close()
    return answers
  }

  close(): void {
    this.#socket?.destroy()
    this.#socket = null
  }

  async #open(): Promise<Socket> {
    const socket = connect(this.#port, '127.0.0.1')
    socket.setNoDelay(true)
    this.#ended = false
    socket.on('data', (chunk) => {
      if (this.#socket !== socket) return
      this.#text += chunk.toString('latin1')
      this.#look?.()
    })
    // The end of one that was left behind says nothing about the one that came after it.
    const end = () => {
      if (this.#socket !== socket) return
      this.#socket = null
      this.#ended = true
      this.#look?.()
    }
    socket.on('error', end)
    socket.on('close', end)
    this.#socket = socket
    await new Promise((resolve) => socket.once('connect', resolve))
    return socket
  }

  #next(mayListen: boolean): Promise<Got | null> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => settle(() => reject(new Error('the portal hangs'))), PATIENCE_MS)
      const settle = (outcome: () => void) => {
        clearTimeout(timer)
        this.#look = null
        outcome()
      }
      this.#look = () => {
        const got = this.#take(mayListen)
        if (got !== undefined) settle(() => resolve(got))
        else if (this.#ended) settle(() => resolve(null))
      }
      this.#look()
    })
  }

  /** @returns undefined while an answer is not whole */
  #take(mayListen: boolean): Got | undefined {
    const end = this.#text.indexOf('\r\n\r\n')
    if (end === -1) return undefined
    const [first = '', ...lines] = this.#text.slice(0, end).split('\r\n')
    const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(first)?.[1])
    if (status === 100) {
      this.#text = this.#text.slice(end + 4)
      return this.#take(mayListen)
    }
    const headers = new Map(
      lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
    )
    const rest = this.#text.slice(end + 4)
    const body = bodyOf({ headers, status, ended: this.#ended, mayListen }, rest)
    if (body === undefined) return undefined
    this.#text = rest.slice(body.took)
    const isLast = headers.get('connection') === 'close' || body.isOpen
    return { status, headers, body: Buffer.from(body.text, 'latin1').toString(), isLast }
  }
}

interface Taken {
  text: string
  took: number
  isOpen: boolean
}

interface Head {
  headers: Map<string, string>
  status: number
  ended: boolean
  mayListen: boolean
}

function bodyOf({ headers, status, ended, mayListen }: Head, rest: string): Taken | undefined {
  if (headers.get('transfer-encoding') === 'chunked') return chunksOf(mayListen, rest)
  const length = headers.get('content-length')
  if (length === undefined) {
    if (status === 202 || status === 204) return { text: '', took: 0, isOpen: false }
    return ended ? { text: rest, took: rest.length, isOpen: false } : undefined
  }
  return rest.length < Number(length)
    ? undefined
    : { text: rest.slice(0, Number(length)), took: Number(length), isOpen: false }
}

function chunksOf(mayListen: boolean, rest: string): Taken | undefined {
  let text = ''
  for (let at = 0; ; ) {
    const line = rest.indexOf('\r\n', at)
    const size = line === -1 ? Number.NaN : Number.parseInt(rest.slice(at, line), 16)
    if (size === 0) return { text, took: line + 4, isOpen: false }
    if (Number.isNaN(size) || rest.length < line + 4 + size) {
      // A stream that only listens never ends; it has answered once its first message is there.
      return mayListen || /acknowledged/.test(text) ? { text, took: rest.length, isOpen: true } : undefined
    }
    text += rest.slice(line + 2, line + 2 + size)
    at = line + 4 + size
  }
}
