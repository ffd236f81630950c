import { describe, expect, test } from 'vitest'
import { parse as parseYaml } from 'yaml'
import { CLIENTS, configFor } from './client-config.ts'

const entry = { name: 'portico', url: 'http://127.0.0.1:8787/mcp', token: 'ptat_x' }

describe('client configuration', () => {
  test('each client gets the shape that it reads', () => {
    const json = (client: (typeof CLIENTS)[number]) => JSON.parse(configFor(client, entry).text)
    expect(json('claude-code')).toEqual({
      mcpServers: { portico: { type: 'http', url: entry.url, headers: { Authorization: 'Bearer ptat_x' } } },
    })
    expect(json('cursor')).toEqual({
      mcpServers: { portico: { url: entry.url, headers: { Authorization: 'Bearer ptat_x' } } },
    })
    expect(json('vscode')).toEqual({
      servers: { portico: { type: 'http', url: entry.url, headers: { Authorization: 'Bearer ptat_x' } } },
    })
    expect(json('claude-desktop').mcpServers.portico).toMatchObject({
      command: 'npx',
      env: { AUTH_HEADER: 'Bearer ptat_x' },
    })
    expect(configFor('codex', entry).text).toBe(
      '[mcp_servers.portico]\nurl = "http://127.0.0.1:8787/mcp"\nhttp_headers = { Authorization = "Bearer ptat_x" }',
    )
  })
  test('without a token each refers to one that stays out of the file', () => {
    for (const client of CLIENTS) {
      const { text, note } = configFor(client, { ...entry, token: null })
      expect(text).toMatch(
        /\$\{PORTICO_ACCESS_TOKEN\}|\$\{env:PORTICO_ACCESS_TOKEN\}|\$\{input:|bearer_token_env_var|PASTE_ACCESS_TOKEN_HERE/,
      )
      if (client !== 'vscode') expect(note).not.toBeNull()
    }
  })
  test('clear text is allowed to mcp-remote only where it would refuse an address of this machine', () => {
    expect(configFor('claude-desktop', { ...entry, url: 'http://[::1]:8787/mcp' }).text).toContain('--allow-http')
    expect(configFor('claude-desktop', entry).text).not.toContain('--allow-http')
    expect(configFor('claude-desktop', { ...entry, url: 'https://mcp.example.com/mcp' }).text).not.toContain(
      '--allow-http',
    )
  })
  for (const client of CLIENTS) {
    test(`${client}: a name that would add members is refused`, () => {
      for (const name of ['x"],"command":"sh', 'a]\ncommand="sh"', 'a.b', '', 'é'])
        expect(() => configFor(client, { ...entry, name })).toThrow('cannot be the name')
    })
    test(`${client}: a hostile URL or token stays one string`, () => {
      const hostile = 'x"}},"command":"sh"\n[mcp_servers.evil]\ncommand = "sh"\u202e'
      const { text } = configFor(client, { ...entry, url: `http://127.0.0.1/${hostile}`, token: hostile })
      expect(text).not.toContain('\u202e')
      if (client === 'codex') expect(text.split('\n')).toHaveLength(3)
      else expect(Object.keys(parseYaml(text))).toHaveLength(1)
      expect(text).not.toMatch(/^\s*"?command"?\s*[=:]\s*"sh"/m)
    })
  }
})
