/**
 * The same call once more, for a shell: as far as the log knows it, which is not its arguments. The token is a variable, and no text of others
 * can end its quotes or hide in them.
 */
import type { LogRow } from '../../../../src/contract/log.ts'

/** By method, the member that says what is meant. */
const NAMED: Readonly<Record<string, 'name' | 'uri'>> = {
  'tools/call': 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
}

/** @param origin of the portal @returns undefined where the log does not know enough */
export function asCurl({ plane, method, portal, capability }: LogRow, origin: string): string | undefined {
  const member = NAMED[method]
  if (plane !== 'mcp' || portal === undefined || capability === undefined || member === undefined) return undefined
  const params = {
    [member]: capability,
    ...(member === 'name' && { arguments: {} }),
    _meta: {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientInfo': { name: 'curl', version: '1' },
      'io.modelcontextprotocol/clientCapabilities': {},
    },
  }
  const headers = [
    'Content-Type: application/json',
    'Accept: application/json, text/event-stream',
    'MCP-Protocol-Version: 2026-07-28',
    `Mcp-Method: ${method}`,
    `Mcp-Name: ${inHeader(capability)}`,
  ]
  return [
    `curl -sS ${quoted(`${origin}/p/${portal}/mcp`)}`,
    '-H "Authorization: Bearer $ACCESS_TOKEN"',
    ...headers.map((header) => `-H ${quoted(header)}`),
    `--data ${quoted(plain(JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })))}`,
  ].join(' \\\n  ')
}

/** For a POSIX shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}

/** JSON that means the same, in ASCII. */
function plain(json: string): string {
  return json.replace(/[^\x20-\x7e]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** What a header cannot hold as it is goes as base64 (SEP-2243). */
function inHeader(name: string): string {
  if (/^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(name)) return name
  return `=?base64?${btoa(String.fromCharCode(...new TextEncoder().encode(name)))}?=`
}
