/** Reads one request body, bounded. A body that is too long is never held: reading stops and the connection ends with the answer. */
import type { IncomingMessage } from 'node:http'
import { LIMITS } from '../config/limits.ts'

/** @returns the bytes, or null when there are more than `limit`. @throws when the client goes away in mid-body */
export function readBody(request: IncomingMessage, limit: number = LIMITS.body.value): Promise<Buffer | null> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    request.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size <= limit) {
        chunks.push(chunk)
        return
      }
      request.removeAllListeners('data')
      request.pause()
      resolve(null)
    })
    request.on('end', () => resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, size)))
    // An error is followed by the close.
    request.on('error', () => {})
    request.on('close', () => {
      if (!request.complete) reject(new Error('the client closed the connection in mid-body'))
    })
  })
}
