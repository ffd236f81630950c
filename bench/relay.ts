/**
 * The yardstick: the least that a relay in Node can do. It reads a request, dispatches it through an undici pool and
 * answers at once; it looks at nothing and keeps nothing.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { Pool } from 'undici'

const pool = new Pool(process.argv[2] ?? '', { connections: 64, pipelining: 1 })

const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => relay(request, Buffer.concat(chunks), response))
})

function relay(request: IncomingMessage, body: Buffer, response: ServerResponse): void {
  const { host: _host, connection: _connection, ...headers } = request.headers
  const chunks: Buffer[] = []
  let status = 502
  let contentType = 'application/json'
  pool.dispatch(
    { path: request.url ?? '/', method: 'POST', headers, body },
    {
      onRequestStart: () => undefined,
      onResponseStart: (_controller, code, received) => {
        status = code
        if (typeof received['content-type'] === 'string') contentType = received['content-type']
      },
      onResponseData: (_controller, chunk) => {
        chunks.push(chunk)
      },
      onResponseEnd: () => {
        const [first] = chunks
        const bytes = chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks)
        response.writeHead(status, { 'content-type': contentType, 'content-length': bytes.length })
        response.end(bytes)
      },
      onResponseError: () => {
        response.writeHead(502)
        response.end()
      },
    },
  )
}

server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  if (typeof address === 'object' && address !== null) process.send?.({ listening: address.port })
})
process.on('disconnect', () => process.exit(0))
