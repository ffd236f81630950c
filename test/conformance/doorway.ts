/**
 * A way into a portal for programs that know no tokens: a loopback proxy that puts one on every request, and changes nothing else. Each
 * header goes on as it came, Host and Origin too; bodies stream both ways, and whoever hangs up on one side is gone on the other.
 */
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Doorway {
  /** By the name of the machine, without a path. */
  origin: string
  close(): Promise<void>
}

/** @param behind the portal's origin */
export async function openDoorway(behind: string, token: string): Promise<Doorway> {
  const server = createServer((asked, answering) => pass(asked, answering, behind, token))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    origin: `http://localhost:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function pass(asked: IncomingMessage, answering: ServerResponse, behind: string, token: string): void {
  const headers = [...asked.rawHeaders, 'authorization', `Bearer ${token}`]
  const onward = request(`${behind}${asked.url}`, { method: asked.method, headers, agent: false }, (answer) => {
    answering.writeHead(answer.statusCode ?? 502, answer.rawHeaders)
    answering.flushHeaders()
    answer.pipe(answering)
    // Cut off behind is cut off in front: an answer that is not whole must not look as if it were.
    answer.on('error', () => answering.destroy())
  })
  onward.on('error', () => answering.destroy())
  answering.on('close', () => onward.destroy())
  asked.pipe(onward)
}
