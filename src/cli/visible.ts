/**
 * What may reach a terminal. Names, errors and log rows come from servers and clients that may be hostile: a control
 * character could forge a line, move the cursor or fill the clipboard, and a bidi character could show a name as another.
 */

/** C0, DEL, C1, line and paragraph separators, bidi controls, zero-width and tag characters. */
const UNSAFE =
  /[\p{Cc}\p{Zl}\p{Zp}\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\u{e0000}-\u{e007f}\p{Cs}]/gu

/** One line, with each unsafe character as `\u{hex}`. */
export function visible(text: string): string {
  return text.replace(UNSAFE, (char) => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`)
}

/** JSON that means the same and holds no unsafe character, on a terminal or off it. */
export function visibleJson(value: unknown, indent?: number): string {
  const text = JSON.stringify(value, null, indent) ?? 'null'
  return text.replace(UNSAFE, (char) => {
    // The only line ends outside strings are those of the indentation.
    if (char === '\n') return char
    return Array.from({ length: char.length }, (_, i) => `\\u${char.charCodeAt(i).toString(16).padStart(4, '0')}`).join(
      '',
    )
  })
}
