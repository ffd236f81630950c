/**
 * One table of URLs, read from the raw request target. Nothing here decodes, joins or normalises: a target that is not
 * already in its one spelling is refused, so that no two parts of the program can read it differently.
 */

export type Route =
  /** `portal` null: the portal whose hostname it is, else the default one. */
  | { kind: 'mcp'; portal: string | null; server: string | null }
  | { kind: 'health' }
  | { kind: 'ready' }
  /** Everything that is not MCP: the REST API and pages. */
  | { kind: 'rest' }
  | { kind: 'bad' }

const BY_HOST: Route = { kind: 'mcp', portal: null, server: null }
const HEALTH: Route = { kind: 'health' }
const READY: Route = { kind: 'ready' }
const REST: Route = { kind: 'rest' }
const BAD: Route = { kind: 'bad' }

const MOUNTED = /^\/p\/([a-z0-9_-]{1,32})(?:\/s\/([a-z0-9_-]{1,32}))?\/mcp$/
/** Origin form, printable, with none of the spellings by which two parsers come to differ. */
const CANONICAL = /^\/(?!\/)[\x21-\x7e]*$/
const AMBIGUOUS = /\/\/|\\|;|\/\.\.?(?:\/|$)|%(?:2e|2f|5c|00)/i

/** @param target `IncomingMessage.url`, exactly as it came */
export function route(target: string): Route {
  if (target === '/mcp') return BY_HOST
  const query = target.indexOf('?')
  const path = query === -1 ? target : target.slice(0, query)
  if (!CANONICAL.test(target) || AMBIGUOUS.test(path)) return BAD
  switch (path) {
    case '/mcp':
      return BY_HOST
    case '/healthz':
      return HEALTH
    case '/readyz':
      return READY
  }
  const mounted = MOUNTED.exec(path)
  return mounted ? { kind: 'mcp', portal: mounted[1] ?? null, server: mounted[2] ?? null } : REST
}
