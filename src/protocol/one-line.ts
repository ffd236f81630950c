/**
 * A message that has to be one line: an event of a stream, a line to a child. JSON lets some characters stand raw in its
 * text that readers take for the end of a line though the protocol does not: Node's `readline` and JavaScript of old the
 * separators U+2028 and U+2029, Python's `splitlines` those, U+0085 and five controls, C programs NUL. Whoever writes the text could end
 * the message there and begin one of his own.
 */

/** What a reader may take for a line end, and its like; white space of JSON is the framing's own business. */
const ENDS = /[\u2028\u2029]|(?![\t\n\r])\p{Cc}/gu

/**
 * @param json a message that was proven to be JSON but for controls inside its text, in UTF-8: what is looked for can
 * stand nowhere but inside text
 * @returns the same message with those characters as escapes; the very buffer where there are none
 */
export function escapeLineEnds(json: Buffer): Buffer {
  return hasLineEnd(json) ? Buffer.from(json.toString().replace(ENDS, escaped)) : json
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}

function hasLineEnd(json: Buffer): boolean {
  for (let i = 0; i < json.length; i++) {
    const c = json[i] as number
    if (c < 0x20) {
      if (c !== 0x09 && c !== 0x0a && c !== 0x0d) return true
    } else if (c === 0xc2) {
      if (json[i + 1] === 0x85) return true
    } else if (c === 0xe2 && json[i + 1] === 0x80 && (json[i + 2] === 0xa8 || json[i + 2] === 0xa9)) return true
  }
  return false
}
