/**
 * The documents held against the source: links lead somewhere, generated pages are current, lists are whole, and every
 * defence that SECURITY.md claims has its test.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import type { z } from 'zod'
import { errorsPage } from '../scripts/errors-page.ts'
import { API_PAGE, apiPage, ERRORS_PAGE, METRICS_PAGE, metricsPage } from '../scripts/write-docs.ts'
import { neverSaved } from '../src/admin/edited-policies.ts'
import { ROUTES } from '../src/admin/index.ts'
import { describeApi } from '../src/admin/openapi.ts'
import { newPolicyContent } from '../src/admin/write-policy.ts'
import { FAULTS } from '../src/base/fault.ts'
import type { PolicyId } from '../src/base/ids.ts'
import { REFUSALS } from '../src/base/refusal.ts'
import { run } from '../src/cli/program.ts'
import { groupDeclared } from '../src/contract/access-group.ts'
import { CLIENTS, type Client, commandsFor, configFor, linkFor } from '../src/contract/client-config.ts'
import { SELECTORS } from '../src/contract/criteria.ts'
import { API_ERRORS } from '../src/contract/envelope.ts'
import { identityProviderWrite } from '../src/contract/identity-provider.ts'
import { LOG_OUTCOMES } from '../src/contract/log.ts'
import { DECISIONS, policyDeclared } from '../src/contract/policy.ts'
import { capabilitiesInput } from '../src/contract/reach.ts'
import { DELIVERY_ERRORS, WEBHOOK_EVENTS } from '../src/contract/webhook.ts'
import { HTTP_STATUSES } from '../src/http/statuses.ts'
import { loadRuleBook } from '../src/policy/rule-book.ts'
import { ErrorCode } from '../src/protocol/errors.ts'
import { hasTitle } from './titles.ts'

const ROOT = join(import.meta.dirname, '..')
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')

const DOCUMENTS = [
  ...readdirSync(ROOT).filter((name) => name.endsWith('.md')),
  ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
]

describe.each(DOCUMENTS)('%s', (path) => {
  test('links to files and headings that are there', () => {
    const text = withoutCode(read(path))
    const dead: string[] = []
    for (const [, target = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^(https?|mailto):/.test(target)) continue
      const [file = '', heading] = target.split('#')
      const there = file === '' ? path : normalize(join(dirname(path), file))
      if (!existsSync(join(ROOT, there))) dead.push(target)
      else if (heading !== undefined && !headingsOf(read(there)).includes(heading)) dead.push(target)
    }
    expect(dead).toEqual([])
  })

  test('names source files that are there', () => {
    const named = [...read(path).matchAll(/`((?:src|test|docs|examples|scripts)\/[\w./-]+\.(?:ts|md|yaml|cjs|mjs))`/g)]
    expect(named.map(([, file = '']) => file).filter((file) => !existsSync(join(ROOT, file)))).toEqual([])
  })
})

describe('SECURITY.md', () => {
  const rows = tableUnder(read('SECURITY.md'), 'Defences that exist')

  test('cites for each defence a test that exists, by file and title', () => {
    const missing: string[] = []
    for (const [id = '', , , proof = ''] of rows) {
      const cited = [...proof.matchAll(/`([^`]+\.test\.ts)`: "(.+?)"(?=; `|$)/g)]
      if (cited.length === 0) missing.push(`${id}: cites no test`)
      for (const [, file = '', title = ''] of cited) {
        if (!existsSync(join(ROOT, file)) || !hasTitle(read(file), title)) missing.push(`${id}: ${file}: "${title}"`)
      }
    }
    expect(rows.length).toBeGreaterThan(30)
    expect(missing).toEqual([])
  })

  test('names each defence once', () => {
    const ids = rows.map(([id]) => id)
    expect(ids.filter((id, at) => ids.indexOf(id) !== at)).toEqual([])
  })
})

describe('docs/reference', () => {
  test('api.md is what node scripts/write-docs.ts writes', () => {
    expect(readFileSync(API_PAGE, 'utf8')).toBe(apiPage())
  })

  test('metrics.md is what node scripts/write-docs.ts writes', () => {
    expect(readFileSync(METRICS_PAGE, 'utf8')).toBe(metricsPage())
  })

  test('errors.md is what node scripts/write-docs.ts writes', () => {
    expect(readFileSync(ERRORS_PAGE, 'utf8')).toBe(errorsPage())
  })

  test('events.md has every field of a row and every outcome, and no other', () => {
    const events = read('docs/reference/events.md')
    const shown = [...read('src/admin/logs.ts').matchAll(/^ {4}(\w+): (?:row\.|shownTime\(row\.)/gm)]
    expect(firstCells(events, 'Fields')).toEqual(shown.map(([, field = '']) => field))
    expect(firstCells(events, 'Outcomes')).toEqual([...LOG_OUTCOMES])
  })
})

describe('docs/guides/webhooks.md', () => {
  const guide = read('docs/guides/webhooks.md')

  test('has every event and every error of a delivery in the words of the source, and no other', () => {
    const listed = (heading: string) =>
      tableUnder(guide, heading).map(([name = '', what]) => [name.replaceAll('`', ''), what])
    expect(listed('Events')).toEqual(Object.entries(WEBHOOK_EVENTS))
    expect(listed('When it does not arrive')).toEqual(Object.entries(DELIVERY_ERRORS))
  })
})

describe('commands in the guides', () => {
  /** Those that only ask a portal: where nobody listens, they end with 1, and with 2 where they are not understood. */
  const asking = /^(servers|portals|policies|token|clients|admin|idp|roles|users|org|webhooks|connect|logs(?! -f))\b/
  const commands = DOCUMENTS.filter((path) => path.startsWith('docs/guides/') || path === 'README.md').flatMap((path) =>
    codeBlocks(read(path))
      .filter(({ language }) => language === 'sh')
      .flatMap(({ text }) => text.replaceAll(/\\\n\s*/g, ' ').split('\n'))
      .flatMap((line) => /^(?:\w+=\$\()?(?:npx )?portico ([^|>#]+)/.exec(line)?.[1]?.replace(/\)$/, '').trim() ?? [])
      .filter((command) => asking.test(command))
      .map((command) => ({ path, command })),
  )

  test.each(commands)('$path: portico $command', async ({ command }) => {
    const argv = [...command.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? '')
    const env = { PORTICO_URL: 'http://127.0.0.1:1', PORTICO_TOKEN: 'ptap_of-nobody' }
    let said = ''
    const sink = { write: (text: string) => (said += text) }
    const code = await run({ argv, env, cwd: join(ROOT, 'docs'), stdout: sink, stderr: sink })
    expect({ code, said }).toMatchObject({ code: 1 })
  })

  test('identity providers by the API are taken', () => {
    const bodies = DOCUMENTS.filter((path) => path.startsWith('docs/guides/sign-in/')).flatMap((path) =>
      [...read(path).matchAll(/identity_providers[^\n]*\n[^\n]*-d '(\{[\s\S]*?\})'\n```/g)].map(
        ([, body = '']) => body,
      ),
    )
    expect(bodies.length).toBeGreaterThan(3)
    for (const body of bodies) expect(identityProviderWrite.safeParse(JSON.parse(body)).error?.message).toBeUndefined()
  })
})

describe('docs/guides/policies.md', () => {
  const guide = read('docs/guides/policies.md')
  const blocks = codeBlocks(guide)
    .filter(({ language }) => language === 'yaml')
    .map(({ text }) => parse(text) as { policies?: { id: string }[]; groups?: { id: string }[] })
  const example = parse(read('examples/finance-and-engineering/portico.yaml')) as (typeof blocks)[0]

  test('has policies and groups that are taken, and that the portal can enforce', async () => {
    const policies = blocks.flatMap((block) => block.policies ?? [])
    expect(policies.length).toBeGreaterThan(7)
    for (const policy of policies) {
      const parsed = policyDeclared.safeParse(policy)
      expect(parsed.error?.issues, policy.id).toBeUndefined()
      const body = parsed.data as z.infer<typeof policyDeclared>
      const record = neverSaved(body.id as PolicyId, newPolicyContent(body))
      const book = await loadRuleBook({ policies: [record], groups: [], lists: [] })
      expect(book.policy(record.id).problems ?? [], policy.id).toEqual([])
    }
    for (const group of blocks.flatMap((block) => block.groups ?? []))
      expect(groupDeclared.safeParse(group).error?.issues, group.id).toBeUndefined()
  })

  test('says of the example what stands in it', () => {
    for (const section of ['policies', 'groups'] as const) {
      const told = blocks.flatMap((block) => block[section] ?? [])
      const there = told.filter(({ id }) => example?.[section]?.some((one) => one.id === id))
      for (const one of there) expect(example?.[section]?.find(({ id }) => id === one.id)).toEqual(one)
    }
    const told = new Set(blocks.flatMap(({ policies = [] }) => policies.map(({ id }) => id)))
    expect(['staff', 'contractors', 'robots-read', 'release-by-two'].filter((id) => !told.has(id))).toEqual([])
  })

  test('has every selector, every decision and all that a policy may reach by, and no other', () => {
    const words = (heading: string) =>
      tableUnder(guide, heading).flatMap(([first = '']) => [...first.matchAll(/`([^`]+)`/g)].map(([, word]) => word))
    expect(words('Selectors').sort()).toEqual([...SELECTORS].sort())
    expect(words('How it decides')).toEqual([...DECISIONS])
    expect(words('Some tools only').sort()).toEqual(Object.keys(capabilitiesInput.element.shape).sort())
  })

  const commands = codeBlocks(guide)
    .filter(({ language }) => language === 'sh')
    .flatMap(({ text }) => text.split('\n'))
    .flatMap((line) => /^npx portico (policy .+)$/.exec(line)?.[1] ?? [])

  test.each(commands)('portico %s is understood: where nobody listens, it says so', async (command) => {
    const argv = [...command.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? '')
    const env = { PORTICO_URL: 'http://127.0.0.1:1', PORTICO_TOKEN: 'ptap_of-nobody' }
    let said = ''
    const sink = { write: (text: string) => (said += text) }
    const code = await run({ argv, env, cwd: ROOT, stdout: sink, stderr: sink })
    expect({ code, said }).toMatchObject({
      code: command.startsWith('policy explain') ? 2 : 1,
      said: expect.stringContaining('No portal answers'),
    })
  })
})

describe('docs/guides/connect-clients.md', () => {
  const blocks = codeBlocks(read('docs/guides/connect-clients.md'))
  const entry = { name: 'portico', url: 'https://mcp.example.com/mcp' }
  const local = { ...entry, url: 'http://127.0.0.1:8787/mcp' }
  const withCommands: readonly (Client | 'mcp-remote')[] = [...CLIENTS, 'mcp-remote']

  test('has for each client the configuration that portico connect prints, and no other', () => {
    const made = CLIENTS.map((client) => configFor(client, entry, { kind: 'sign-in' }).text)
    const shown = blocks.filter(({ language }) => language === 'json' || language === 'toml')
    expect(shown.map(({ text }) => text)).toEqual(made)
  })

  test('has for each client its command, for a portal that others reach and for one on this machine', () => {
    const made = withCommands.flatMap((client) => [commandsFor(client, entry), commandsFor(client, local)])
    const shown = blocks.map(({ text }) => text)
    expect(made.map((lines) => lines.join('\n')).filter((text) => text !== '' && !shown.includes(text))).toEqual([])
    const own = shown.filter((text) => /^(claude|codex|gemini|npx -y) /.test(text))
    expect(own).toEqual(made.map((lines) => lines.join('\n')).filter((text) => text !== ''))
  })

  test('has the links that the portal’s home has', () => {
    const made = CLIENTS.map((client) => linkFor(client, entry)).filter((link) => link !== null)
    expect(blocks.filter(({ language }) => language === '').map(({ text }) => text)).toEqual(made)
  })
})

describe('the tables behind errors.md', () => {
  const code = sourcesBelow('src')

  test('have every HTTP status that the door gives, and no other but those of Node', () => {
    const given = ofDoor(code).flatMap(({ text }) =>
      [...text.matchAll(/(?<=[(\s])([245]\d\d)(?=[,);\s])/g)].map(([, status = '']) => status),
    )
    const ours = Object.keys(HTTP_STATUSES).filter((status) => HTTP_STATUSES[Number(status)]?.byNode === undefined)
    expect(ours).toEqual([...new Set(given)].sort())
  })

  test('have every JSON-RPC code that a client gets, by a name, and no other', () => {
    const makers = code.filter(({ path }) => /^src\/(http|portal|protocol)\//.test(path))
    const table = 'src/protocol/errors.ts'
    const numbers = makers.filter(({ path, text }) => path !== table && /-32\d{3}/.test(text)).map(({ path }) => path)
    expect(numbers).toEqual([])
    const names = makers.flatMap(({ text }) => [...text.matchAll(/\bErrorCode\.(\w+)/g)].map(([, name = '']) => name))
    expect(Object.keys(ErrorCode).sort()).toEqual([...new Set(names)].sort())
  })

  test('have every code of the REST API by its name, and no other', () => {
    const ofApi = code.filter(({ path }) => path.startsWith('src/admin/'))
    const pattern = /\b(?:ApiRefusal\(|failed\(|API_ERRORS\.)\s*'?(\w+)/g
    const names = ofApi.flatMap(({ whole }) => [...whole.matchAll(pattern)].map(([, name = '']) => name))
    const given = names.filter((name) => name in API_ERRORS)
    expect([...new Set(given)].sort()).toEqual(Object.keys(API_ERRORS).sort())
    expect(ofApi.filter(({ text }) => /\b1[01]\d{3}\b/.test(text)).map(({ path }) => path)).toEqual([])
  })

  test('have every status that /openapi.json tells of, and no other', () => {
    const { paths } = describeApi(ROUTES) as { paths: Record<string, Record<string, { responses: object }>> }
    const told = Object.values(paths).flatMap((path) =>
      Object.values(path).flatMap(({ responses }) => Object.keys(responses)),
    )
    const statuses = Object.values(API_ERRORS).map(({ status }) => String(status))
    expect([...new Set(statuses)].sort()).toEqual([...new Set(told)].sort())
  })

  test.each([
    ['fault', 'src/base/fault.ts', Object.keys(FAULTS)],
    ['refusal', 'src/base/refusal.ts', Object.keys(REFUSALS)],
  ])('have no %s that nothing gives', (_, table, codes) => {
    const others = code.filter(({ path }) => path !== table)
    expect(codes.filter((one) => !others.some(({ whole }) => whole.includes(`'${one}'`)))).toEqual([])
  })
})

interface Source {
  path: string
  /** Without comments. */
  whole: string
  /** Without what stands in quotes, too. */
  text: string
}

function sourcesBelow(folder: string): Source[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .map((name) => {
      const path = join(folder, name)
      const whole = read(path).replace(/^\s*\/\*\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '')
      return { path, whole, text: whole.replace(/'[^'\n]*'|"[^"\n]*"/g, "''") }
    })
}

/** Every place that gives an MCP client a status, but not the table. */
function ofDoor(code: readonly Source[]): Source[] {
  const protocol = ['classify', 'errors', 'json-guard', 'era-2025/decode', 'era-2025/encode', 'era-2026/decode']
  const paths = [...protocol, 'era-2026/encode'].map((name) => `src/protocol/${name}.ts`)
  return code.filter(
    ({ path }) => paths.includes(path) || (path.startsWith('src/http/') && path !== 'src/http/statuses.ts'),
  )
}

/** Rows of the first table under a heading, without its head. */
function tableUnder(text: string, heading: string): string[][] {
  const lines = text.split('\n')
  const from = lines.findIndex((line) => /^#+ /.test(line) && line.replace(/^#+ /, '') === heading)
  const start = lines.findIndex((line, at) => at > from && line.startsWith('|'))
  const rows: string[][] = []
  for (let at = start + 2; lines[at]?.startsWith('|'); at++) {
    rows.push(
      (lines[at] ?? '')
        .split(/(?<!\\)\|/)
        .slice(1, -1)
        .map((cell) => cell.trim()),
    )
  }
  return rows
}

function firstCells(text: string, heading: string): string[] {
  return tableUnder(text, heading).map(([first = '']) => first.replaceAll('`', ''))
}

function headingsOf(text: string): string[] {
  return [...withoutCode(text).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

function codeBlocks(text: string): { language: string; text: string }[] {
  return [...text.matchAll(/^```(\w*)\n([\s\S]*?)\n```$/gm)].map(([, language = '', inside = '']) => ({
    language,
    text: inside,
  }))
}

function withoutCode(text: string): string {
  return text.replace(/^```[\s\S]*?^```/gm, '')
}
