/** Which addresses answer pages of any origin: clients that run in a browser ask them. It loads nothing, because the listener asks it. */

/** They carry no cookie, so there is nothing to steal. */
const OPEN = /^\/oauth\/(?:token|register(?:\/[\w.~-]+)?|revoke|device_authorization)$/

export function isOpenToOrigins(path: string): boolean {
  return OPEN.test(path) || path.startsWith('/.well-known/') || path === '/cdn-cgi/access/certs'
}
