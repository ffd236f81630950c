/**
 * Where a browser may be sent with a code in its hand. A redirect URI is parsed once, and what does not come out of the parser as it went
 * in is refused: two readers that understand one text differently are how a code reaches somebody else. It is judged when a client
 * registers, when its document is read, when an admin writes it down, and again each time it is used.
 *
 * Compared is the text itself (RFC 9700, section 2.1). The one exception is RFC 8252, section 7.3: the port of a loopback address may be any,
 * because a native client takes one that is free at the moment.
 */

export type RedirectKind = 'https' | 'loopback' | 'private-use'

/** Why a redirect URI is refused. The sentence goes to whoever registers, so it says what to do and never repeats the URI. */
export const REDIRECT_FAULTS = {
  'not-a-uri': 'is no absolute URI; write scheme, host and path',
  'too-long': 'is longer than 2048 characters',
  characters: 'holds a space, a control character, a backslash or a character that is not ASCII; percent-encode it',
  'bad-escape':
    'holds a percent sign that is no escape, or an escape of a control character, a dot, a slash or a percent sign',
  fragment: 'holds a fragment; leave out "#" and what follows',
  user: 'holds a user name or password; leave out everything before "@"',
  dots: 'holds a "." or ".." segment; write the path that it leads to',
  'not-canonical':
    'is not in its canonical form; write scheme and host in lower case, no default port, and an address as browsers show it',
  scheme: 'has a scheme that a browser would run or read itself',
  'plain-http': 'is http and not a loopback address; use https, or http with 127.0.0.1, [::1] or localhost',
  'unknown-scheme':
    'has a private-use scheme without a dot; use a domain of yours in reverse such as com.example.app, or ask an admin to allow this URI',
  opaque: 'has no path that begins with "/" after its scheme',
} as const satisfies Readonly<Record<string, string>>

export type RedirectFault = keyof typeof REDIRECT_FAULTS

export type RedirectVerdict =
  | {
      ok: true
      kind: RedirectKind
      /** What it is remembered by: the URI, without its port where it is loopback. */
      key: string
      /** For people: the host, or the scheme of a private-use URI. */
      host: string
    }
  | { ok: false; why: RedirectFault }

const LONGEST = 2048

/** RFC 8252, section 8.3 prefers the addresses; most clients send the name. `localhost.evil.example` and `127.1` are none of them. */
const LOOPBACKS: readonly string[] = ['127.0.0.1', '[::1]', 'localhost']

/** A browser runs them, reads files with them, or never leaves the page. No setting opens them. */
const NEVER: readonly string[] = [
  ...['about', 'blob', 'chrome', 'content', 'data', 'file', 'filesystem', 'ftp', 'intent', 'jar', 'javascript'],
  ...['mailto', 'ms-msdt', 'resource', 'search-ms', 'sms', 'ssh', 'tel', 'vbscript', 'view-source', 'ws', 'wss'],
]

/**
 * Schemes without a dot that well-known clients registered before anybody told them of RFC 8252, section 7.1. Only with these hosts: what
 * stands there is the part of the program that takes the code.
 */
const KNOWN_SCHEMES: Readonly<Record<string, { host: RegExp; whose: string }>> = {
  cursor: { host: /^anysphere\.cursor-(mcp|retrieval)$/, whose: 'Cursor, desktop, before 3.10' },
  vscode: { host: /^[\w-]+\.[\w-]+$/, whose: 'extensions of VS Code, by publisher and name' },
  'vscode-insiders': { host: /^[\w-]+\.[\w-]+$/, whose: 'the same of its preview' },
  windsurf: { host: /^codeium\.windsurf$/, whose: 'Windsurf' },
  warp: { host: /^mcp$/, whose: 'Warp' },
}

/**
 * @param text as the client wrote it
 * @param allowed URIs with a private-use scheme without a dot that an admin allowed, letter by letter
 */
