/** What the portal may answer, read from its own reference of errors; a bug is in none of it. */
import { readFileSync } from 'node:fs'

const text = readFileSync(new URL('../../docs/reference/errors.md', import.meta.url), 'utf8')

function firstCells(heading: string): number[] {
  const [, section = ''] = text.split(`### ${heading}\n`)
  const lines = section.trimStart().split('\n')
  const table = lines.slice(
    0,
    lines.findIndex((line) => !line.startsWith('|')),
  )
  return table.map((row) => Number(row.split('|')[1])).filter(Number.isFinite)
}

/** 500 is a bug, and 503 an audit that cannot be written, which nothing that anybody sends may bring about. */
const STATUSES = new Set(firstCells('HTTP statuses').filter((status) => status !== 500 && status !== 503))
const CODES = new Set(firstCells('JSON-RPC codes').filter((code) => code !== -32603))

/** @param code of the JSON-RPC error in the body, or null where there is none */
export function isAllowed(status: number, code: number | null): boolean {
  return STATUSES.has(status) && (code === null || CODES.has(code))
}

if (STATUSES.size < 8 || CODES.size < 8) throw new Error('docs/reference/errors.md could not be read')
