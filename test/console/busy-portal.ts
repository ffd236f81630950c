/** A portal in use: servers that are well and one that is not, rules, people, tokens, and calls that were answered and refused. */
import { startLedger } from '../peers/ledger.ts'
import { startEverythingHttp } from '../peers/servers.ts'
import type { TestPortal } from '../portal.ts'
import { ask2026, bearer } from '../raw-mcp.ts'

const MCP = '/access/ai-controls/mcp'

/** @returns what ends the servers behind it */
export async function furnishBusy(portal: TestPortal): Promise<() => Promise<void>> {
  const [ledger, everything, gone] = await Promise.all([startLedger(), startEverythingHttp(), startLedger()])
  await gone.stop()
  const must = async (method: string, path: string, body: unknown): Promise<{ id: string }> => {
    const answer = await portal.api<{ id: string }>(method, path, body)
    if (!answer.body.success) throw new Error(`${method} ${path}: ${JSON.stringify(answer.body)}`)
    return answer.body.result
  }
  const server = (id: string, name: string, hostname: string) =>
    must('POST', `${MCP}/servers`, { id, name, hostname, auth_type: 'unauthenticated' })
  await server('ledger', 'Ledger', ledger.url)
  await server('everything', 'Everything', everything.url)
  await server('billing', 'Billing', gone.url)
  for (const id of ['ledger', 'everything', 'billing']) await portal.api('POST', `${MCP}/servers/${id}/sync`)
  const rows = ['handbook', 'ledger', 'everything', 'billing'].map((id) => ({ server_id: id }))
  await must('PUT', `${MCP}/portals/default`, { servers: rows })
  await must('POST', `${MCP}/portals`, { id: 'research', name: 'Research', hostname: 'research.acme.test' })
  const group = await must('POST', '/access/groups', {
    name: 'Contractors',
    include: [{ email_domain: { domain: 'contractor.test' } }],
  })
  const policy = await must('POST', '/access/policies', {
    name: 'Contractors post nothing',
    decision: 'deny',
    include: [{ group: { id: group.id } }],
    capabilities: [{ servers: ['ledger'], names: ['post'] }],
  })
  const { body } = await portal.api<{ policies: string[] }>('GET', `${MCP}/portals/default`)
  await must('PUT', `${MCP}/portals/default`, { policies: [...body.result.policies, policy.id] })
  await portal.serviceToken('Nightly report')
  await call(portal, await portal.userToken('ada@acme.test'))
  await call(portal, await portal.userToken('bob@contractor.test'))
  return async () => {
    await Promise.all([ledger.stop(), everything.stop()])
  }
}

async function call(portal: TestPortal, token: string): Promise<void> {
  const ask = (name: string, args: object) =>
    ask2026(`${portal.url}/mcp`, bearer(token), 'tools/call', { name, arguments: args })
  for (let i = 0; i < 4; i++) await ask('ledger_count', {})
  await ask('ledger_post', { entry: 'rent' })
  await ask('everything_echo', { message: 'hello' })
  await ask('ledger_burn', {})
}
