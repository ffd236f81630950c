/** A request whose body was read, changed and is to be read again: the library reads its own, and only from a stream. */

import { Readable } from 'node:stream'
import type { NodeRequest } from './node.ts'

/** What a form or a registration may have; more is nobody's. */
const MOST_BYTES = 56 * 1024

/** @returns the whole body, or null where it is too long or broke off */
export async function readWhole(request: NodeRequest): Promise<Buffer | null> {
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of request.iterator({ destroyOnReturn: false })) {
      bytes += chunk.length
      if (bytes > MOST_BYTES) return null
      chunks.push(chunk)
    }
  } catch {
    // It broke off; there is nobody left to tell why.
    return null
  }
  return Buffer.concat(chunks)
}

/** @returns a request like the first, with another target and body */
export function replay(request: NodeRequest, target: string, body: Buffer | null): NodeRequest {
  const { method, headers, httpVersion, httpVersionMajor, httpVersionMinor, socket } = request
  const sent = body === null ? headers : { ...headers, 'content-length': String(body.length) }
  delete sent['transfer-encoding']
  const copy = {
    method,
    url: target,
    headers: sent,
    httpVersion,
    httpVersionMajor,
    httpVersionMinor,
    socket,
    complete: true,
  }
  return Object.assign(
    Readable.from(body === null || body.length === 0 ? [] : [body], { objectMode: false }),
    copy,
  ) as unknown as NodeRequest
}
