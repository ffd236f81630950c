/**
 * What a client must be told to reach the portal: an entry of its own configuration file, a command, or a link that it
 * opens. Written by real encoders from names that were checked again: a portal called `x"],"command":"sh` must stay a name.
 * The command line and the portal's home both read it here.
 */
import { visibleJson } from '../base/visible.ts'

export const CLIENTS = [
  ...(['claude-code', 'claude-desktop', 'cursor', 'vscode', 'windsurf'] as const),
  ...(['zed', 'codex', 'gemini-cli'] as const),
] as const
export type Client = (typeof CLIENTS)[number]

export interface ClientEntry {
  /** What the client calls the portal: letters, digits, `-` and `_`. */
  name: string
  url: string
}

/** `sign-in`: none, the client opens a browser. `reference`: the file refers to PORTICO_ACCESS_TOKEN, as far as the client can. */
export type Credential = { kind: 'token'; token: string } | { kind: 'reference' } | { kind: 'sign-in' }

export interface ClientConfig {
  /** The file where it belongs. */
  file: string
  text: string
  /** What else must be done, or null. */
  note: string | null
}

const VARIABLE = 'PORTICO_ACCESS_TOKEN'
const PLACEHOLDER = 'PASTE_ACCESS_TOKEN_HERE'
const EXPORT_NOTE = `Set ${VARIABLE} in the client's environment to your access token.`
const PASTE_NOTE = `Put your access token in place of ${PLACEHOLDER}.`
const MCP_REMOTE = 'mcp-remote@0.15.1'

/** @throws Error when the name is not one; it comes from the portal, and what it becomes is executed by clients */
export function configFor(client: Client, entry: ClientEntry, credential: Credential): ClientConfig {
  const { name, url } = checked(entry)
  /** @param reference how the client writes a variable, or a placeholder where it reads none */
  const headers = (reference: string) =>
    credential.kind === 'sign-in' ? {} : { headers: { Authorization: bearer(credential, reference) } }
  const note = credential.kind === 'reference' ? EXPORT_NOTE : null
  switch (client) {
    case 'claude-code':
      return {
        file: '.mcp.json',
        text: json({ mcpServers: { [name]: { type: 'http', url, ...headers(`\${${VARIABLE}}`) } } }),
        note,
      }
    case 'claude-desktop':
      return {
        file: 'claude_desktop_config.json',
        text: json({ mcpServers: { [name]: bridge(url, credential) } }),
        note: note && PASTE_NOTE,
      }
    case 'cursor':
      return {
        file: '~/.cursor/mcp.json',
        text: json({ mcpServers: { [name]: { url, ...headers(`\${env:${VARIABLE}}`) } } }),
        note,
      }
    case 'vscode':
      return vscode(name, url, credential)
    case 'windsurf':
      return {
        file: '~/.codeium/windsurf/mcp_config.json',
        text: json({ mcpServers: { [name]: { serverUrl: url, ...headers(`\${env:${VARIABLE}}`) } } }),
        note,
      }
    case 'zed':
      return {
        file: 'settings.json',
        text: json({ context_servers: { [name]: { url, ...headers(PLACEHOLDER) } } }),
        note: note && PASTE_NOTE,
      }
    case 'codex':
      return { file: '~/.codex/config.toml', text: codex(name, url, credential), note }
    case 'gemini-cli':
      return {
        file: '~/.gemini/settings.json',
        text: json({ mcpServers: { [name]: { httpUrl: url, ...headers(`\${${VARIABLE}}`) } } }),
        note,
      }
  }
}

/** What to type where a client has a command of its own for it; it signs in by itself. Empty where there is none. */
export function commandsFor(client: Client | 'mcp-remote', entry: ClientEntry): readonly string[] {
  const { name, url } = checked(entry)
  const address = word(url)
  switch (client) {
    case 'claude-code':
      return [`claude mcp add --transport http ${name} ${address}`]
    case 'codex':
      return [`codex mcp add ${name} --url ${address}`, `codex mcp login ${name}`]
    case 'gemini-cli':
      return [`gemini mcp add --scope user --transport http ${name} ${address}`]
    case 'mcp-remote':
      return [['npx -y', MCP_REMOTE, address, ...plainText(url)].join(' ')]
    default:
      return []
  }
}

/** A link that opens the client and adds the portal there, after the client has asked its person; null where it has none. */
export function linkFor(client: Client, entry: ClientEntry): string | null {
  const { name, url } = checked(entry)
  if (client === 'cursor') {
    const config = encodeURIComponent(btoa(asciiJson({ url })))
    return `cursor://anysphere.cursor-deeplink/mcp/install?name=${name}&config=${config}`
  }
  if (client === 'vscode') return `vscode:mcp/install?${encodeURIComponent(asciiJson({ name, type: 'http', url }))}`
  return null
}

function checked(entry: ClientEntry): ClientEntry {
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(entry.name)) throw new Error(`"${entry.name}" cannot be the name of an entry`)
  return entry
}

function bearer(credential: Credential, reference: string): string {
  return `Bearer ${credential.kind === 'token' ? credential.token : reference}`
}

/** Claude Desktop's file starts programs only, so mcp-remote stands between. The header's blank stays out of `args`, where some systems split it. */
function bridge(url: string, credential: Credential): object {
  const header = credential.kind === 'sign-in' ? [] : ['--header', `Authorization:\${AUTH_HEADER}`]
  const env = credential.kind === 'sign-in' ? {} : { env: { AUTH_HEADER: bearer(credential, PLACEHOLDER) } }
  return { command: 'npx', args: ['-y', MCP_REMOTE, url, ...header, ...plainText(url)], ...env }
}

/** mcp-remote knows two names of this machine; a portal on ::1 must be vouched for. */
function plainText(url: string): readonly string[] {
  const { protocol, hostname } = new URL(url)
  return protocol === 'http:' && !['localhost', '127.0.0.1'].includes(hostname) ? ['--allow-http'] : []
}

/** VS Code asks for the token once and keeps it in its own secret storage. */
function vscode(name: string, url: string, credential: Credential): ClientConfig {
  const file = '.vscode/mcp.json'
  const server = { type: 'http', url }
  if (credential.kind === 'sign-in') return { file, text: json({ servers: { [name]: server } }), note: null }
  const input = {
    id: 'portico-access-token',
    type: 'promptString',
    description: 'Access token of the portal',
    password: true,
  }
  const headers = { Authorization: bearer(credential, `\${input:${input.id}}`) }
  const servers = { [name]: { ...server, headers } }
  return { file, text: json(credential.kind === 'reference' ? { inputs: [input], servers } : { servers }), note: null }
}

function codex(name: string, url: string, credential: Credential): string {
  // A TOML basic string has the escapes of JSON; the name is a bare key, checked above.
  const lines = [`[mcp_servers.${name}]`, `url = ${visibleJson(url)}`]
  if (credential.kind === 'reference') lines.push(`bearer_token_env_var = ${visibleJson(VARIABLE)}`)
  if (credential.kind === 'token')
    lines.push(`http_headers = { Authorization = ${visibleJson(`Bearer ${credential.token}`)} }`)
  return lines.join('\n')
}

/** One word for a POSIX shell: as it is where no shell finds anything in it, else in quotes that nothing ends. */
function word(text: string): string {
  return /^[A-Za-z0-9._~:/-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}

function json(value: unknown): string {
  return visibleJson(value, 2)
}

/** `btoa` takes nothing else, and links are safest so. */
function asciiJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\u007f-\uffff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
