/** `docs/reference/fidelity.md` says of each client, server and feature what is kept, and that is what is measured. */
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { fidelityPage } from '../../scripts/fidelity-page.ts'
import { FEATURES } from '../fidelity/features.ts'
import { measure } from '../fidelity/measure.ts'
import { CLIENTS, type ClientName, SERVERS, type ServerName } from '../fidelity/pair.ts'

const PAGE = fileURLToPath(new URL('../../docs/reference/fidelity.md', import.meta.url))
/** What the page calls kept is waited for, as long as a loaded machine needs; for the rest, whoever waits waits in vain. */
const KEPT_MS = 60_000
const ELSE_MS = 2_000

// [FIDELITY-1]
test('the page on what is kept says of every cell what is measured', { timeout: 600_000 }, async () => {
  const page = existsSync(PAGE) ? readFileSync(PAGE, 'utf8') : ''
  const cells = await measure((...which) => (isKept(page, ...which) ? KEPT_MS : ELSE_MS))
  expect(cells).toHaveLength(FEATURES.length * CLIENTS.length * SERVERS.length)
  expect(fidelityPage(cells)).toBe(page)
})

function isKept(page: string, feature: string, client: ClientName, server: ServerName): boolean {
  const section = page.split(/^## /m).find((part) => part.startsWith(`${client}\n`)) ?? ''
  const row = section.split('\n').find((line) => line.startsWith(`| ${feature} |`)) ?? ''
  return (
    row
      .split('|')
      .at(SERVERS.indexOf(server) + 2)
      ?.trim() === 'kept'
  )
}
