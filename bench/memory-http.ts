/** Requests and responses without sockets, with as much of node's own as the portal uses, so that only its work is counted. */
import { EventEmitter } from 'node:events'

export interface Asked {
  url: string
  rawHeaders: string[]
  body: Buffer
}

/** As much of an `IncomingMessage` as the portal uses; its body flows once somebody listens for the end. */
export class MemoryRequest extends EventEmitter {
  readonly method = 'POST'
  readonly url: string
  readonly rawHeaders: string[]
  readonly socket = { remoteAddress: '127.0.0.1' }
  complete = false
  readonly #body: Buffer

  constructor(asked: Asked) {
    super()
    this.url = asked.url
    this.rawHeaders = asked.rawHeaders
    this.#body = asked.body
  }

  override on(event: string, listener: Parameters<EventEmitter['on']>[1]): this {
    super.on(event, listener)
    if (event === 'end') queueMicrotask(() => this.#flow())
    return this
  }

  #flow(): void {
    this.complete = true
    this.emit('data', this.#body)
    this.emit('end')
  }
}

/** As much of a `ServerResponse` as the portal uses. */
export class MemoryResponse extends EventEmitter {
  destroyed = false
  writableEnded = false
  headersSent = false
  #status = 0
  readonly #ended: (status: number, body: Buffer) => void

  constructor(ended: (status: number, body: Buffer) => void) {
    super()
    this.#ended = ended
  }

  writeHead(status: number): this {
    this.#status = status
    this.headersSent = true
    return this
  }

  end(body: Buffer): this {
    this.writableEnded = true
    this.emit('finish')
    this.emit('close')
    this.#ended(this.#status, body)
    return this
  }
}
