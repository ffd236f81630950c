/** A real CONNECT proxy on loopback that knows one way, whatever it is asked for, and remembers what that was. */
import { createServer, type IncomingMessage } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'

export interface ConnectProxy {
  port: number
  /** The targets, as `host:port`. */
  asked: string[]
  authorizations: (string | undefined)[]
  connections: number
  close(): Promise<void>
}

/** @param port where every tunnel leads, on this machine @param status other than 200 opens none */
export async function startConnectProxy(port: number, status = 200): Promise<ConnectProxy> {
  const sockets = new Set<Socket>()
  const server = createServer((_, response) => response.writeHead(400).end())
  server.on('connection', (socket) => {
    proxy.connections++
    sockets.add(socket)
  })
  server.on('connect', (request: IncomingMessage, socket: Socket) => {
    proxy.asked.push(request.url ?? '')
    proxy.authorizations.push(request.headers['proxy-authorization'])
    if (status !== 200) return socket.end(`HTTP/1.1 ${status} No\r\n\r\n`)
    const onward = connect(port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      onward.pipe(socket).pipe(onward)
    })
    sockets.add(onward)
    for (const one of [onward, socket]) one.on('error', () => {})
  })
  const proxy: ConnectProxy = {
    port: 0,
    asked: [],
    authorizations: [],
    connections: 0,
    close() {
      for (const socket of sockets) socket.destroy()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  proxy.port = (server.address() as AddressInfo).port
  return proxy
}
