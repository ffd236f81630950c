/**
 * How the portal and a process of the sandbox speak over a pipe: a frame is the length of its head, the length of its
 * body, the head as JSON, the body as text. Nothing else is ever read from it, and nothing of Node's own messages
 * between processes. Part of the program of that process (`program.ts`), so it imports nothing of ours.
 */

export interface Frame {
  head: Record<string, unknown>
  body: string
}

export interface FrameLimits {
  headBytes: number
  bodyBytes: number
}

const PREFIX_BYTES = 8

export function encodeFrame(head: object, body = ''): Buffer {
  const headText = JSON.stringify(head)
  const headBytes = Buffer.byteLength(headText)
  const bodyBytes = Buffer.byteLength(body)
  const frame = Buffer.allocUnsafe(PREFIX_BYTES + headBytes + bodyBytes)
  frame.writeUInt32BE(headBytes, 0)
  frame.writeUInt32BE(bodyBytes, 4)
  frame.write(headText, PREFIX_BYTES)
  frame.write(body, PREFIX_BYTES + headBytes)
  return frame
}

/**
 * @param limits asked at each frame, so they may change
 * @returns takes bytes as they come; false for what is no frame or over a limit, and then nothing more may be given to it
 */
export function openFrames(limits: () => FrameLimits, onFrame: (frame: Frame) => void): (chunk: Buffer) => boolean {
  let chunks: Buffer[] = []
  let held = 0
  let wanted = PREFIX_BYTES
  return (chunk) => {
    chunks.push(chunk)
    held += chunk.length
    // Joined only when a whole frame is there: many small chunks cost no more than one.
    while (held >= wanted) {
      const bytes = chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks, held)
      const headBytes = bytes.readUInt32BE(0)
      const bodyBytes = bytes.readUInt32BE(4)
      const most = limits()
      if (headBytes > most.headBytes || bodyBytes > most.bodyBytes) return false
      const end = PREFIX_BYTES + headBytes + bodyBytes
      if (held < end) {
        chunks = [bytes]
        wanted = end
        return true
      }
      const head = parseHead(bytes.toString('utf8', PREFIX_BYTES, PREFIX_BYTES + headBytes))
      if (head === null) return false
      chunks = [bytes.subarray(end)]
      held -= end
      wanted = PREFIX_BYTES
      onFrame({ head, body: bytes.toString('utf8', PREFIX_BYTES + headBytes, end) })
    }
    return true
  }
}

function parseHead(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null
  } catch {
    return null
  }
}
