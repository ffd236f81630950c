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
 * another. The response of one that waits has no socket yet, and Node tells it nothing when the connection dies: it is told
 * here, so that its call ends and what it holds is given back.
 *
 * @returns tells whether a request whose response has no socket may wait; where not, its connection is gone
 */
export function makeQueue(most: number): (request: IncomingMessage, response: ServerResponse) => boolean {
  const waiting = new WeakMap<Socket, Set<ServerResponse>>()
  return ({ socket }, response) => {
    const queue = waiting.get(socket) ?? follow(socket)
    if (queue.size >= most) {
      socket.destroy()
      return false
    }
    queue.add(response)
    response.once('close', () => queue.delete(response))
    return true
  }

  function follow(socket: Socket): Set<ServerResponse> {
    const queue = new Set<ServerResponse>()
    waiting.set(socket, queue)
    socket.once('close', () => {
      for (const response of queue) {
        // The one that got the socket meanwhile is told by Node.
        if (response.socket !== null) continue
        response.destroy()
        response.emit('close')
      }
    })
    return queue
  }
}
