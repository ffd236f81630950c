/**
 * What a server's 401 or 403 asks for, read from `WWW-Authenticate` (RFC 9110 section 11.6.1, RFC 6750 section 3, RFC 9728 section 5.1).
 * The header is the server's to write, and so hostile: it is read once from left to right, in bounds, and says nothing that is believed
 * without a check by whoever uses it.
 */
import type { Challenge } from './model.ts'

const LONGEST = 8192
/** RFC 6749 section 3.3: scope tokens, one space between two. */
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*$/
const MOST_SCOPE = 2048
const ERROR = /^[\x20\x21\x23-\x5b\x5d-\x7e]{1,64}$/
const TOKEN = /[!#$%&'*+\-.^_`|~0-9A-Za-z]+/y
const BLANK = /[ \t]*/y
/** What stands after `=`: quoted, with backslashes before quotes, or a token. */
const QUOTED = /"((?:[^"\\]|\\.)*)"/y
const BARE = /[^\s,"]*/y

/** @param header as it came; several are joined by commas. Null where there was none */
export function readChallenge(status: 401 | 403, header: string | null): Challenge {
  const params = header === null || header.length > LONGEST ? new Map<string, string>() : bearerParams(header)
  const scope = params.get('scope') ?? ''
  const error = params.get('error') ?? ''
  return {
    status,
    error: ERROR.test(error) ? error : null,
    scope: scope.length <= MOST_SCOPE && SCOPE.test(scope) ? scope : null,
    resourceMetadata: params.get('resource_metadata') ?? null,
  }
}

/** Of the first challenge that is a bearer's; names in lower case, the first of each counts. */
function bearerParams(text: string): Map<string, string> {
  const reader = new Reader(text)
  let scheme = ''
  let params = new Map<string, string>()
  while (!reader.isDone) {
    const word = reader.take(TOKEN)?.[0]
    if (word === undefined) {
      reader.skipOne()
      continue
    }
    reader.take(BLANK)
    if (!reader.takeEquals()) {
      if (scheme === 'bearer') return params
      scheme = word.toLowerCase()
      params = new Map()
      continue
    }
    reader.take(BLANK)
    const quoted = reader.take(QUOTED)
    const value = quoted === null ? (reader.take(BARE)?.[0] ?? '') : (quoted[1] ?? '').replace(/\\(.)/g, '$1')
    const name = word.toLowerCase()
    if (!params.has(name)) params.set(name, value)
  }
  return scheme === 'bearer' ? params : new Map()
}

class Reader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  get isDone(): boolean {
    return this.#at >= this.#text.length
  }

  skipOne(): void {
    this.#at++
  }

  take(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)
    if (found !== null) this.#at += found[0].length
    return found
  }

  takeEquals(): boolean {
    if (this.#text[this.#at] !== '=') return false
    this.#at++
    return true
  }
}
