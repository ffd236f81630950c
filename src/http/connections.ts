/**
 * How many connections may be open, in all and from one address, and how far a client may run ahead on one. Who is over
 * is cut off without an answer: before a byte of it was read, a flood costs a socket's accept and no more.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { LimitValues } from '../config/limits.ts'

/**
 * Sets the limits on a listener that does not listen yet.
 *
 * @param isExempt whether connections of an address are not counted: behind a proxy every caller has the same one
 */
export function limitConnections(
  server: Server,
  limits: Pick<LimitValues, 'connections' | 'connections_per_address'>,
  isExempt: (address: string) => boolean,
): void {
  const open = new Map<string, number>()
  server.maxConnections = limits.connections
  server.on('connection', (socket: Socket) => {
    const address = socket.remoteAddress ?? ''
    if (isExempt(address)) return
    const count = (open.get(address) ?? 0) + 1
    if (count > limits.connections_per_address) {
      socket.destroy()
      return
    }
    open.set(address, count)
    socket.once('close', () => {
      const left = (open.get(address) ?? 1) - 1
      if (left === 0) open.delete(address)
      else open.set(address, left)
    })
  })
}

/**
 * Requests that a client sends ahead on one connection are all carried out at once, and their answers wait for one
 * another.
 *
 * @returns tells whether a request whose response has no socket yet may wait; where not, its connection is gone
 */
export function makeQueue(most: number): (request: IncomingMessage, response: ServerResponse) => boolean {
  const waiting = new WeakMap<Socket, number>()
  return ({ socket }, response) => {
    const count = (waiting.get(socket) ?? 0) + 1
    if (count > most) {
      socket.destroy()
      return false
    }
    waiting.set(socket, count)
    response.once('close', () => waiting.set(socket, (waiting.get(socket) ?? 1) - 1))
    return true
  }
}
