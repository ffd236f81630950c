/**
 * The one sanitizer for everything that a person reads outside a browser: terminal, log, CSV. Names, errors and log rows
 * come from servers and clients that may be hostile: a control character could forge a line, move the cursor or fill the
 * clipboard, a bidi character could show a name as another, a formula could run in a spreadsheet.
 *
 * It imports nothing, because it is for every room.
 */

/** C0, DEL, C1, line and paragraph separators, and whatever is drawn as nothing: bidi, zero-width, filler and tag characters. How an emoji looks stays. */
const UNSAFE = /[[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\p{Default_Ignorable_Code_Point}\u2800]--[\ufe00-\ufe0f]]/gv

/** One line, with each unsafe character as `\u{hex}`. */
export function visible(text: string): string {
  return text.replace(UNSAFE, (char) => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`)
}

/** JSON that means the same and holds no unsafe character, on a terminal or off it. */
export function visibleJson(value: unknown, indent?: number): string {
  return visibleLine(JSON.stringify(value, null, indent) ?? 'null')
}

/** The same for JSON that is text already; line ends between values stay. */
export function visibleLine(json: string): string {
  return json.replace(UNSAFE, (char) => {
    // The only line ends outside strings are those of the indentation, and of lines of JSON.
    if (char === '\n') return char
    return Array.from({ length: char.length }, (_, i) => `\\u${char.charCodeAt(i).toString(16).padStart(4, '0')}`).join(
      '',
    )
  })
}

/** What a spreadsheet would take for a formula. */
const FORMULA = /^\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|^[\t\r]/

/** One cell of CSV (RFC 4180): one line, always quoted, and text for a spreadsheet whatever it holds. */
export function csvCell(value: unknown): string {
  const text =
    value === undefined || value === null ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value)
  const shown = visible(FORMULA.test(text) ? `'${text}` : text)
  return `"${shown.replaceAll('"', '""')}"`
}
