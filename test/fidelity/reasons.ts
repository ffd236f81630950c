/**
 * Why a cell is not `kept`, for those who read the page. What is measured says which cells need a reason; one that fits no cell any more
 * has to go.
 */
import type { Cell, Verdict } from './measure.ts'
import type { ClientName, ServerName } from './pair.ts'

export interface Reason {
  verdict: Exclude<Verdict, 'kept'>
  /** Names of features; with a blank at the end, how they begin. */
  features: readonly string[]
  clients?: readonly ClientName[]
  servers?: readonly ServerName[]
  says: string
}

const EVERYTHING: readonly ServerName[] = ['http', 'sse', 'stdio']
const QUESTIONS = ['elicitation: form', 'elicitation: URL', 'sampling', 'roots']
const TASKS_2026 = 'tasks: the extension of 2026'
const TASKS_2025 = 'tasks: of 2025-11-25'

/** The first that fits a cell is its reason. */
export const REASONS: readonly Reason[] = [
  {
    ...{ verdict: 'lost', features: ['roots'], servers: EVERYTHING },
    says: 'server-everything remembers folders for as long as a session lasts, and lists the tool that shows them only in sessions whose client declared them. The portal declares them only where nobody else shares the session: with `isolation` of `per_user` or `per_session`, or an account of the caller’s own. As a new portal has it, callers share one.',
  },
  {
    ...{ verdict: 'lost', features: ['list_changed: resources'], servers: EVERYTHING },
    says: 'server-everything lists the new resource in the session whose call made it and in no other, and the portal reads lists in the session that declares nothing. For a client that cannot be asked both are the same session, and it is kept.',
  },
  {
    ...{ verdict: 'lost', features: ['logging'], servers: ['proxy'] },
    says: 'The portal speaks 2026-07-28 with mcp-proxy, and mcp-proxy hands log lines on to clients of 2025 only.',
  },
  {
    ...{ verdict: 'server', features: ['content: audio'] },
    says: 'No tool of server-everything answers with sound.',
  },
  { verdict: 'server', features: ['lists in several pages'], says: 'server-everything has one page of everything.' },
  {
    ...{ verdict: 'server', features: ['list_changed: tools', 'list_changed: prompts'] },
    says: 'No tool of server-everything changes this list.',
  },
  {
    ...{ verdict: 'server', features: ['list_changed: resources'], servers: ['fixture'] },
    says: 'No tool of the fixture changes this list.',
  },
  {
    ...{ verdict: 'server', features: QUESTIONS, servers: ['proxy'] },
    says: 'mcp-proxy declares to the server behind it nothing that a client can be asked: that server has no tool that asks.',
  },
  {
    ...{ verdict: 'server', features: ['logging'], servers: ['proxy'] },
    says: 'mcp-proxy hands no log lines on to clients of 2026.',
  },
  { verdict: 'server', features: [TASKS_2026], says: 'server-everything does not have the extension.' },
  {
    ...{ verdict: 'server', features: [TASKS_2025], servers: ['proxy'] },
    says: 'mcp-proxy hands on no task of 2025.',
  },
  { verdict: 'server', features: [TASKS_2025], says: 'The fixture has the extension of 2026 only.' },
  {
    ...{ verdict: 'client', features: [TASKS_2025] },
    says: '2026-07-28 has no tasks but those of the extension (changelog of 2026-07-28).',
  },
  {
    ...{ verdict: 'client', features: [TASKS_2026] },
    says: 'The client does not declare the extension; in 2025 no request can.',
  },
  {
    ...{ verdict: 'client', features: QUESTIONS, clients: ['Inspector'] },
    says: "The Inspector's command line does not declare that it can be asked this.",
  },
  {
    verdict: 'client',
    features: [
      'completion: ',
      'progress',
      'cancellation, and the next call',
      'logging',
      'list_changed: ',
      'resources: updated',
    ],
    clients: ['Inspector'],
    says: "The Inspector's command line has no command for it: it asks once, prints the answer and ends.",
  },
]

/** @throws Error for a cell that nobody has explained */
export function reasonFor(cell: Cell): Reason | null {
  if (cell.verdict === 'kept') return null
  const reason = REASONS.find((one) => fits(one, cell))
  if (reason === undefined)
    throw new Error(
      `${cell.feature}, ${cell.client}, ${cell.server}: ${cell.verdict} for no known reason: ${cell.detail}`,
    )
  return reason
}

function fits({ verdict, features, clients, servers }: Reason, cell: Cell): boolean {
  const isNamed = features.some((one) => (one.endsWith(' ') ? cell.feature.startsWith(one) : cell.feature === one))
  if (verdict !== cell.verdict || !isNamed) return false
  return clients?.includes(cell.client) !== false && servers?.includes(cell.server) !== false
}
