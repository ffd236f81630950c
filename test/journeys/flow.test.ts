/**
 * The flow of data over real HTTP: one server reads private data, one reads what anybody may have written, one sends out. Two of
 * them are fine; a rule keeps the third from the same grant, or has somebody agree to it.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { AuditRow } from '../../src/audit/event.ts'
import { startTestPortal, type TestPortal } from '../portal.ts'
import { ask2026, bearer, messageOf, open2025, type RawAnswer, type RawCaller } from '../raw-mcp.ts'
import { startWitness, type Witness } from '../support/witness.ts'

const MCP = '/access/ai-controls/mcp'
const LABELS = { payroll: 'reads_private', tickets: 'reads_untrusted', mail: 'sends_out' } as const
const SERVERS = Object.keys(LABELS) as (keyof typeof LABELS)[]

let portal: TestPortal
let witnesses: Witness[]
/** The policies that let people in. */
let ordinary: string[]

beforeAll(async () => {
  portal = await startTestPortal()
  witnesses = await Promise.all(SERVERS.map(startWitness))
  await portal.furnish(witnesses.map(({ id, url }) => ({ id, url })))
  for (const id of SERVERS) await must('PUT', `${MCP}/servers/${id}`, { labels: [LABELS[id]] })
  const { policies } = await must<{ policies: (string | { id: string })[] }>('GET', `${MCP}/portals/default`)
  ordinary = policies.map((one) => (typeof one === 'string' ? one : one.id))
})
afterAll(async () => {
  await portal?.close()
  await Promise.all((witnesses ?? []).map((one) => one.stop()))
})
afterEach(() => {
  reached()
})

async function must<T>(method: string, path: string, body?: unknown): Promise<T> {
  const answer = await portal.api<T>(method, path, body)
  if (!answer.body.success) throw new Error(`${method} ${path}: ${JSON.stringify(answer.body)}`)
  return answer.body.result
}

/** Puts a rule before those that let people in. */
async function rule(more: object): Promise<void> {
  const { id } = await must<{ id: string }>('POST', '/access/policies', {
    ...{ name: 'No leaks', include: [{ everyone: {} }] },
    ...more,
  })
  await must('PUT', `${MCP}/portals/default`, { policies: [id, ...ordinary] })
}

/** Everything that reached a server since the last time. */
const reached = (): string[] => witnesses.flatMap((one) => one.reached.splice(0))

let grants = 0
const grant = async (): Promise<RawCaller> => bearer(await portal.userToken(`person-${grants++}@acme.test`))

const at = (path = '/mcp') => `${portal.url}${path}`
const call = (caller: RawCaller, server: string, path?: string) =>
  ask2026(at(path), caller, 'tools/call', { name: `${server}_list`, arguments: {} })
const textOf = (answer: RawAnswer): string => JSON.stringify(messageOf(answer).result ?? messageOf(answer).error)
const TOLD = 'would be able to send private data where untrusted text says'

async function lastRow(capability: string): Promise<AuditRow | undefined> {
  const query = new URLSearchParams({ capability, limit: '1', phase: 'ended' })
  return (await must<AuditRow[]>('GET', `${MCP}/logs?${query}`))[0]
}

const ORDERS = [
  ['payroll', 'tickets', 'mail'],
  ['tickets', 'payroll', 'mail'],
  ['mail', 'payroll', 'tickets'],
  ['tickets', 'mail', 'payroll'],
  ['payroll', 'mail', 'tickets'],
  ['mail', 'tickets', 'payroll'],
] as const

