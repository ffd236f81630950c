/**
 * Text that two programs could read differently: not composed (NFC), with characters that nobody sees, or with half a
 * character. A rule compares exactly; what it would say of such text, the server behind may not mean.
 */

/** Controls but tab and line ends, separators of lines, half surrogate pairs, and all that is drawn as nothing. */
const HIDDEN = /(?![\t\n\r])[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\p{DI}\ufff9-\ufffb]/u

export function isPlainText(text: string): boolean {
  return !HIDDEN.test(text) && text === text.normalize('NFC')
}

/** What many systems take for the same: without regard to case, width and composition. */
export function folded(text: string): string {
  return text.normalize('NFKC').toLowerCase().normalize('NFKC')
}
