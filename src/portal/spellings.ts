/**
 * In what other ways the URI of a resource may be read: a server may take `%73` for `s`, and a rule that names the one must not be
 * dodged by the other. Only for what is read through a template: everything else is found by its exact text or not at all.
 *
 * Source: RFC 3986, section 6.2.2 (which spellings are the same), section 5.2.4 (dot segments); Unicode NFC.
 */

export interface Spelling {
  uri: string
  /**
   * The same by the standard: it must be allowed as the first one is. Else it is only what some server may take it for: no rule
   * may deny it, however strange the reading.
   */
  isSame: boolean
}

/** A server decodes once; who decodes more often is met a little further. */
const MOST_DECODINGS = 3

/**
 * @returns the others, none for nearly every URI; null where it leads up and down, and nobody can tell where to
 */
export function spellingsOf(uri: string): readonly Spelling[] | null {
  const found = new Map<string, boolean>([[uri, true]])
  const normal = normalise(uri)
  if (!found.has(normal)) found.set(normal, true)
  let decoded = uri
  for (let times = 0; times < MOST_DECODINGS; times++) {
    const next = decodeAll(decoded)
    if (hasDots(next) || isNobodys(next)) return null
    const lax = asFile(next)
    for (const one of [next, next.normalize('NFC'), lowerHost(next), lax, lax.toLowerCase()])
      if (!found.has(one)) found.set(one, false)
    if (next === decoded) break
    decoded = next
  }
  found.delete(uri)
  return [...found].map(([other, isSame]) => ({ uri: other, isSame }))
}

/** Characters that need no encoding are not encoded; the rest in capitals; scheme and host in lower case. */
function normalise(uri: string): string {
  const plain = uri.replaceAll(/%[0-9A-Fa-f]{2}/g, (code) => {
    const char = String.fromCharCode(Number.parseInt(code.slice(1), 16))
    return /[A-Za-z0-9\-._~]/.test(char) ? char : code.toUpperCase()
  })
  return lowerHost(plain)
}

function lowerHost(uri: string): string {
  return uri.replace(/^[^:/?#]+:(?:\/\/[^/?#]*)?/, (start) => start.toLowerCase())
}

/** Of what is not UTF-8 only the letters, slashes and dots beside it: a careless server reads them all the same. */
function decodeAll(uri: string): string {
  return uri.replaceAll(/(?:%[0-9A-Fa-f]{2})+/g, (codes) => {
    const text = Buffer.from(codes.replaceAll('%', ''), 'hex').toString('utf8')
    if (!text.includes('\uFFFD')) return text
    return codes.replaceAll(/%[0-7][0-9A-Fa-f]/g, (code) => String.fromCharCode(Number.parseInt(code.slice(1), 16)))
  })
}

/** As a server of files may take it: without what follows the path, any slash a slash, and many of them one. */
function asFile(uri: string): string {
  const [, start = '', path = ''] = /^([^:/?#]+:(?:\/\/[^/?#\\]*)?)([^?#]*)/.exec(uri) ?? ['', '', uri]
  return start + path.replaceAll(/[/\\]+/g, '/').replace(/(?<=.)\/$/, '')
}

/** Control characters, where some stop reading; and a slash or a dot in more bytes than UTF-8 has for it, which some take for one. */
function isNobodys(uri: string): boolean {
  return /\p{Cc}|%c[01]|%e0%[89]|%f0%8/iu.test(uri)
}

function hasDots(uri: string): boolean {
  return /(?:^|[/\\])\.{1,2}(?:[/\\?#]|$)/.test(uri)
}
