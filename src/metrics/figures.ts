/**
 * What is told to a scraper, as one table. Everything is a figure that a room keeps anyway; nothing here is counted per
 * call. No principal, tool, portal or address is ever a label: whoever reads metrics learns how much, not who or what.
 */

export interface Requests {
  answered: number
  refused: number
  failed: number
  unrecorded: number
  unauthenticated: number
}

export interface ServerFigures {
  id: string
  circuit: 'closed' | 'open' | 'half_open'
  /** Failures in a row that speak against the server. */
  failures: number
  connections: number
  children: number
  inFlight: number
  answered: number
  /** By fault code. */
  failed: ReadonlyMap<string, number>
}

export interface WebhookFigures {
  /** Tries by what became of them; `crowded` were given up untried. */
  deliveries: Readonly<Record<'delivered' | 'failed' | 'given_up' | 'crowded', number>>
  /** Of all replicas together. */
  waiting: number
}

/** One reading of everything. */
export interface Figures {
  requests: Requests
  inFlight: number
  streams: number
  sessions: number
  /** Calls that a limit of an admin's refused. */
  limited: number
  audit: { writable: boolean; segmentsWaiting: number }
  webhooks: WebhookFigures
  servers: readonly ServerFigures[]
}

export interface Metric {
  name: string
  type: 'counter' | 'gauge'
  help: string
  labels: readonly string[]
  /** Names servers: only for a token that may read them. */
  isByServer: boolean
  /** Label values in the order of `labels`, then the value. */
  read(figures: Figures): readonly (readonly [...labels: string[], value: number])[]
}

const CIRCUITS = ['closed', 'open', 'half_open'] as const

function plain(type: Metric['type'], name: string, help: string, read: (figures: Figures) => number): Metric {
  return { name, type, help, labels: [], isByServer: false, read: (figures) => [[read(figures)]] }
}

function byServer(type: Metric['type'], name: string, help: string, read: (server: ServerFigures) => number): Metric {
  const readAll = ({ servers }: Figures) => servers.map((server): [string, number] => [server.id, read(server)])
  return { name, type, help, labels: ['server'], isByServer: true, read: readAll }
}

const sum = ({ servers }: Figures, of: (server: ServerFigures) => number) =>
  servers.reduce((total, server) => total + of(server), 0)

export const METRICS: readonly Metric[] = [
  {
    name: 'portico_requests_total',
    type: 'counter',
    help: 'MCP requests by outcome: answered, refused by a policy or not offered, failed at a server, not carried out because they could not be recorded, or without a good token.',
    labels: ['outcome'],
    isByServer: false,
    read: ({ requests }) => Object.entries(requests).map(([outcome, count]): [string, number] => [outcome, count]),
  },
  plain('gauge', 'portico_requests_in_flight', 'MCP requests under way.', ({ inFlight }) => inFlight),
  plain('gauge', 'portico_streams_open', 'Streams of clients that wait for changes.', ({ streams }) => streams),
  plain(
    'counter',
    'portico_calls_limited_total',
    'Calls that were refused because a limit on calls was reached.',
    ({ limited }) => limited,
  ),
  plain(
    'gauge',
    'portico_sessions_known',
    'Sessions of 2025-era clients in this process’s memory.',
    ({ sessions }) => sessions,
  ),
  plain(
    'gauge',
    'portico_audit_writable',
    '1 while the audit can be written, else 0; then calls are refused.',
    ({ audit }) => (audit.writable ? 1 : 0),
  ),
  plain(
    'gauge',
    'portico_audit_segments_waiting',
    'Segments of the journal that are not in the database yet.',
    ({ audit }) => audit.segmentsWaiting,
  ),
  {
    name: 'portico_webhook_deliveries_total',
    type: 'counter',
    help: 'Tries to deliver to webhooks by result: delivered, failed and to be tried again, given up after the last try, or crowded out untried by newer ones.',
    labels: ['result'],
    isByServer: false,
    read: ({ webhooks }) =>
      Object.entries(webhooks.deliveries).map(([result, count]): [string, number] => [result, count]),
  },
  plain(
    'gauge',
    'portico_webhooks_waiting',
    'Deliveries to webhooks that are still to be made, by any replica.',
    ({ webhooks }) => webhooks.waiting,
  ),
  {
    name: 'portico_servers',
    type: 'gauge',
    help: 'Servers by state of their circuit, as this process sees them.',
    labels: ['circuit'],
    isByServer: false,
    read: ({ servers }) =>
      CIRCUITS.map((state): [string, number] => [state, servers.filter(({ circuit }) => circuit === state).length]),
  },
  plain('gauge', 'portico_upstream_connections', 'Open connections to servers; a child is one.', (figures) =>
    sum(figures, ({ connections }) => connections),
  ),
  plain('gauge', 'portico_upstream_children', 'Running children.', (figures) =>
    sum(figures, ({ children }) => children),
  ),
  byServer('gauge', 'portico_server_circuit_open', '1 while the server is left alone, else 0.', ({ circuit }) =>
    circuit === 'closed' ? 0 : 1,
  ),
  byServer(
    'gauge',
    'portico_server_failures_in_a_row',
    'Failures in a row that speak against the server.',
    ({ failures }) => failures,
  ),
  byServer('gauge', 'portico_server_connections', 'Open connections to the server.', ({ connections }) => connections),
  byServer('gauge', 'portico_server_children', 'Running children of the server.', ({ children }) => children),
  byServer('gauge', 'portico_server_calls_in_flight', 'Requests to the server under way.', ({ inFlight }) => inFlight),
  byServer(
    'counter',
    'portico_server_answers_total',
    'Requests that the server answered, errors of its tools among them.',
    ({ answered }) => answered,
  ),
  {
    name: 'portico_server_failures_total',
    type: 'counter',
    help: 'Requests that the server did not answer, by fault.',
    labels: ['server', 'fault'],
    isByServer: true,
    read: ({ servers }) =>
      servers.flatMap(({ id, failed }) =>
        [...failed].map(([fault, count]): [string, string, number] => [id, fault, count]),
      ),
  },
]
