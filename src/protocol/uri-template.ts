/**
 * Whether a URI belongs to a resource template (RFC 6570, levels 1 to 3). It decides which server is asked, so it must
 * never say yes for a template that could swallow other servers' URIs, and never cost more than its input is long: no
 * regular expression is made of a server's text.
 *
 * A template owns URIs only behind a literal prefix that begins with a literal scheme. For schemes that many servers
 * share (`file:`, `https:`) the prefix must go on behind the slashes too.
 */

/** Longer templates and ones of more pieces own nothing. */
const MAX_TEMPLATE = 2048
const MAX_PIECES = 64
/** Longer URIs belong to no template. */
const MAX_URI = 8192

/** Schemes that say nothing about whose a URI is. */
const SHARED_SCHEMES: readonly string[] = ['http', 'https', 'file', 'ftp', 'ws', 'wss', 'data', 'urn', 'mailto', 'blob']

/** A literal text, or a stretch of characters. */
type Piece = { kind: 'literal'; text: string } | Stretch

interface Stretch {
  kind: 'stretch'
  /** Characters that end it. */
  stop: string
  /** The character that it must begin with, or empty for any. */
  first: string
  /** Whether it may be missing; otherwise it has at least one character. */
  optional: boolean
}

/**
 * @param uri as the caller named it; nothing is decoded or normalised
 * @param template as the server listed it
 */
export function belongsTo(uri: string, template: string): boolean {
  if (uri.length > MAX_URI) return false
  const open = template.indexOf('{')
  // The usual no, for the price of one comparison.
  if (!uri.startsWith(open === -1 ? template : template.slice(0, open))) return false
  const pieces = readTemplate(template)
  return pieces !== null && fits(uri, pieces)
}

/** @returns null for a template that owns nothing */
function readTemplate(template: string): Piece[] | null {
  if (template.length > MAX_TEMPLATE || !hasOwnPrefix(template)) return null
  const pieces: Piece[] = []
  let i = 0
  while (i < template.length) {
    const open = template.indexOf('{', i)
    const text = template.slice(i, open === -1 ? undefined : open)
    if (text.includes('}')) return null
    if (text !== '') pieces.push({ kind: 'literal', text })
    if (open === -1) break
    const close = template.indexOf('}', open)
    const read = close === -1 ? null : readExpression(template.slice(open + 1, close))
    if (read === null) return null
    pieces.push(...read)
    i = close + 1
  }
  return pieces.length <= MAX_PIECES ? pieces : null
}

function hasOwnPrefix(template: string): boolean {
  const open = template.indexOf('{')
  const prefix = open === -1 ? template : template.slice(0, open)
  const colon = prefix.indexOf(':')
  const scheme = prefix.slice(0, Math.max(colon, 0))
  if (!/^[A-Za-z][A-Za-z0-9+.-]*$/.test(scheme)) return false
  const rest = prefix.slice(colon + 1)
  if (!SHARED_SCHEMES.includes(scheme.toLowerCase())) return rest !== ''
  return /[^/]/.test(rest)
}

/** @param body what stands between the braces */
function readExpression(body: string): Piece[] | null {
  const operator = /^[+#./;?&]/.test(body) ? body.slice(0, 1) : ''
  const variables = body.slice(operator.length).split(',')
  if (!variables.every((name) => /^[A-Za-z0-9_.%]+(\*|:\d{1,4})?$/.test(name))) return null
  const explodes = variables.some((name) => name.endsWith('*'))
  switch (operator) {
    case '+':
      return [stretch('')]
    case '#':
      return [literal('#'), stretch('')]
    case '.':
      return [literal('.'), stretch('/')]
    case '/':
      // Each variable is one segment of the path, unless they explode to any number.
      return [literal('/'), stretch(explodes ? '?#' : variables.length > 1 ? '?#' : '/')]
    case ';':
      return [literal(';'), stretch('/')]
    case '?':
    case '&':
      // Undefined variables leave nothing behind, not even the question mark.
      return [{ kind: 'stretch', stop: '#', first: operator, optional: true }]
    default:
      return [stretch('/')]
  }
}

function literal(text: string): Piece {
  return { kind: 'literal', text }
}

function stretch(stop: string): Piece {
  return { kind: 'stretch', stop, first: '', optional: false }
}

/** Keeps the set of places in the URI that the pieces so far can reach, so that no choice is ever tried twice. */
function fits(uri: string, pieces: readonly Piece[]): boolean {
  let reached = new Uint8Array(uri.length + 1)
  reached[0] = 1
  for (const piece of pieces) {
    reached = piece.kind === 'literal' ? afterLiteral(uri, piece.text, reached) : afterStretch(uri, piece, reached)
  }
  return reached[uri.length] === 1
}

function afterLiteral(uri: string, text: string, reached: Uint8Array): Uint8Array<ArrayBuffer> {
  const next = new Uint8Array(uri.length + 1)
  for (let i = 0; i + text.length <= uri.length; i++) {
    if (reached[i] === 1 && uri.startsWith(text, i)) next[i + text.length] = 1
  }
  return next
}

function afterStretch(uri: string, piece: Stretch, reached: Uint8Array): Uint8Array<ArrayBuffer> {
  const next = new Uint8Array(uri.length + 1)
  let running = false
  for (let i = 0; i <= uri.length; i++) {
    if (running || (piece.optional && reached[i] === 1)) next[i] = 1
    if (i === uri.length) break
    const char = uri.charAt(i)
    const starts = reached[i] === 1 && (piece.first === '' || piece.first === char)
    running = (running || starts) && !piece.stop.includes(char)
  }
  return next
}
