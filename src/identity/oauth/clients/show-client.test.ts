import { describe, expect, test } from 'vitest'
import type { ClientKind } from './policy.ts'
import { NAMELESS, showClient, showName } from './show-client.ts'

describe('SEC-O2: a name says nothing that its reader cannot see', () => {
  const names: readonly (readonly [what: string, name: unknown, shown: string | null])[] = [
    ['a plain name', 'My Agent 2.0', 'My Agent 2.0'],
    ['a name in another script', '日本語エージェント', '日本語エージェント'],
    ['accents', 'Café Zoë', 'Café Zoë'],
    ['control characters', 'Cla\u0000ude\u001b[31m', 'Claude[31m'],
    ['line ends', 'Claude\r\nVerified by Portico', 'Claude Verified by Portico'],
    ['a direction override', 'edualC\u202e\u2066', 'edualC'],
    ['zero-width characters', 'C\u200bl\u200da\u2060u\ufeffde', 'Claude'],
    ['tag characters', `Claude${String.fromCodePoint(0xe0041, 0xe0042)}`, 'Claude'],
    ['a soft hyphen', 'Clau\u00adde', 'Claude'],
    ['filler letters', '\u3164\u115f\uffa0', null],
    ['a tick that looks like a seal', 'Claude \u2714\ufe0f \u2705 \ud83d\udd12', 'Claude'],
    ['wide letters', '\uff23\uff4c\uff41\uff55\uff44\uff45', 'Claude'],
    ['a pile of accents', 'A\u0301\u0302\u0303\u0304\u0305gent', '\u00c1\u0302gent'],
    ['quotes that would end ours', 'Claude" (verified) "', "Claude' (verified) '"],
    ['curly quotes', '\u201cClaude\u201d', "'Claude'"],
    ['many blanks', '  a \u00a0\u2003 b  ', 'a b'],
    ['a huge name', 'x'.repeat(100_000), 'x'.repeat(64)],
    ['nothing', '', null],
    ['only invisible characters', '\u200b\u202e', null],
    ['no text', { toString: 'x' }, null],
    ['a lone surrogate', 'a\ud800b', 'ab'],
  ]
  for (const [what, name, shown] of names) {
    test(what, () => expect(showName(name)).toBe(shown))
  }
})

const LOOPBACK = ['http://127.0.0.1:49152/callback']

describe('SEC-O2: a borrowed name is told', () => {
  const cases: readonly (readonly [
    name: string,
    kind: ClientKind,
    id: string,
    uris: readonly string[],
    borrows: boolean,
  ])[] = [
    ['Claude', 'metadata-url', 'https://claude.ai/oauth/mcp-oauth-client-metadata', ['https://claude.ai/cb'], false],
    ['Claude', 'metadata-url', 'https://evil.example/c.json', ['https://evil.example/cb'], true],
    ['Claude', 'metadata-url', 'https://claude.ai.evil.example/c.json', LOOPBACK, true],
    ['Claude', 'metadata-url', 'https://notclaude.ai/c.json', LOOPBACK, true],
    ['Visual Studio Code', 'metadata-url', 'https://insiders.vscode.dev/c.json', LOOPBACK, false],
    ['Claude', 'registered', 'x', ['https://claude.ai/api/mcp/auth_callback'], false],
    ['Claude', 'registered', 'x', ['https://claude.ai/cb', 'https://evil.example/cb'], true],
    ['Claude Code (crm)', 'registered', 'x', LOOPBACK, false],
    ['Cursor', 'registered', 'x', ['cursor://anysphere.cursor-mcp/cb', ...LOOPBACK], false],
    ['Cursor', 'registered', 'x', ['com.evil.app:/cb'], true],
    ['Slack', 'registered', 'x', LOOPBACK, true],
    ['Claude', 'registered', 'x', [], true],
    ['Claude', 'admin', 'x', ['https://evil.example/cb'], false],
    ['Claude Official', 'registered', 'x', ['https://evil.example/cb'], true],
    ['ClaudeAI', 'registered', 'x', ['https://evil.example/cb'], true],
    ['C l a u d e', 'registered', 'x', ['https://evil.example/cb'], true],
    ['Сlаudе', 'registered', 'x', ['https://evil.example/cb'], true],
    ['C1aude', 'registered', 'x', ['https://evil.example/cb'], true],
    ['CIaude', 'registered', 'x', ['https://evil.example/cb'], true],
    ['Cláude', 'registered', 'x', ['https://evil.example/cb'], true],
    ['Ｃｌａｕｄｅ', 'registered', 'x', ['https://evil.example/cb'], true],
    ['VS-Code', 'registered', 'x', ['https://evil.example/cb'], true],
    ['0penAI', 'registered', 'x', ['https://evil.example/cb'], true],
    ['Portico', 'registered', 'x', ['https://evil.example/cb'], true],
    ['Precursor', 'registered', 'x', ['https://evil.example/cb'], false],
    ['Amazed', 'registered', 'x', ['https://evil.example/cb'], false],
    ['Acme CRM Agent', 'registered', 'x', ['https://acme.example/cb'], false],
  ]
  for (const [name, kind, clientId, redirectUris, borrows] of cases) {
    test(`${name}, ${kind}, ${clientId}, ${redirectUris.join(' ') || 'a device'}`, () => {
      expect(showClient({ clientId, clientName: name, redirectUris }, kind).borrowsName).toBe(borrows)
    })
  }
})

test('what is proven is the host of the document, and a client without a name is called by it', () => {
  const clientId = 'https://agents.example:8443/c.json'
  expect(showClient({ clientId }, 'metadata-url')).toEqual({
    ...{ id: clientId, kind: 'metadata-url', verifiedHost: 'agents.example:8443', name: 'agents.example:8443' },
    borrowsName: false,
  })
  expect(showClient({ clientId: 'x', clientName: '\u200b' }, 'registered')).toMatchObject({
    ...{ verifiedHost: null, name: NAMELESS },
  })
})
