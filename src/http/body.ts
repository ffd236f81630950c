/** Reads one request body, bounded. A body that is too long is never held: reading stops and the connection ends with the answer. */
import type { IncomingMessage } from 'node:http'
import { LIMITS } from '../config/limits.ts'

/** @returns the bytes; or that there are more than `limit`; or that the client went away in mid-body, which is no trouble of ours */
export function readBody(
  request: IncomingMessage,
  limit: number = LIMITS.body.value,
): Promise<Buffer | 'too-long' | 'gone'> {
  return new Promise((resolve) => {
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
      resolve('too-long')
    })
    request.on('end', () => resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, size)))
    // An error is followed by the close.
    request.on('error', () => {})
    request.on('close', () => {
      if (!request.complete) resolve('gone')
    })
  })
}
