/** Which credential an MCP request shows. A portal may read a whole service token from one header of its choice; each other header keeps its meaning. */
import type { Shown } from '../identity/authenticate.ts'
import type { HeaderMap } from '../protocol/classify.ts'

/**
 * @param raw `IncomingMessage.rawHeaders`; only looked at for a header that nobody else reads
 * @param single the header of the portal in lower case, or null
 */
export function shownIn(headers: HeaderMap, raw: readonly string[], single: string | null): Shown {
  const { authorization } = headers
  const pair = { clientId: headers['cf-access-client-id'], clientSecret: headers['cf-access-client-secret'] }
  if (single === 'authorization') {
    // People's bearer tokens stay what they are; no authentication scheme begins with a brace (RFC 9110, section 11.1).
    if (authorization?.startsWith('{') !== true) return { authorization, ...pair, serviceToken: undefined }
    return { authorization: undefined, ...pair, serviceToken: authorization }
  }
  return { authorization, ...pair, serviceToken: single === null ? undefined : onlyOne(raw, single) }
}

/** Whether a bot tried, well or badly: it has no browser to sign in with. */
export function isBot({ clientId, clientSecret, serviceToken }: Shown): boolean {
  return clientId !== undefined || clientSecret !== undefined || serviceToken !== undefined
}

/** @returns undefined where it is not there; the empty string, which is no token, where it stands twice */
function onlyOne(raw: readonly string[], name: string): string | undefined {
  let found: string | undefined
  for (let i = 0; i + 1 < raw.length; i += 2) {
    if (raw[i]?.toLowerCase() !== name) continue
    if (found !== undefined) return ''
    found = raw[i + 1]
  }
  return found
}
