/**
 * Where the suite's clients knock. The suite begins all scenarios at once; here a few are played at the same time, each by a program of its
 * own, which plays the next one when it has left the last: the suite's authorization servers all give out the same client id, and a portal
 * that knows two issuers by one id is right to refuse.
 */
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { startTestPortal, type TestPortal } from '../portal.ts'
import { queue } from './queue.ts'
import { ADA, playScenario, type Scenario } from './scenario.ts'
import { playTalk } from './talk.ts'

const AT_ONCE = 3

export interface Harness {
  url: string
  /** Of each scenario that was played, why it did not end well; null where it did. */
  problems: Map<string, string | null>
  close(): Promise<void>
}

/** @param names of the scenarios that are played; the suite has more, and waits for each */
export async function startHarness(names: readonly string[]): Promise<Harness> {
  const problems = new Map<string, string | null>()
  const take = queue(AT_ONCE)
  const portals: TestPortal[] = []
  const free: TestPortal[] = []
  let places = 0
  const play = async (scenario: Scenario) => {
    if (!names.includes(scenario.scenario)) throw new Error('not asked for')
    const portal = free.pop() ?? (await startTestPortal({ config: { bootstrap: ADA } }))
    if (!portals.includes(portal)) portals.push(portal)
    const how = scenario.scenario.startsWith('auth/') ? playScenario : playTalk
    await how(scenario, { portal, id: `place-${++places}` }).finally(() => free.push(portal))
  }
  const server = createServer(async (request, response) => {
    const scenario = JSON.parse(await bodyOf(request)) as Scenario
    const problem = await take(() => play(scenario)).then(() => null, wordsOf)
    problems.set(scenario.scenario, problem)
    response.end(JSON.stringify({ problem }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    problems,
    close: async () => {
      await new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
      for (const portal of portals) await portal.close()
    },
  }
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}
