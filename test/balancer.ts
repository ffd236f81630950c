/** What stands before replicas in a company: one address, and each request goes to the next of them. */
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Balancer {
  url: string
  /** To whom the requests go by turns; set when they run. */
  targets: string[]
  /** How many requests each target got. */
  served: Map<string, number>
  close(): Promise<void>
}

export async function startBalancer(): Promise<Balancer> {
  let turn = 0
  const pass = (from: IncomingMessage, to: ServerResponse) => {
    const target = balancer.targets[turn++ % balancer.targets.length] ?? ''
    balancer.served.set(target, (balancer.served.get(target) ?? 0) + 1)
    // The Host header stays: the portal must see the name that was asked for.
    const onward = request(
      target,
      { path: from.url ?? '/', method: from.method ?? 'GET', headers: from.headers },
      (answer) => {
        to.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.pipe(to)
      },
    )
    onward.on('error', () => to.destroy())
    from.pipe(onward)
  }
  const server = createServer(pass)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const balancer: Balancer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    targets: [],
    served: new Map(),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return balancer
}
