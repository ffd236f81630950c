/**
 * One table of URLs, read from the raw request target. Nothing here decodes, joins or normalises: a target that is not
 * already in its one spelling is refused, so that no two parts of the program can read it differently.
 */

export type Route =
  /** `portal` null: the portal whose hostname it is, else the default one. */
  | { kind: 'mcp'; portal: string | null; server: string | null }
  | { kind: 'health' }
  | { kind: 'ready' }
  | { kind: 'metrics' }
  /** The authorization server. */
  | { kind: 'oauth' }
  /** Everything else. What it is is decided here and nowhere else. */
  | {
      kind: 'rest'
      what: 'api' | 'home' | 'page' | 'console' | 'well-known' | 'access' | 'client-document' | 'nothing'
    }
  | { kind: 'bad' }

export type McpRoute = Extract<Route, { kind: 'mcp' }>

const BY_HOST: Route = { kind: 'mcp', portal: null, server: null }
const HEALTH: Route = { kind: 'health' }
const READY: Route = { kind: 'ready' }
const METRICS: Route = { kind: 'metrics' }
const API: Route = { kind: 'rest', what: 'api' }
const HOME: Route = { kind: 'rest', what: 'home' }
const PAGE: Route = { kind: 'rest', what: 'page' }
const CONSOLE: Route = { kind: 'rest', what: 'console' }
const WELL_KNOWN: Route = { kind: 'rest', what: 'well-known' }
const ACCESS: Route = { kind: 'rest', what: 'access' }
const CLIENT_DOCUMENT: Route = { kind: 'rest', what: 'client-document' }
const OAUTH: Route = { kind: 'oauth' }
const NOTHING: Route = { kind: 'rest', what: 'nothing' }
const BAD: Route = { kind: 'bad' }

const MOUNTED = /^\/p\/([a-z0-9_-]{1,32})(?:\/s\/([a-z0-9_-]{1,32}))?\/mcp$/
/** What a person meets: the first segment says which page, the page what follows. */
const PAGES = /^\/(?:sign-in|sign-out|consent|authorize|device|setup|approve|connect|servers-callback)(?:\/|$)/
/** Origin form, of the characters that a path may have by RFC 3986 without being changed by anybody on its way. */
const PATH = /^\/(?:[A-Za-z0-9._~!$&'()*+,=:@/-]|%[0-9A-F]{2})*$/
const QUERY = /^[\x21\x22\x24-\x7e]*$/
/** Empty and dotted segments, and what is encoded though it need not be, or must not: letters, digits, -._~ /\;% and controls. */
const AMBIGUOUS = /\/\/|\/\.\.?(?:\/|$)|%(?:[01].|2[DEF5]|3[0-9B]|4[1-9A-F]|5[0-9A]|5[CF]|6[1-9A-F]|7[0-9AEF])/

/** @param target `IncomingMessage.url`, exactly as it came */
export function route(target: string): Route {
  if (target === '/mcp') return BY_HOST
  const query = target.indexOf('?')
  const path = query === -1 ? target : target.slice(0, query)
  if (!PATH.test(path) || AMBIGUOUS.test(path) || !QUERY.test(target.slice(path.length))) return BAD
  switch (path) {
    case '/mcp':
      return BY_HOST
    case '/':
      return HOME
    case '/admin':
      return CONSOLE
    case '/openapi.json':
      return API
    case '/healthz':
      return HEALTH
    case '/readyz':
      return READY
    case '/metrics':
      return METRICS
    case '/client-metadata.json':
      return CLIENT_DOCUMENT
  }
  if (path.startsWith('/client/')) return API
  if (path.startsWith('/admin/')) return CONSOLE
  if (path.startsWith('/oauth/')) return OAUTH
  if (path.startsWith('/.well-known/')) return WELL_KNOWN
  if (path.startsWith('/cdn-cgi/access/')) return ACCESS
  if (PAGES.test(path)) return PAGE
  const mounted = MOUNTED.exec(path)
  return mounted ? { kind: 'mcp', portal: mounted[1] ?? null, server: mounted[2] ?? null } : NOTHING
}
