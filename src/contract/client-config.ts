/**
 * What a client's own configuration file must say to reach the portal. Written by real encoders from names that were
 * checked again: a portal called `x"],"command":"sh` must stay a name.
 */
import { visibleJson } from '../base/visible.ts'

export const CLIENTS = ['claude-code', 'claude-desktop', 'cursor', 'vscode', 'codex'] as const
export type Client = (typeof CLIENTS)[number]

export interface ClientEntry {
  /** What the client calls the portal: letters, digits, `-` and `_`. */
  name: string
  url: string
  /** The access token, or null to leave a reference to PORTICO_ACCESS_TOKEN in its place. */
  token: string | null
}

export interface ClientConfig {
  /** The file where it belongs. */
  file: string
  text: string
  /** What else must be done, or null. */
  note: string | null
}

const VARIABLE = 'PORTICO_ACCESS_TOKEN'
const EXPORT_NOTE = `Set ${VARIABLE} in the client's environment to your access token.`

/** @throws Error when the name is not one; it comes from the portal, and what it becomes is executed by clients */
export function configFor(client: Client, { name, url, token }: ClientEntry): ClientConfig {
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(name)) throw new Error(`"${name}" cannot be the name of an entry`)
  const note = token === null ? EXPORT_NOTE : null
  const bearer = (reference: string): string => `Bearer ${token ?? reference}`
  switch (client) {
    case 'claude-code':
      return {
        file: '.mcp.json',
        text: json({
          mcpServers: { [name]: { type: 'http', url, headers: { Authorization: bearer(`\${${VARIABLE}}`) } } },
        }),
        note,
      }
    case 'claude-desktop':
      return {
        file: 'claude_desktop_config.json',
        text: json({ mcpServers: { [name]: bridge(url, token) } }),
        note: token === null ? 'Put your access token in place of PASTE_ACCESS_TOKEN_HERE.' : null,
      }
    case 'cursor':
      return {
        file: '~/.cursor/mcp.json',
        text: json({ mcpServers: { [name]: { url, headers: { Authorization: bearer(`\${env:${VARIABLE}}`) } } } }),
        note,
      }
    case 'vscode':
      return vscode(name, url, token)
    case 'codex':
      return { file: '~/.codex/config.toml', text: codex(name, url, token), note }
  }
}

/** Claude Desktop starts programs only, so mcp-remote stands between. The header's blank stays out of `args`, where some systems split it. */
function bridge(url: string, token: string | null): object {
  // mcp-remote knows two names of this machine; a portal on ::1 must be vouched for.
  const { protocol, hostname } = new URL(url)
  const plain = protocol === 'http:' && !['localhost', '127.0.0.1'].includes(hostname) ? ['--allow-http'] : []
  return {
    command: 'npx',
    args: ['-y', 'mcp-remote@0.15.1', url, '--header', `Authorization:\${AUTH_HEADER}`, ...plain],
    env: { AUTH_HEADER: `Bearer ${token ?? 'PASTE_ACCESS_TOKEN_HERE'}` },
  }
}

/** VS Code asks for the token once and keeps it in its own secret storage. */
function vscode(name: string, url: string, token: string | null): ClientConfig {
  const input = {
    id: 'portico-access-token',
    type: 'promptString',
    description: 'Access token of the portal',
    password: true,
  }
  const headers = { Authorization: `Bearer ${token ?? `\${input:${input.id}}`}` }
  const servers = { [name]: { type: 'http', url, headers } }
  return {
    file: '.vscode/mcp.json',
    text: json(token === null ? { inputs: [input], servers } : { servers }),
    note: null,
  }
}

function codex(name: string, url: string, token: string | null): string {
  // A TOML basic string has the escapes of JSON; the name is a bare key, checked above.
  const credential =
    token === null
      ? `bearer_token_env_var = ${visibleJson(VARIABLE)}`
      : `http_headers = { Authorization = ${visibleJson(`Bearer ${token}`)} }`
  return `[mcp_servers.${name}]\nurl = ${visibleJson(url)}\n${credential}`
}

function json(value: unknown): string {
  return visibleJson(value, 2)
}
