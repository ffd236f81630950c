/**
 * What servers ask in the midst of a call reaches the one who called, and the call is answered: real clients of either era, and
 * servers of either era and transport.
 */
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { AuditRow } from '../../src/audit/event.ts'
import { BUILDS, type Fixture, startFixture } from '../conformance/fixture/http.ts'
import { startTestPortal, type TestPortal } from '../portal.ts'
import { openRelayClient, RELAY_CLIENTS, type RelayClient, type RelayedClient, type Says } from '../relay-clients.ts'

const MCP = '/access/ai-controls/mcp'
const MAIN = fileURLToPath(new URL('../conformance/fixture/main.ts', import.meta.url))
const SERVERS = ['modern', 'legacy', 'dual', 'piped'] as const

let portal: TestPortal
const fixtures: Fixture[] = []
const open: RelayedClient[] = []

beforeAll(async () => {
  portal = await startTestPortal()
  const started = await Promise.all(BUILDS.map(startFixture))
  fixtures.push(...started)
  await portal.furnish([
    ...BUILDS.map((id, at) => ({ id, url: started[at]?.url ?? '' })),
    { id: 'piped', stdio: { command: process.execPath, args: [MAIN, 'stdio'], env: {} } },
  ])
  for (const id of SERVERS)
    await must('PUT', `${MCP}/servers/${id}`, { isolation: 'per_user', relay: { sampling: true } })
})
afterEach(async () => {
  await Promise.all(open.splice(0).map((client) => client.close()))
})
afterAll(async () => {
  await portal?.close()
  await Promise.all(fixtures.map((fixture) => fixture.close()))
})

async function must<T>(method: string, path: string, body?: unknown): Promise<T> {
  const answer = await portal.api<T>(method, path, body)
  if (!answer.body.success) throw new Error(`${method} ${path}: ${JSON.stringify(answer.body)}`)
  return answer.body.result
}

async function client(which: RelayClient, how: { says?: Says; capabilities?: Record<string, unknown> } = {}) {
  const token = await portal.userToken(`${which.replaceAll(' ', '-')}@acme.test`)
  const made = await openRelayClient(which, { url: `${portal.url}/mcp`, token, ...how })
  open.push(made)
  return made
}

const questions = async (method: string): Promise<AuditRow[]> => {
  const query = new URLSearchParams({ method, limit: '20', phase: 'ended' })
  return must('GET', `${MCP}/logs?${query}`)
}

describe.each(RELAY_CLIENTS)('%s', (which) => {
  describe.each(SERVERS)('and a server that is %s', (server) => {
    // [RELAY-1]
    test('a person is asked by form, in the name of the server, and the call goes on with what they said', async () => {
      const ann = await client(which)
      const answer = await ann.call(`${server}_test_input_required_result_elicitation`)
      expect(answer).toEqual({ isError: false, text: 'Hello, Ann!' })
      expect(ann.asked).toHaveLength(1)
      expect(ann.asked[0]?.params.message).toBe(`${server} asks: What is your name?`)
    })

    // [RELAY-1]
    test('a no is a no, and the server hears it', async () => {
      const ann = await client(which, { says: () => ({ action: 'decline' }) })
      const answer = await ann.call(`${server}_test_elicitation`, { message: 'May I?' })
      expect(answer.text).toContain('action=decline')
    })

    // [RELAY-1]
    test('the model of the client is asked', async () => {
      const ann = await client(which)
      const answer = await ann.call(`${server}_test_sampling`, { prompt: 'Capital?' })
      expect(answer).toEqual({ isError: false, text: 'LLM response: Paris' })
    })

    // [RELAY-1]
    test('the client is asked where it works', async () => {
      const ann = await client(which)
      const answer = await ann.call(`${server}_test_input_required_result_list_roots`)
      expect(answer).toEqual({ isError: false, text: 'Client roots: file:///srv/app' })
    })

    // [RELAY-1]
    test('three are asked at once, and several times in turn', async () => {
      const ann = await client(which)
      const all = await ann.call(`${server}_test_input_required_result_multiple_inputs`)
      expect(all).toEqual({ isError: false, text: 'Paris Ann, with roots file:///srv/app' })
      const rounds = await ann.call(`${server}_test_input_required_result_multi_round`)
      expect(rounds).toEqual({ isError: false, text: 'Ann likes blue' })
    })

    // [RELAY-1]
    test('a prompt may ask too', async () => {
      const ann = await client(which)
      await ann.prompt(`${server}_test_input_required_result_prompt`)
      expect(ann.asked).toHaveLength(1)
    })

    // [RELAY-2]
    test('nothing is declared that the client cannot do', async () => {
      const mute = await client(which, { capabilities: {} })
      const none = await mute.call(`${server}_test_input_required_result_capabilities`)
      expect(none.text).toBe('There is nobody to ask')
      const models = await client(which, { capabilities: { roots: {} } })
      await models.call(`${server}_test_input_required_result_capabilities`)
      expect(models.asked.map(({ method }) => method)).toEqual(['roots/list'])
    })

    // [RELAY-3]
    test('nor what an admin switched off, from the next call on', async () => {
      const ann = await client(which)
      await must('PUT', `${MCP}/servers/${server}`, { relay: { sampling: false, roots: false } })
      try {
        await ann.call(`${server}_test_input_required_result_capabilities`)
        expect(ann.asked.map(({ method }) => method)).toEqual(['elicitation/create'])
        await must('PUT', `${MCP}/servers/${server}`, { relay: { elicitation: false, sampling: false, roots: false } })
        expect((await ann.call(`${server}_test_input_required_result_capabilities`)).text).toBe(
          'There is nobody to ask',
        )
      } finally {
        await must('PUT', `${MCP}/servers/${server}`, { relay: { elicitation: true, sampling: true, roots: true } })
      }
    })

    // [RELAY-6]
    test('the audit has each question, as part of its call, and whether it was answered', async () => {
      const ann = await client(which)
      const before = (await questions('sampling/createMessage')).length
      await ann.call(`${server}_test_sampling`, { prompt: 'Capital?' })
      const rows = await questions('sampling/createMessage')
      expect(rows.length).toBeGreaterThan(before > 18 ? 0 : before)
      expect(rows[0]).toMatchObject({ outcome: 'answered', server, capability: `${server}_test_sampling` })
      expect(rows[0]?.parent).toBeDefined()
      expect(JSON.stringify(rows)).not.toContain('Paris')
    })
  })
})
