/**
 * The documents held against the source: links lead somewhere, generated pages are current, lists are whole, and every
 * defence that SECURITY.md claims has its test.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { describe, expect, test } from 'vitest'
import { API_PAGE, apiPage, METRICS_PAGE, metricsPage } from '../scripts/write-docs.ts'
import { ERROR_CODES } from '../src/contract/envelope.ts'
import { logQuery } from '../src/contract/log.ts'
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

  test('errors.md has every fault code and every refusal reason, and no other', () => {
    const errors = read('docs/reference/errors.md')
    expect(firstCells(errors, 'Faults')).toEqual(unionOf('src/base/fault.ts', 'FaultCode'))
    expect(firstCells(errors, 'Refusals')).toEqual(unionOf('src/base/refusal.ts', 'RefusalReason'))
  })

  test('errors.md has every JSON-RPC code that the portal makes, and no other', () => {
    const literal = ofDoor().flatMap((source) => [...source.matchAll(/code: (-32\d{3})/g)].map(([, code = '']) => code))
    const codes = new Set([...Object.values(ErrorCode).map(String), ...literal])
    expect(firstCells(read('docs/reference/errors.md'), 'JSON-RPC codes').sort()).toEqual([...codes].sort())
  })

  test('errors.md has every HTTP status that the door gives, and no other', () => {
    const given = ofDoor().flatMap((source) =>
      [...source.matchAll(/(?<=[(\s])([245]\d\d)(?=[,);\s])/g)].map(([, status = '']) => status),
    )
    expect(firstCells(read('docs/reference/errors.md'), 'HTTP statuses')).toEqual([...new Set(given)].sort())
  })

  test('errors.md has every code of the REST API, and no other', () => {
    const codes = Object.values(ERROR_CODES).map(String)
    expect(firstCells(read('docs/reference/errors.md'), 'REST API')).toEqual(codes.sort())
  })

  test('events.md has every field of a row and every outcome, and no other', () => {
    const events = read('docs/reference/events.md')
    const shown = [...read('src/admin/logs.ts').matchAll(/^ {4}(\w+): (?:row\.|shownTime\(row\.)/gm)]
    expect(firstCells(events, 'Fields')).toEqual(shown.map(([, field = '']) => field))
    expect(firstCells(events, 'Outcomes')).toEqual(logQuery.shape.outcome.unwrap().options)
  })
})

/** Every place that gives an MCP client a status or a code, without comments. */
function ofDoor(): string[] {
  const http = readdirSync(join(ROOT, 'src/http')).map((name) => `src/http/${name}`)
  const protocol = ['classify', 'errors', 'era-2025/decode', 'era-2025/encode', 'era-2026/decode', 'era-2026/encode']
  return [
    ...http.filter((path) => !path.endsWith('.test.ts')),
    ...protocol.map((name) => `src/protocol/${name}.ts`),
  ].map((path) => read(path).replace(/^\s*\/\*\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, ''))
}

/** Members of a union of string literals, in the order of the source. */
function unionOf(path: string, name: string): string[] {
  const [, body = ''] = new RegExp(`export type ${name} =([\\s\\S]*?)\\n\\n`).exec(read(path)) ?? []
  return [...body.matchAll(/^\s*\| '([\w-]+)'/gm)].map(([, member = '']) => member)
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

function withoutCode(text: string): string {
  return text.replace(/^```[\s\S]*?^```/gm, '')
}
