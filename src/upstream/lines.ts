/**
 * Newline-delimited messages from a child, with a cap on one line: a child that never ends its line must not fill memory.
 */
const LF = 0x0a
const CR = 0x0d
/** A line that drips byte by byte must not cost an object a byte: so many pieces are made one. */
const PIECES = 1024

/**
 * @param onLine called with each non-empty line, without its end
 * @returns takes the next bytes; false once a line went over the cap, after which nothing more is taken
 */
export function openLines(onLine: (line: Buffer) => void, maxBytes: number): (chunk: Buffer) => boolean {
  let held: Buffer[] = []
  let heldBytes = 0
  let joined = 0

  function hold(piece: Buffer): void {
    held.push(piece)
    heldBytes += piece.length
    if (held.length - joined < PIECES) return
    // The last pieces alone, or each joining would copy the whole line anew.
    held.push(Buffer.concat(held.splice(joined)))
    joined++
  }

  function emit(tail: Buffer): void {
    const whole = held.length === 0 ? tail : Buffer.concat([...held, tail])
    held = []
    heldBytes = 0
    joined = 0
    const line = whole.at(-1) === CR ? whole.subarray(0, -1) : whole
    if (line.length > 0) onLine(line)
  }

  return (chunk) => {
    let from = 0
    for (;;) {
      const end = chunk.indexOf(LF, from)
      const to = end === -1 ? chunk.length : end
      if (heldBytes + to - from > maxBytes) {
        held = []
        return false
      }
      if (end === -1) break
      emit(chunk.subarray(from, end))
      from = end + 1
    }
    if (from < chunk.length) hold(from === 0 ? chunk : chunk.subarray(from))
    return true
  }
}
