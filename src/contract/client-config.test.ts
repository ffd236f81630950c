import { describe, expect, test } from 'vitest'
import { parse as parseYaml } from 'yaml'
import { CLIENTS, type Credential, commandsFor, configFor, linkFor } from './client-config.ts'

const entry = { name: 'portico', url: 'http://127.0.0.1:8787/mcp' }
const token: Credential = { kind: 'token', token: 'ptat_x' }
const reference: Credential = { kind: 'reference' }
const signIn: Credential = { kind: 'sign-in' }
const headers = { Authorization: 'Bearer ptat_x' }

const json = (client: (typeof CLIENTS)[number], credential: Credential = token) =>
  JSON.parse(configFor(client, entry, credential).text)

describe('client configuration', () => {
  test('each client gets the shape that it reads', () => {
    expect(json('claude-code')).toEqual({ mcpServers: { portico: { type: 'http', url: entry.url, headers } } })
    expect(json('cursor')).toEqual({ mcpServers: { portico: { url: entry.url, headers } } })
    expect(json('vscode')).toEqual({ servers: { portico: { type: 'http', url: entry.url, headers } } })
    expect(json('windsurf')).toEqual({ mcpServers: { portico: { serverUrl: entry.url, headers } } })
    expect(json('zed')).toEqual({ context_servers: { portico: { url: entry.url, headers } } })
    expect(json('gemini-cli')).toEqual({ mcpServers: { portico: { httpUrl: entry.url, headers } } })
    expect(json('claude-desktop').mcpServers.portico).toMatchObject({
      command: 'npx',
      env: { AUTH_HEADER: 'Bearer ptat_x' },
    })
    expect(configFor('codex', entry, token).text).toBe(
      '[mcp_servers.portico]\nurl = "http://127.0.0.1:8787/mcp"\nhttp_headers = { Authorization = "Bearer ptat_x" }',
    )
  })
  test('without a token each refers to one that stays out of the file', () => {
    for (const client of CLIENTS) {
      const { text, note } = configFor(client, entry, reference)
      expect(text).toMatch(
        /\$\{PORTICO_ACCESS_TOKEN\}|\$\{env:PORTICO_ACCESS_TOKEN\}|\$\{input:|bearer_token_env_var|PASTE_ACCESS_TOKEN_HERE/,
      )
      if (client !== 'vscode') expect(note).not.toBeNull()
    }
  })
  test('a client that signs in by itself is told the address and nothing of a token', () => {
    for (const client of CLIENTS) {
      const { text, note } = configFor(client, entry, signIn)
      expect(text).toContain(entry.url)
      expect(text).not.toMatch(/token|header|authorization|bearer/i)
      expect(note).toBeNull()
    }
    expect(json('claude-desktop', signIn)).toEqual({
      mcpServers: { portico: { command: 'npx', args: ['-y', 'mcp-remote@0.15.1', entry.url] } },
    })
  })
  test('clients with a command or a link of their own get it', () => {
    expect(commandsFor('claude-code', entry)).toEqual([
      'claude mcp add --transport http portico http://127.0.0.1:8787/mcp',
    ])
    expect(commandsFor('codex', entry)).toEqual([
      'codex mcp add portico --url http://127.0.0.1:8787/mcp',
      'codex mcp login portico',
    ])
    expect(commandsFor('mcp-remote', entry)).toEqual(['npx -y mcp-remote@0.15.1 http://127.0.0.1:8787/mcp'])
    expect(commandsFor('zed', entry)).toEqual([])
    const cursor = linkFor('cursor', entry) ?? ''
    expect(cursor).toMatch(/^cursor:\/\/anysphere\.cursor-deeplink\/mcp\/install\?name=portico&config=/)
    expect(JSON.parse(atob(new URL(cursor).searchParams.get('config') ?? ''))).toEqual({ url: entry.url })
    const vscode = linkFor('vscode', entry) ?? ''
    expect(vscode).toMatch(/^vscode:mcp\/install\?/)
    expect(JSON.parse(decodeURIComponent(vscode.slice(vscode.indexOf('?') + 1)))).toEqual({
      ...entry,
      type: 'http',
    })
    expect(linkFor('zed', entry)).toBeNull()
  })
  test('clear text is allowed to mcp-remote only where it would refuse an address of this machine', () => {
    const text = (url: string) => configFor('claude-desktop', { ...entry, url }, token).text
    expect(text('http://[::1]:8787/mcp')).toContain('--allow-http')
    expect(text(entry.url)).not.toContain('--allow-http')
    expect(text('https://mcp.example.com/mcp')).not.toContain('--allow-http')
  })
  for (const client of CLIENTS) {
    test(`${client}: a name that would add members is refused`, () => {
      for (const name of ['x"],"command":"sh', 'a]\ncommand="sh"', 'a.b', '', 'é', 'a b', '$(sh)', "'", 'a&config=']) {
        expect(() => configFor(client, { ...entry, name }, token)).toThrow('cannot be the name')
        expect(() => commandsFor(client, { ...entry, name })).toThrow('cannot be the name')
        expect(() => linkFor(client, { ...entry, name })).toThrow('cannot be the name')
      }
    })
    test(`${client}: a hostile URL or token stays one string`, () => {
      const hostile = 'x"}},"command":"sh"\n[mcp_servers.evil]\ncommand = "sh"\u202e'
      const url = `http://127.0.0.1/${hostile}`
      const { text } = configFor(client, { ...entry, url }, { kind: 'token', token: hostile })
      expect(text).not.toContain('\u202e')
      if (client === 'codex') expect(text.split('\n')).toHaveLength(3)
      else expect(Object.keys(parseYaml(text))).toHaveLength(1)
      expect(text).not.toMatch(/^\s*"?command"?\s*[=:]\s*"sh"/m)
      expect(linkFor(client, { ...entry, url }) ?? '').not.toMatch(/["\s\u202e]/)
    })
    test(`${client}: a hostile URL stays one word of a command`, () => {
      for (const command of commandsFor(client, { ...entry, url: `http://127.0.0.1/'; sh -c "$(id)" #` }))
        expect(command.replaceAll("'\\''", '')).toMatch(/^[^'";$]*('[^']*')?$/)
    })
  }
})
