/**
 * A server that is a child process, and the handshake with it. One connection is the life of one child: when it dies the
 * pool opens another. A child that ends or stays silent on the modern probe is an old one, and is started again for the
 * old handshake, because some servers leave at the first message they do not know.
 */
import { LIMITS } from '../config/limits.ts'
import type { Era, JsonObject, Notification, RawReply } from '../protocol/model.ts'
import { Child } from './child.ts'
import type { Connection } from './connection.ts'
import { encodeInitialize, encodeInitialized, type PortalInfo, type ServerInfo } from './encode.ts'
import { Exchange, type Limits, type Watch } from './exchange.ts'
import { discover, encodeDiscover, ownRequest, readDiscover, readInitialize, type Verdict } from './handshake.ts'
import type { Launch } from './launch.ts'
import { Pipe } from './pipe.ts'
import type { Asking } from './questions.ts'
import { listenExchange, listenFilter } from './subscriptions.ts'
import { Trouble } from './trouble.ts'

export interface StdioOptions {
  launch: Launch
  env: Readonly<Record<string, string>>
  cwd: string
  portal: PortalInfo
  limits: Limits
  watch: Watch
  /** What a child of the old handshake may ask. */
  asking: Asking
  onEnded(stderr: string): void
  /** What an earlier child turned out to be, or null before the first. */
  era: Era | null
}

/** @throws Trouble */
export async function openStdio(options: StdioOptions): Promise<Connection> {
  if (options.era !== '2025') {
    const first = new StdioConnection(options)
    if (await first.probe()) return first
    // The same child may still be asked in the old way if it answered the probe at all.
    if (first.isOpen) return initialized(first)
  }
  return initialized(new StdioConnection(options))
}

async function initialized(connection: StdioConnection): Promise<Connection> {
  try {
    await connection.initialize()
    return connection
  } catch (error) {
    await connection.close()
    throw error
  }
}

class StdioConnection implements Connection {
  readonly #options: StdioOptions
  readonly #pipe: Pipe
  readonly #child: Child
  #isOpen = true
  #isListening = false
  #noiseBytes = 0

  constructor(options: StdioOptions) {
    this.#options = options
    this.#pipe = new Pipe({
      end: { send: (message) => this.#child.send(message.body) },
      limits: options.limits,
      watch: options.watch,
      asking: options.asking,
    })
    this.#child = new Child({
      ...options.launch,
      env: options.env,
      cwd: options.cwd,
      lineBytes: options.limits.answerBytes,
      onLine: (line) => this.#hear(line),
      onGone: (trouble) => {
        this.#isOpen = false
        this.#pipe.break(trouble)
      },
      onExit: () => {
        this.#isOpen = false
      },
      onEnded: options.onEnded,
    })
  }

  get era(): Era {
    return this.#pipe.era
  }

  get capabilities(): JsonObject {
    return this.#pipe.capabilities
  }

  get instructions(): string | null {
    return this.#pipe.instructions
  }

  get info(): ServerInfo | null {
    return this.#pipe.info
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  get inFlight(): number {
    return this.#pipe.inFlight
  }

  get answered(): number {
    return this.#pipe.answered
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  request(exchange: Exchange): Promise<RawReply> {
    return this.#pipe.request(exchange)
  }

  listen(onNotification: (notification: Notification) => void): void {
    if (this.#isListening) return
    this.#isListening = true
    this.#pipe.listen(onNotification)
    const filter = this.era === '2026' ? listenFilter(this.capabilities) : null
    // The stream lives and dies with the child, so there is nothing to open again.
    if (filter !== null) this.#pipe.request(listenExchange(filter, onNotification)).catch(() => {})
  }

  close(): Promise<void> {
    this.#isOpen = false
    return this.#child.close()
  }

  /** Some servers write other things to stdout. One that writes nothing else has no end. */
  #hear(line: Buffer): void {
    this.#noiseBytes = this.#pipe.take(line) ? 0 : this.#noiseBytes + line.length + 1
    if (this.#noiseBytes <= LIMITS.child_noise.value) return
    this.#child.giveUp(new Trouble('bad-answer', 'the child writes what is no message'))
  }

  /** @returns whether it is a modern server; if not, the child is still open if it answered at all */
  async probe(): Promise<boolean> {
    const { limits, watch } = this.#options
    const exchange = new Exchange(ownRequest('server/discover'))
    watch.hurry(exchange, limits.probeMs)
    try {
      const settled = await discover((version) => this.#discover(exchange, version))
      if (settled?.era !== '2026') return false
      this.#pipe.peer = settled.peer
      return true
    } catch (error) {
      await this.close()
      if (error instanceof Trouble && (error.kind === 'timeout' || error.kind === 'lost')) return false
      throw error
    }
  }

  async initialize(): Promise<void> {
    const exchange = new Exchange(ownRequest('initialize'))
    const { watch, limits, portal, asking } = this.#options
    watch.limit(exchange, limits.openingMs)
    const raw = await this.#pipe.exchange(exchange, (id) => encodeInitialize(id, portal, asking.askable))
    const peer = readInitialize(raw)
    this.#pipe.peer = peer
    this.#child.send(encodeInitialized(peer).body)
  }

  async #discover(exchange: Exchange, version: string): Promise<Verdict> {
    const { portal } = this.#options
    const raw = await this.#pipe.exchange(exchange, (id) => encodeDiscover(id, portal, version))
    return readDiscover(raw, portal)
  }
}
