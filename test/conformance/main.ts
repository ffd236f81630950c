/**
 * `npm run conformance [authorization] [client] [server [door/upstream…]]`: the protocol's own suite against the portal as an authorization
 * server, as a client of others', and as a server in front of others. Without a name: all three. Fails where something that is required does.
 */
import { spawnSync } from 'node:child_process'
import { EXTENSIONS, LATER, runClientSet } from './client-suite.ts'
import { queue } from './queue.ts'
import { AT_ONCE, CELLS, type Cell, nameOf, runCell } from './server-suite.ts'
import { REVISIONS, tallyOf } from './suite.ts'

const PARTS = ['authorization', 'client', 'server'] as const
type Part = (typeof PARTS)[number]

const words = process.argv.slice(2)
const parts = PARTS.filter((part) => words.includes(part))
const cells = CELLS.filter((cell) => words.includes(nameOf(cell)))
const unknown = words.filter((word) => ![...PARTS, ...CELLS.map(nameOf)].includes(word))
if (unknown.length > 0 || (cells.length > 0 && !parts.includes('server'))) {
  const cellNames = CELLS.map(nameOf).join(', ')
  process.stderr.write(`there are ${PARTS.join(', ')}; and of server, ${cellNames}; not ${words.join(' ')}\n`)
  process.exit(2)
}

const RUN: Record<Part, () => boolean | Promise<boolean>> = {
  authorization: asAuthorizationServer,
  client: asClient,
  server: () => asServer(cells.length === 0 ? CELLS : cells),
}
let isGood = true
for (const part of parts.length === 0 ? PARTS : parts) isGood = (await RUN[part]()) && isGood
process.exit(isGood ? 0 : 1)

function asAuthorizationServer(): boolean {
  const file = 'test/journeys/conformance-authorization.test.ts'
  return spawnSync('npx', ['vitest', 'run', file], { stdio: 'inherit' }).status === 0
}

async function asClient(): Promise<boolean> {
  let isAll = true
  for (const revision of REVISIONS) {
    const { required, open, openExtensions, openLater } = await runClientSet(revision)
    const beside = `extensions ${tallyOf(EXTENSIONS, openExtensions)} later ${tallyOf(LATER, openLater)}`
    process.stdout.write(`client ${revision} ${tallyOf(required, open)} ${beside}\n`)
    const allOpen = { ...open, ...openExtensions, ...openLater }
    tell(allOpen)
    isAll &&= Object.keys(allOpen).length === 0
  }
  return isAll
}

/** What is not scored is told, and fails nothing. */
async function asServer(asked: readonly Cell[]): Promise<boolean> {
  let isAll = true
  const take = queue(AT_ONCE)
  const played = asked.map((cell) => ({ cell, verdicts: take(() => runCell(cell)) }))
  for (const { cell, verdicts: coming } of played) {
    const verdicts = await coming
    for (const revision of REVISIONS) {
      const { required, open, unscored, openUnscored } = verdicts[revision]
      process.stdout.write(`server ${revision} ${nameOf(cell)} ${tallyOf(required, open)}\n`)
      tell(open)
      process.stdout.write(`  extensions ${tallyOf(unscored, openUnscored)}\n`)
      tell(openUnscored)
      isAll &&= Object.keys(open).length === 0
    }
  }
  return isAll
}

function tell(open: Record<string, string[]>): void {
  for (const [name, complaints] of Object.entries(open)) {
    process.stdout.write(`  open: ${name}\n${complaints.map((one) => `    ${one.slice(0, 800)}\n`).join('')}`)
  }
}