describe('a rule that denies the third', () => {
  beforeAll(() => rule({ decision: 'deny', capabilities: [{ flow: { window: '1h' } }] }))

  for (const order of ORDERS) {
    // [FLOW-1]
    test(`refuses it in the order ${order.join(', ')}, and the server hears of nothing`, async () => {
      const caller = await grant()
      const [first, second, third] = order
      expect(textOf(await call(caller, first))).not.toContain(TOLD)
      expect(textOf(await call(caller, second))).not.toContain(TOLD)
      expect(reached()).toHaveLength(2)
      const answer = await call(caller, third)
      expect(messageOf(answer).result).toMatchObject({ isError: true })
      expect(textOf(answer)).toContain(TOLD)
      expect(reached()).toEqual([])
      expect(await lastRow(`${third}_list`)).toMatchObject({ outcome: 'refused', error: 'flow', server: third })
      // What it could do before it still can.
      expect(textOf(await call(caller, first))).not.toContain(TOLD)
      expect(reached()).toHaveLength(1)
    })
  }

  // [FLOW-1]
  test('lets at most two of three pass that come at the same moment', async () => {
    for (let round = 0; round < 10; round++) {
      const caller = await grant()
      const answers = await Promise.all(SERVERS.map((server) => call(caller, server)))
      expect(answers.filter((answer) => textOf(answer).includes(TOLD))).toHaveLength(1)
      expect(reached()).toHaveLength(2)
    }
  })

  // [FLOW-1]
  test('counts for the grant: other sessions, eras, addresses and kinds of capability are the same one', async () => {
    const caller = await grant()
    const session = await open2025(at(), caller)
    await session.ask('tools/call', { name: 'payroll_list', arguments: {} })
    await ask2026(at('/p/default/s/tickets/mcp'), caller, 'resources/read', { uri: 'tickets://open/one' })
    const other = await open2025(at('/p/default/mcp'), caller, '2025-03-26')
    const answer = await other.ask('prompts/get', { name: 'mail_brief', arguments: {} })
    expect(messageOf(answer).error?.message).toContain(TOLD)
    const through = await ask2026(at(), caller, 'resources/read', { uri: 'mail://open/anything' })
    expect(messageOf(through).error?.message).toContain(TOLD)
    expect(reached()).toHaveLength(2)
  })

  test('does not hold against somebody what somebody else did, or they did by another grant', async () => {
    const email = 'two-clients@acme.test'
    const [one, other] = [bearer(await portal.userToken(email)), bearer(await portal.userToken(email))]
    await call(one, 'payroll')
    await call(one, 'tickets')
    expect(textOf(await call(other, 'mail'))).not.toContain(TOLD)
  })

  test('holds nothing against a call that was refused', async () => {
    const caller = await grant()
    await must('PUT', `${MCP}/servers/tickets`, { limits: [{ per: 'all', calls: 1, window: '1h' }] })
    try {
      await call(await grant(), 'tickets')
      expect(textOf(await call(caller, 'tickets'))).toContain('limit of')
      expect(textOf(await call(caller, 'payroll'))).not.toContain(TOLD)
      expect(textOf(await call(caller, 'mail'))).not.toContain(TOLD)
    } finally {
      await must('PUT', `${MCP}/servers/tickets`, { limits: [] })
    }
  })

  test('says nothing of a tool that the caller may not have: it is unknown, before and after', async () => {
    const caller = await grant()
    await call(caller, 'payroll')
    await call(caller, 'tickets')
    const ask = async (name: string) =>
      (await ask2026(at(), caller, 'tools/call', { name, arguments: {} })).text.replaceAll(name, 'NAME')
    await must('PUT', `${MCP}/servers/mail`, { updated_tools: [{ name: 'wipe', enabled: false }] })
    expect(await ask('mail_wipe')).toBe(await ask('mail_nope'))
  })
})

describe('a rule about one tool', () => {
  beforeAll(() =>
    rule({ decision: 'deny', capabilities: [{ servers: ['mail'], names: ['list'], flow: { window: '1h' } }] }),
  )

  // [FLOW-1]
  test('knows of calls of which no rule speaks', async () => {
    const caller = await grant()
    await call(caller, 'payroll')
    await call(caller, 'tickets')
    expect(textOf(await call(caller, 'mail'))).toContain(TOLD)
    expect(reached()).toHaveLength(2)
    const free = await ask2026(at(), caller, 'tools/call', { name: 'mail_read', arguments: {} })
    expect(textOf(free)).not.toContain(TOLD)
  })
})

describe('labels of single tools', () => {
  beforeAll(async () => {
    await rule({ decision: 'deny', capabilities: [{ flow: { window: '1h' } }] })
    await must('PUT', `${MCP}/servers/tickets`, {
      labels: [],
      updated_tools: [{ name: 'read', labels: ['reads_untrusted'] }],
    })
  })
  afterAll(() => must('PUT', `${MCP}/servers/tickets`, { labels: ['reads_untrusted'], updated_tools: [] }))

  test('are theirs alone', async () => {
    const caller = await grant()
    await call(caller, 'payroll')
    await call(caller, 'tickets')
    await call(caller, 'mail')
    expect(reached()).toHaveLength(3)
    const read = await ask2026(at(), caller, 'tools/call', { name: 'tickets_read', arguments: {} })
    expect(textOf(read)).toContain(TOLD)
    expect(reached()).toEqual([])
  })
})

describe('a rule that has somebody agree to the third', () => {
  beforeAll(() =>
    rule({
      decision: 'allow',
      capabilities: [{ flow: { window: '1h' } }],
      approval_required: true,
      approval_groups: [{ approvals_needed: 1, email_addresses: ['boss@acme.test'] }],
    }),
  )

  // [FLOW-2]
  test('asks for it before the third, and for none of the first two', async () => {
    const caller = await grant()
    await call(caller, 'payroll')
    await call(caller, 'tickets')
    expect(reached()).toHaveLength(2)
    const answer = await call(caller, 'mail')
    expect(textOf(answer)).toContain('/approve/')
    expect(reached()).toEqual([])
    // What waits was not done: it is not held against the others.
    expect(textOf(await call(caller, 'payroll'))).not.toContain('/approve/')
    expect(reached()).toHaveLength(1)
  })
})
