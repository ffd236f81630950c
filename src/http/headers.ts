/**
 * Request headers as single values under lower-case names. Node joins or silently drops repeated headers, and a proxy in
 * front may have judged the other one; where a header decides anything, two of it are refused.
 */
import type { HeaderMap } from '../protocol/classify.ts'

const ONCE = new Set([
  'authorization',
  'host',
  'origin',
  'content-type',
  'content-length',
  'content-encoding',
  'transfer-encoding',
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-forwarded-host',
])

/**
 * @param raw `IncomingMessage.rawHeaders`: names and values by turns
 * @returns the headers, and the name of one that may stand only once and stood twice
 */
export function readHeaders(raw: readonly string[]): { headers: HeaderMap; repeated: string | null } {
  // Without a prototype, a header named `constructor` is a header and nothing else.
  const headers: Record<string, string> = Object.create(null)
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = (raw[i] as string).toLowerCase()
    if (name in headers && mayStandOnce(name)) return { headers, repeated: name }
    headers[name] = raw[i + 1] as string
  }
  return { headers, repeated: null }
}

function mayStandOnce(name: string): boolean {
  return ONCE.has(name) || name.startsWith('mcp-') || name.startsWith('cf-access-')
}
