/**
 * What journeys of approval, purpose and step-up share: a portal that looks lived in, with a real server that remembers what was done to it,
 * policies that ask for something, and people: ada, who has a password and approves, and grace, who signs in at a provider and asks.
 */
import { expect } from 'vitest'
import { type LivedIn, signInAs, startLivedIn } from './page-journey.ts'
import { type Ledger, startLedger } from './peers/ledger.ts'
import type { Person } from './person.ts'
import type { TestPortalOptions } from './portal.ts'
import { ask2026, messageOf, type RawCaller } from './raw-mcp.ts'

const MCP = '/access/ai-controls/mcp'
export const APPROVER = 'ada@acme.test'
export const ASKER = 'grace@acme.test'

/** What guards `post` of the ledger; everything else there is everybody's. */
export const GUARDED = [{ servers: ['ledger'], names: ['post'] }]
export const APPROVAL = {
  approval_required: true,
  approval_groups: [{ approvals_needed: 1, email_addresses: [APPROVER] }],
}

export interface Row {
  deed: string
  outcome?: string
  decision?: string
  error?: string
  rule?: string
  purpose?: string
  method: string
  change?: { object: string; id: string; fields: string[] } | null
  actor: { kind: string; label: string }
}

export interface DemandRoom {
  home: LivedIn
  url: string
  ledger: Ledger
  ada: Person
  /** Puts a policy before what lets everybody in at the ledger. @returns its id */
  guard(extra: Record<string, unknown>): Promise<string>
  change(policy: string, extra: Record<string, unknown>): Promise<void>
  api<T>(method: string, path: string, body?: unknown): Promise<T>
  /** The newest first. */
  rows(query: string): Promise<Row[]>
  close(): Promise<void>
}

export async function openDemandRoom(
  options: Pick<TestPortalOptions, 'databaseUrl' | 'limits'> = {},
): Promise<DemandRoom> {
  const [home, ledger] = await Promise.all([startLivedIn(options), startLedger()])
  const { portal } = home
  const api = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const answer = await portal.api<T>(method, path, body)
    if (!answer.body.success) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
    return answer.body.result
  }
  const policy = async (body: Record<string, unknown>) =>
    (await api<{ id: string }>('POST', '/access/policies', { include: [{ everyone: {} }], ...body })).id
  const usual = await policy({ name: 'Everybody', decision: 'allow' })
  const bots = await policy({ name: 'Bots', decision: 'non_identity', include: [{ any_valid_service_token: {} }] })
  await api('POST', `${MCP}/servers`, {
    ...{ id: 'ledger', name: 'Ledger', hostname: ledger.url, auth_type: 'unauthenticated' },
    policies: [usual, bots],
  })
  await api('POST', `${MCP}/servers/ledger/sync`)
  await api('PUT', `${MCP}/portals/default`, { servers: [{ server_id: 'handbook' }, { server_id: 'ledger' }] })
  const ada = await signInAs(home)
  const guarded = (extra: Record<string, unknown>) => ({
    ...{ name: 'Payments', decision: 'allow', include: [{ everyone: {} }], capabilities: GUARDED },
    ...extra,
  })
  return {
    ...{ home, url: portal.url, ledger, ada, api },
    async guard(extra) {
      const id = await policy(guarded(extra))
      await api('PUT', `${MCP}/servers/ledger`, { policies: [id, usual, bots] })
      return id
    },
    change: (id, extra) => api('PUT', `/access/policies/${id}`, guarded(extra)),
    rows: (query) => api('GET', `${MCP}/logs?phase=ended&limit=200&${query}`),
    async close() {
      await home.close()
      await ledger.stop()
    },
  }
}

export interface Asked2026 {
  /** Of the question, or null. */
  kind: string | null
  url: string | null
  message: string
  state: string | null
  text: string
  isError: boolean
  error: { code: number; message: string } | null
}

/** One try of a 2026 client. @param url of the replica */
export async function try2026(
  url: string,
  caller: RawCaller,
  call: Record<string, unknown>,
  { elicitation = { url: {} }, ...more }: { elicitation?: object | null } & Record<string, unknown> = {},
): Promise<Asked2026> {
  const capabilities = elicitation === null ? {} : { elicitation }
  const meta = { 'io.modelcontextprotocol/clientCapabilities': capabilities }
  const { result, error } = messageOf(
    await ask2026(`${url}/mcp`, caller, 'tools/call', { ...call, ...more, _meta: meta }),
  ) as { result?: Record<string, unknown>; error?: { code: number; message: string } }
  const requests = (result?.inputRequests ?? {}) as Record<string, { params: { url?: string; message: string } }>
  const [kind = null] = Object.keys(requests)
  const params = kind === null ? undefined : requests[kind]?.params
  const content = (result?.content ?? []) as { text: string }[]
  return {
    kind,
    url: params?.url ?? null,
    message: params?.message ?? '',
    state: (result?.requestState as string | undefined) ?? null,
    text: content.map(({ text }) => text).join(''),
    isError: result?.isError === true,
    error: error ?? null,
  }
}

/** The page that a text names. */
export function linkIn(text: string): string {
  const [link] = /https?:\/\/\S+\/approve\/[\w/-]+/.exec(text) ?? []
  if (link === undefined) throw new Error(`no link in: ${text}`)
  return link
}

/** Ada reads the page and gives her word. */
export async function giveWord(person: Person, url: string, word: 'approve' | 'reject'): Promise<void> {
  const page = await person.open(url)
  expect(page.status).toBe(200)
  const done = await person.submit(page, new URL(url).pathname, { word })
  expect(done.status).toBe(200)
}
