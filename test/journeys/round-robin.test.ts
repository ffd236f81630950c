/**
 * Replicas die and come back, and whoever calls notices only where their call was under way on the one that died: no session, no token and
 * no switch lives in one process.
 */
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FreshPostgres, freshPostgres } from '../databases.ts'
import { type PorticoProcess, startPorticoProcess } from '../portico-process.ts'
import { ask2026, bearer, messageOf, open2025, type RawAnswer } from '../raw-mcp.ts'
import { type RoundRobin, startRoundRobin } from '../round-robin.ts'
import { startWitness, type Witness } from '../support/witness.ts'

const MCP = '/access/ai-controls/mcp'
/** `PORTICO_TEST_CALLS=10000 npx vitest run test/journeys/round-robin.test.ts` for longer. */
const CALLS = Number(process.env.PORTICO_TEST_CALLS ?? 1000)
const KILLS = Math.max(3, Math.floor(CALLS / 1000))
const AT_ONCE = 4
const LONG = { timeout: 900_000 }

let database: FreshPostgres
let witness: Witness
let door: RoundRobin
const replicas: PorticoProcess[] = []
let token: string

beforeAll(async () => {
  database = await freshPostgres()
  witness = await startWitness('alpha')
  const settings = { DATABASE_URL: database.url, PORTICO_ENCRYPTION_KEY: randomBytes(32).toString('base64') }
  const first = await startPorticoProcess(settings)
  replicas.push(first)
  replicas.push(await startPorticoProcess(settings))
  await first.api('POST', `${MCP}/servers`, {
    id: 'alpha',
    name: 'Alpha',
    hostname: witness.url,
    auth_type: 'unauthenticated',
  })
  await first.api('PUT', `${MCP}/portals/default`, { servers: [{ server_id: 'alpha' }] })
  token = (await first.api<{ token: string }>('POST', '/tokens/access', { email: 'ada@acme.test', portal: 'default' }))
    .token
  door = await startRoundRobin(replicas.map(({ url }) => url))
})
afterAll(async () => {
  await door?.close()
  for (const replica of replicas) {
    await replica.end('SIGTERM')
    await replica.remove()
  }
  await witness?.stop()
  await database?.drop()
})

type Asks = () => Promise<RawAnswer>

interface Failure {
  from: number
  to: number
  why: string
}

// [REPLICA-4]
test('while one replica after the other is killed, no call fails but those that were under way', LONG, async () => {
  const url = `${door.url}/mcp`
  const call = { name: 'alpha_list', arguments: {} }
  // A connection for each call: one that is kept may be the dead one's without anybody having noticed.
  const ada = { credentials: { ...bearer(token).credentials, connection: 'close' } }
  const session = await open2025(url, ada)
  // Each has to have followed what was set up at the first.
  for (const replica of replicas)
    await expect
      .poll(async () => isAnswered(await ask2026(`${replica.url}/mcp`, bearer(token), 'tools/call', call)), {
        timeout: 60_000,
      })
      .toBe(true)
  const failures: Failure[] = []
  const killedAt: number[] = []
  let made = 0
  const caller = async (ask: Asks) => {
    while (made < CALLS) {
      made++
      const from = performance.now()
      const why = await ask().then(
        (answer) => (isAnswered(answer) ? null : `${answer.status} ${answer.text}`),
        (error: unknown) => `${error} ${error instanceof Error ? error.cause : ''}`,
      )
      if (why !== null) failures.push({ from, to: performance.now(), why })
    }
  }
  const killer = async () => {
    for (let kill = 1; kill <= KILLS; kill++) {
      const due = (CALLS * kill) / (KILLS + 1)
      await expect.poll(() => made >= due, { timeout: 300_000, interval: 10 }).toBe(true)
      const replica = replicas[kill % replicas.length]
      killedAt.push(performance.now())
      await replica?.end('SIGKILL')
      killedAt.push(performance.now())
      await replica?.start()
    }
  }
  const modern: Asks = () => ask2026(url, ada, 'tools/call', call)
  const legacy: Asks = () => session.ask('tools/call', call)
  await Promise.all([killer(), ...Array.from({ length: AT_ONCE }, (_, at) => caller(at % 2 === 0 ? modern : legacy))])

  const wasUnderWay = ({ from, to }: Failure) =>
    killedAt.some((begun, at) => at % 2 === 0 && from <= (killedAt[at + 1] ?? 0) && to >= begun)
  expect(
    failures.filter((failure) => !wasUnderWay(failure)),
    killedAt.join(),
  ).toEqual([])
  // One that is dying may still take a connection, so a caller may lose a call and the next.
  expect(failures.length).toBeLessThanOrEqual(2 * KILLS * AT_ONCE)
  expect(made).toBeGreaterThanOrEqual(CALLS)
  for (const taken of door.taken.values()) expect(taken).toBeGreaterThan(0)
  // The very session goes on, on whichever is there.
  expect(isAnswered(await session.ask('tools/call', call))).toBe(true)
})

function isAnswered(answer: RawAnswer): boolean {
  const { result } = messageOf(answer) as { result?: { isError?: boolean } }
  return result !== undefined && result.isError !== true
}
