/**
 * A client as a person is shown it. What it says of itself is not believed: its name is stripped of everything that is made to deceive, and
 * where it is a well-known client's name, it is compared with what that client can prove.
 */
import type { ClientShown } from '../model.ts'
import type { ClientKind } from './policy.ts'
import { judgeRedirectUri } from './redirect-uri.ts'

const LONGEST = 64
export const NAMELESS = 'unnamed client'

/** What is known of a client, whatever its way. */
export interface ClientFacts {
  clientId: string
  clientName?: string | undefined
  redirectUris?: readonly string[] | undefined
}

export function showClient(client: ClientFacts, kind: ClientKind): ClientShown {
  const verifiedHost = kind === 'metadata-url' ? (URL.parse(client.clientId)?.host ?? null) : null
  const name = showName(client.clientName) ?? verifiedHost ?? NAMELESS
  return { id: client.clientId, kind, verifiedHost, name, borrowsName: borrows(client, kind, { name, verifiedHost }) }
}

/**
 * A name that lies in no way that a reader could not see: one line, no control, direction or invisible characters, no pictures (a tick beside
 * a name looks like somebody's word), no pile of accents, no quotes that would end ours, at most 64 characters.
 *
 * @returns null where nothing is left
 */
export function showName(name: unknown): string | null {
  if (typeof name !== 'string') return null
  const plain = name
    .slice(0, 4096)
    .normalize('NFKC')
    .replace(/[\p{Z}\t\n\v\f\r]+/gu, ' ')
    .replace(/\p{C}|\p{So}|\p{Sk}|\p{Default_Ignorable_Code_Point}/gu, '')
    .replace(/(\p{M})\p{M}+/gu, '$1')
    .replace(/["\u201c-\u201f\u00ab\u00bb\u2033\u2036\u300c-\u300f]/gu, "'")
    .replace(/ +/g, ' ')
    .trim()
  const short = Array.from(plain).slice(0, LONGEST).join('').trim()
  return short === '' ? null : short
}

interface Known {
  /** As skeletons: lower case, letters and digits. */
  names: readonly string[]
  /** Also where it is only a part of a word: no other word holds it. */
  isDistinct: boolean
  hosts: readonly string[]
  /** It registers itself from the person's own machine, so that nothing better can be asked of it. */
  isLocal: boolean
}

/** The clients that people know, and whose name would open a door. By the addresses of their documents and callbacks. */
const KNOWN: readonly Known[] = [
  known(
    ['claude', 'claudecode', 'claudedesktop', 'anthropic'],
    ['claude.ai', 'claude.com', 'anthropic.com'],
    true,
    true,
  ),
  known(['chatgpt', 'openai', 'codex'], ['chatgpt.com', 'openai.com'], true, true),
  known(['cursor', 'anysphere'], ['cursor.com'], false, true),
  known(
    ['visualstudiocode', 'vscode', 'githubcopilot', 'copilot', 'microsoft', 'github'],
    ['vscode.dev', 'visualstudio.com', 'github.com', 'microsoft.com'],
    true,
    true,
  ),
  known(['gemini', 'geminicli', 'google', 'antigravity'], ['google.com', 'antigravity.google'], false, true),
  known(['windsurf', 'codeium'], ['windsurf.com', 'codeium.com'], true, true),
  known(['zed'], ['zed.dev'], false, true),
  known(['goose'], ['goose-docs.ai', 'block.github.io'], false, true),
  known(['opencode'], ['opencode.ai'], false, true),
  known(['warp'], ['warp.dev'], false, true),
  known(['raycast'], ['raycast.com'], true, true),
  known(['mcpinspector'], ['modelcontextprotocol.io'], true, true),
  known(['slack'], ['slack.com'], false, false),
  known(['portico'], [], true, false),
]

function known(names: readonly string[], hosts: readonly string[], isDistinct: boolean, isLocal: boolean): Known {
  return { names, hosts, isDistinct, isLocal }
}

/** Letters that look like others: Cyrillic, Greek and digits as they are used to borrow a Latin name. */
const LOOKALIKES: Readonly<Record<string, string>> = {
  ...{ а: 'a', в: 'b', с: 'c', ԁ: 'd', е: 'e', ѐ: 'e', ё: 'e', һ: 'h', н: 'h', і: 'i', ї: 'i', ј: 'j', к: 'k', ӏ: 'l' },
  ...{ м: 'm', п: 'n', о: 'o', р: 'p', ԛ: 'q', г: 'r', ѕ: 's', т: 't', и: 'u', у: 'y', ѵ: 'v', ԝ: 'w', х: 'x', з: '3' },
  ...{ α: 'a', β: 'b', ϲ: 'c', ε: 'e', η: 'n', ι: 'i', κ: 'k', ν: 'v', ο: 'o', ρ: 'p', τ: 't', υ: 'u', χ: 'x', γ: 'y' },
  ...{
    ı: 'i',
    ɩ: 'i',
    ɑ: 'a',
    ɡ: 'g',
    ʟ: 'l',
    ɴ: 'n',
    ʀ: 'r',
    ᴄ: 'c',
    ᴏ: 'o',
    ᴜ: 'u',
    ᴅ: 'd',
    ᴇ: 'e',
    ᴀ: 'a',
    ø: 'o',
    ł: 'l',
  },
  ...{ 0: 'o', 1: 'l', 3: 'e', 4: 'a', 5: 's', 7: 't', '|': 'l', '!': 'i', $: 's', '@': 'a' },
}

/** What a name looks like, as far as Latin letters go. `i` and `l` are one: in many fonts a capital I is a small l. */
export function skeleton(text: string): string {
  const folded = Array.from(text.normalize('NFKD').toLowerCase(), (char) => LOOKALIKES[char] ?? char).join('')
  return folded
    .replace(/[^a-z]/g, '')
    .replaceAll('i', 'l')
    .replaceAll('rn', 'm')
    .replaceAll('vv', 'w')
}

function borrows(
  client: ClientFacts,
  kind: ClientKind,
  { name, verifiedHost }: { name: string; verifiedHost: string | null },
): boolean {
  if (kind === 'admin') return false
  const owner = ownerOf(name)
  if (owner === undefined) return false
  if (verifiedHost !== null) return !isOf(verifiedHost, owner)
  const uris = client.redirectUris ?? []
  // Without one it is a device, which can prove nothing at all.
  return uris.length === 0 || !uris.every((uri) => couldBe(owner, uri))
}

/** Whether a code that goes there reaches the well-known client, or at least the person's own machine, from which it registers itself. */
function couldBe(owner: Known, uri: string): boolean {
  const verdict = judgeRedirectUri(uri)
  if (!verdict.ok) return false
  if (verdict.kind === 'https') return isOf(verdict.host, owner)
  if (verdict.kind === 'loopback') return owner.isLocal
  return owner.names.includes(verdict.host.replace(/-insiders$/, ''))
}

function ownerOf(name: string): Known | undefined {
  const words = name
    .split(/[\s._\-/()[\]{},:;+&]+/u)
    .map(skeleton)
    .filter((word) => word !== '')
  const whole = words.join('')
  const runs = words.flatMap((_, from) => [1, 2, 3].map((count) => words.slice(from, from + count).join('')))
  return KNOWN.find(({ names, isDistinct }) =>
    names.map(skeleton).some((known) => runs.includes(known) || (isDistinct && whole.includes(known))),
  )
}

function isOf(host: string, { hosts }: Known): boolean {
  return hosts.some((own) => host === own || host.endsWith(`.${own}`))
}