export function judgeRedirectUri(text: string, allowed: readonly string[] = []): RedirectVerdict {
  const raw = judgeText(text)
  if (raw !== null) return { ok: false, why: raw }
  const scheme = text.slice(0, text.indexOf(':'))
  if (NEVER.includes(scheme.toLowerCase())) return { ok: false, why: 'scheme' }
  const url = URL.parse(text)
  if (url === null) return { ok: false, why: 'not-a-uri' }
  if (url.username !== '' || url.password !== '' || authorityOf(text).includes('@')) return { ok: false, why: 'user' }
  if (hasDots(text)) return { ok: false, why: 'dots' }
  // The parser ends an empty path with a slash, which changes nothing; anything else that it changes, it understood differently.
  if (url.href !== text && url.href !== `${text}/`) return { ok: false, why: 'not-canonical' }
  return url.protocol === 'https:' || url.protocol === 'http:' ? judgeWeb(text, url) : judgePrivate(text, url, allowed)
}

/** What it is remembered by, or null for what is no redirect URI. */
export function redirectKey(text: string, allowed: readonly string[] = []): string | null {
  const verdict = judgeRedirectUri(text, allowed)
  return verdict.ok ? verdict.key : null
}

/** Whether a client that registered one URI may use the other: the same text, or the same but for the port of a loopback address. */
export function isSameRedirect(registered: string, asked: string): boolean {
  if (registered === asked) return true
  const [one, other] = [judgeRedirectUri(registered), judgeRedirectUri(asked)]
  return one.ok && other.ok && one.kind === 'loopback' && other.kind === 'loopback' && one.key === other.key
}

function judgeText(text: string): RedirectFault | null {
  if (text.length > LONGEST) return 'too-long'
  if (!/^[\x21-\x7e]+$/.test(text) || text.includes('\\')) return 'characters'
  if (!/^[a-z][a-z0-9+.-]*:/i.test(text)) return 'not-a-uri'
  if (text.includes('#')) return 'fragment'
  if (/%(?![0-9a-f]{2})|%[01][0-9a-f]|%7f/i.test(text)) return 'bad-escape'
  // In a path these are read as what they stand for by one server and not by the next.
  return /%(25|2e|2f|5c)/i.test(text.split('?')[0] ?? '') ? 'bad-escape' : null
}

/** What stands between `//` and the path. Of a text without `//` there is none. */
function authorityOf(text: string): string {
  return /^[^:]+:\/\/([^/?]*)/.exec(text)?.[1] ?? ''
}

function hasDots(text: string): boolean {
  const path = text.slice(text.indexOf(':') + 1).split('?')[0] ?? ''
  return path.split('/').some((segment) => segment === '.' || segment === '..')
}

function judgeWeb(text: string, url: URL): RedirectVerdict {
  const host = url.hostname
  // A full name with its dot, and an empty label, are other texts for the same host; and an asterisk is a name, but nobody's.
  if (!/^(\[[0-9a-f:]+\]|[\w-]+(\.[\w-]+)*)$/.test(host)) return { ok: false, why: 'not-canonical' }
  if (url.protocol === 'https:') return { ok: true, kind: 'https', key: text, host: url.host }
  if (!LOOPBACKS.includes(host)) return { ok: false, why: 'plain-http' }
  return { ok: true, kind: 'loopback', key: `http://${host}${url.pathname}${url.search}`, host }
}

function judgePrivate(text: string, url: URL, allowed: readonly string[]): RedirectVerdict {
  const scheme = url.protocol.slice(0, -1)
  if (!text.startsWith(`${scheme}:/`)) return { ok: false, why: 'opaque' }
  const isReverseDns = /^[a-z][a-z0-9-]*(\.[a-z0-9][a-z0-9-]*)+$/.test(scheme)
  const known = Object.hasOwn(KNOWN_SCHEMES, scheme) ? KNOWN_SCHEMES[scheme] : undefined
  const isKnown = known?.host.test(url.host) === true
  if (!isReverseDns && !isKnown && !allowed.includes(text)) return { ok: false, why: 'unknown-scheme' }
  return { ok: true, kind: 'private-use', key: text, host: scheme }
}
