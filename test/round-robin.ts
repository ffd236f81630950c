/** What stands before replicas in a small company: one address that hands each connection to the next replica that takes it. */

import type { AddressInfo } from 'node:net'
import { connect, createServer, type Socket } from 'node:net'

export interface RoundRobin {
  url: string
  /** How many connections each replica took, by its URL. */
  taken: Map<string, number>
  /** To others from now on. */
  lead(targets: readonly string[]): void
  /** Breaks all connections off, as a network does that is gone for a moment. */
  cut(): void
  close(): Promise<void>
}

/** @param first URLs, in the order of their turns */
export async function startRoundRobin(first: readonly string[]): Promise<RoundRobin> {
  const open = new Set<Socket>()
  let targets = first
  const taken = new Map<string, number>(targets.map((target) => [target, 0]))
  let turn = 0
  // Each connection goes round by itself: those beside it must not lead it to the same dead one again.
  const hand = (client: Socket, at: number, left: number) => {
    const target = targets[at % targets.length] ?? ''
    const { hostname, port } = new URL(target)
    const server = connect(Number(port), hostname)
    server.once('connect', () => {
      taken.set(target, (taken.get(target) ?? 0) + 1)
      open.add(server)
      server.once('close', () => open.delete(server))
      // An end of either side is an end of both, as it happens: half a connection serves nobody here.
      server.on('error', () => client.destroy())
      client.on('error', () => server.destroy())
      server.on('close', () => client.destroy())
      client.on('close', () => server.destroy())
      client.pipe(server)
      server.pipe(client)
    })
    const refused = () => {
      if (left > 0) hand(client, at + 1, left - 1)
      else client.destroy()
    }
    server.once('error', refused)
    server.once('connect', () => server.off('error', refused))
  }
  const listener = createServer((client) => {
    open.add(client)
    client.once('close', () => open.delete(client))
    client.on('error', () => client.destroy())
    hand(client, turn++, targets.length)
  })
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(listener.address() as AddressInfo).port}`,
    taken,
    lead(others) {
      targets = others
    },
    cut() {
      for (const socket of open) socket.destroy()
    },
    close: () =>
      new Promise((resolve) => {
        listener.close(() => resolve())
        for (const socket of open) socket.destroy()
      }),
  }
}
