/**
 * `npm run conformance [authorization] [client]`: the protocol's own suite against the portal as an authorization server, and as a client
 * of others'. Without a name: both. Fails where something that is required does.
 */
import { spawnSync } from 'node:child_process'
import { EXTENSIONS, REVISIONS, runClientSet, type Verdict } from './client-suite.ts'

const PARTS = ['authorization', 'client'] as const
const asked = process.argv.slice(2)
const unknown = asked.filter((name) => !PARTS.some((part) => part === name))
if (unknown.length > 0) {
  process.stderr.write(`there is no ${unknown.join(', ')}; there are ${PARTS.join(' and ')}\n`)
  process.exit(2)
}

let isGood = true
for (const part of PARTS) {
  if (asked.length > 0 && !asked.includes(part)) continue
  isGood = (part === 'client' ? await asClient() : asAuthorizationServer()) && isGood
}
process.exit(isGood ? 0 : 1)

function asAuthorizationServer(): boolean {
  const file = 'test/journeys/conformance-authorization.test.ts'
  return spawnSync('npx', ['vitest', 'run', file], { stdio: 'inherit' }).status === 0
}

async function asClient(): Promise<boolean> {
  let isAll = true
  for (const revision of REVISIONS) {
    const verdict = await runClientSet(revision)
    process.stdout.write(`${lineOf(verdict)}\n`)
    const open = { ...verdict.open, ...verdict.openExtensions }
    tell(open)
    isAll &&= Object.keys(open).length === 0
  }
  return isAll
}

function lineOf({ revision, required, open, openExtensions }: Verdict): string {
  const good = (all: readonly string[], bad: Verdict['open']) => `${all.length - Object.keys(bad).length}/${all.length}`
  return `client ${revision} auth ${good(required, open)} extensions ${good(EXTENSIONS, openExtensions)}`
}

function tell(open: Verdict['open']): void {
  for (const [name, complaints] of Object.entries(open)) {
    process.stdout.write(`  open: ${name}\n${complaints.map((one) => `    ${one.slice(0, 800)}\n`).join('')}`)
  }
}
