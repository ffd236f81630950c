/** The least that a list can cost: a server that reads a request and answers as many bytes as its URL says, already made. */
import { createServer } from 'node:http'

const made = new Map<string, Buffer>()

function bytesFor(url: string): Buffer {
  const known = made.get(url)
  if (known !== undefined) return known
  const bytes = Buffer.alloc(Number(url.slice(1)), 'a')
  made.set(url, bytes)
  return bytes
}

const server = createServer((request, response) => {
  request.resume()
  request.on('end', () => {
    const bytes = bytesFor(request.url ?? '/0')
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': bytes.length })
    response.end(bytes)
  })
})

server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  if (typeof address === 'object' && address !== null) process.send?.({ listening: address.port })
})
process.on('disconnect', () => process.exit(0))
