/**
 * Where the suite's clients knock: each scenario gets a portal of its own, with the suite's server as its only one. A few at a time, since
 * the suite begins all of them at once.
 */
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { queue } from './queue.ts'
import { playScenario, type Scenario } from './scenario.ts'

const AT_ONCE = 3

export interface Harness {
  url: string
  /** Of each scenario that was played, why it did not end well; null where it did. */
  problems: Map<string, string | null>
  close(): Promise<void>
}

export async function startHarness(): Promise<Harness> {
  const problems = new Map<string, string | null>()
  const take = queue(AT_ONCE)
  const server = createServer(async (request, response) => {
    const scenario = JSON.parse(await bodyOf(request)) as Scenario
    const problem = scenario.scenario.startsWith('auth/')
      ? await take(() => playScenario(scenario))
      : 'only authorization is played here'
    problems.set(scenario.scenario, problem)
    response.end(JSON.stringify({ problem }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    problems,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}
