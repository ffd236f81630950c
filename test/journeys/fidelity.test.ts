/** `docs/reference/fidelity.md` says of each client, server and feature what is kept, and that is what is measured. */
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { fidelityPage } from '../../scripts/fidelity-page.ts'
import { FEATURES } from '../fidelity/features.ts'
import { type Cell, measure } from '../fidelity/measure.ts'
import { CLIENTS, type ClientName, SERVERS, type ServerName } from '../fidelity/pair.ts'

const PAGE = fileURLToPath(new URL('../../docs/reference/fidelity.md', import.meta.url))
/** What the page calls kept is waited for, as long as a loaded machine needs; for the rest, whoever waits waits in vain. */
const KEPT_MS = 60_000
const ELSE_MS = 2_000

/** Twenty pairs with real programs at both ends: what one round missed on a busy machine, another may see. */
const ROUNDS = 3

// [FIDELITY-1]
test('the page on what is kept says of every cell what is measured', { timeout: 900_000 }, async () => {
  const page = existsSync(PAGE) ? readFileSync(PAGE, 'utf8') : ''
  let cells: Cell[] = []
  for (let round = 1; round <= ROUNDS; round++) {
    const now = await measure((...which) => (kindOn(page, ...which) === 'kept' ? KEPT_MS : ELSE_MS))
    expect(now).toHaveLength(FEATURES.length * CLIENTS.length * SERVERS.length)
    cells = now.map((cell, at) => (isAsTold(page, cell) ? cell : (cells[at] ?? cell)))
    if (fidelityPage(cells) === page) break
  }
  expect(fidelityPage(cells)).toBe(page)
})

/** How the page begins a cell. */
const KIND: Record<Cell['verdict'], string> = { kept: 'kept', lost: '**lost**', server: '–', client: '–' }

function isAsTold(page: string, { feature, client, server, verdict }: Cell): boolean {
  return kindOn(page, feature, client, server) === KIND[verdict]
}

function kindOn(page: string, feature: string, client: ClientName, server: ServerName): string | undefined {
  const section = page.split(/^## /m).find((part) => part.startsWith(`${client}\n`)) ?? ''
  const row = section.split('\n').find((line) => line.startsWith(`| ${feature} |`)) ?? ''
  return row
    .split('|')
    .at(SERVERS.indexOf(server) + 2)
    ?.trim()
    .split(' ')[0]
}
