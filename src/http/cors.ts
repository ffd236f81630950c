/** What pages of listed origins are told they may do at `/mcp` (Fetch standard, CORS protocol). Never with credentials. */
import type { ServerResponse } from 'node:http'

const CORS_METHODS = ['access-control-allow-methods', 'GET, POST, DELETE', 'access-control-max-age', '7200']
const CORS_HEADERS =
  'authorization, content-type, accept, mcp-protocol-version, mcp-session-id, mcp-method, mcp-name, last-event-id, cf-access-client-id, cf-access-client-secret'

/** @returns names and values by turns */
export function corsFor(origin: string): string[] {
  return ['access-control-allow-origin', origin, 'vary', 'origin', 'access-control-expose-headers', 'mcp-session-id']
}

export function preflight(response: ServerResponse, cors: readonly string[]): void {
  response.writeHead(204, [...cors, ...CORS_METHODS, 'access-control-allow-headers', CORS_HEADERS])
  response.end()
}
