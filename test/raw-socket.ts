/** HTTP as bytes on a socket, for requests that no HTTP client would send. */
import { connect } from 'node:net'

/** Sends the lines joined by CRLF and a body; resolves with everything the server wrote until it closed or answered whole. */
export function sendRaw(url: string, lines: readonly string[], body = ''): Promise<{ status: number; text: string }> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname)
    let text = ''
    const done = () => {
      socket.destroy()
      resolve({ status: Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0), text })
    }
    socket.on('data', (chunk) => {
      text += chunk.toString()
      const head = text.indexOf('\r\n\r\n')
      const length = /content-length: (\d+)/i.exec(text)?.[1]
      if (head !== -1 && length !== undefined && text.length >= head + 4 + Number(length)) done()
    })
    socket.on('end', done)
    socket.on('error', reject)
    socket.write(`${lines.join('\r\n')}\r\n\r\n${body}`)
  })
}

export interface RawConnection {
  /** Everything that came so far. */
  readonly text: string
  readonly isGone: boolean
  write(bytes: string | Buffer): void
  /** Resolves once what came matches; rejects where the connection ends before. */
  until(pattern: RegExp): Promise<string>
  /** Resolves with everything that came, once the connection is gone. */
  readonly closed: Promise<string>
  /** Stops reading, as a client does that never takes what it asked for. */
  pause(): void
  destroy(): void
}

/** A connection that a test writes and reads piece by piece. */
export function openRaw(url: string): RawConnection {
  const { hostname, port } = new URL(url)
  const socket = connect({ port: Number(port), host: hostname.replace(/^\[|\]$/g, ''), noDelay: true })
  const waiting = new Set<() => void>()
  let text = ''
  let isGone = false
  const look = () => {
    for (const one of waiting) one()
  }
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1')
    look()
  })
  // A connection that is cut off may end as a reset; either way it is gone.
  socket.on('error', () => {})
  const closed = new Promise<string>((resolve) => {
    socket.on('close', () => {
      isGone = true
      look()
      resolve(text)
    })
  })
  return {
    get text() {
      return text
    },
    get isGone() {
      return isGone
    },
    write: (bytes) => void socket.write(bytes),
    until: (pattern) =>
      new Promise((resolve, reject) => {
        const one = () => {
          if (!pattern.test(text) && !isGone) return
          waiting.delete(one)
          if (pattern.test(text)) resolve(text)
          else reject(new Error(`the connection ended with: ${text}`))
        }
        waiting.add(one)
        one()
      }),
    closed,
    pause: () => void socket.pause(),
    destroy: () => void socket.destroy(),
  }
}
