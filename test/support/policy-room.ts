/**
 * A real portal over three real servers, whose policies are replaced as a whole and at once, so that no stream sees anything in
 * between. They are written straight into the store: also what no API would take.
 */
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../src/base/clock.ts'
import type { PolicyId } from '../../src/base/ids.ts'
import { silentLog } from '../../src/base/log.ts'
import { insertPolicy } from '../../src/policy/policy-store.ts'
import { openStore, type Store, type Trx } from '../../src/store/open.ts'
import { freshPostgres } from '../databases.ts'
import { startTestPortal, type TestPortal } from '../portal.ts'
import { bearer, type RawCaller } from '../raw-mcp.ts'
import type { Caller, Rule, RuleSet } from './naive-policy.ts'
import { startWitness, type Witness } from './witness.ts'

export const SERVERS = ['alpha', 'beta', 'gamma'] as const
const MCP = '/access/ai-controls/mcp'

export interface PolicyRoom {
  portal: TestPortal
  witnesses: readonly Witness[]
  store: Store
  /** Resolves when the portal decides by them. */
  rewrite(rules: RuleSet): Promise<void>
  /** A person by e-mail address, or a service token by name. */
  caller(name: string): Promise<TestCaller>
  /** Everything that reached any server since the last time, in alphabetical order. */
  taken(): string[]
  close(): Promise<void>
}

export interface TestCaller extends Caller {
  name: string
  raw: RawCaller
}

/** `write` of beta has the alias `put`; `wipe` of gamma is switched off. */
export async function openPolicyRoom(): Promise<PolicyRoom> {
  const database = await freshPostgres(process.env.PORTICO_TEST_TEMPLATE)
  const dir = await mkdtemp(join(tmpdir(), 'portico-policies-'))
  const portal = await startTestPortal({ databaseUrl: database.url })
  const witnesses = await Promise.all(SERVERS.map(startWitness))
  await portal.furnish(witnesses.map(({ id, url }) => ({ id, url })))
  await portal.api('PUT', `${MCP}/servers/beta`, { updated_tools: [{ name: 'write', alias: 'put' }] })
  await portal.api('PUT', `${MCP}/servers/gamma`, { updated_tools: [{ name: 'wipe', enabled: false }] })
  const store = await openStore({ dir, databaseUrl: database.url, clock: systemClock, log: silentLog })
  return {
    ...{ portal, witnesses, store },
    async rewrite(rules) {
      await store.write((trx) => writeRules(store, trx, rules))
      // Any write of the portal's own makes it look, and waits until it has followed.
      await portal.userToken('somebody@acme.test')
    },
    async caller(name) {
      if (name.includes('@')) return { name, kind: 'user', email: name, raw: bearer(await portal.userToken(name)) }
      const { client_id, client_secret } = await portal.serviceToken(name)
      const credentials = { 'cf-access-client-id': client_id, 'cf-access-client-secret': client_secret }
      return { name, kind: 'service', email: null, raw: { credentials } }
    },
    taken: () => witnesses.flatMap(({ id, reached }) => reached.splice(0).map((one) => `${id}: ${one}`)).sort(),
    async close() {
      await store.close()
      await portal.close()
      await Promise.all(witnesses.map((one) => one.stop()))
      await database.drop()
      await rm(dir, { recursive: true, force: true })
    },
  }
}

async function writeRules(store: Store, trx: Trx, { portal, servers }: RuleSet): Promise<void> {
  await trx.deleteFrom('policies').execute()
  const policies = await insertAll(store, trx, portal)
  await trx.updateTable('portals').set({ policies }).where('id', '=', 'default').execute()
  for (const id of SERVERS) {
    const own = servers[id] ?? null
    const policies = own === null ? 'null' : await insertAll(store, trx, own)
    await trx.updateTable('servers').set({ policies }).where('id', '=', id).execute()
  }
  await store.versions.bump(trx, 'policies')
}

async function insertAll(store: Store, trx: Trx, rules: readonly Rule[]): Promise<string> {
  const ids: PolicyId[] = []
  for (const { decision, include, require, exclude, capabilities } of rules) {
    const id = randomUUID() as PolicyId
    const extra = capabilities === null ? {} : { capabilities }
    const content = { id, name: id, decision: decision as 'deny', include, require, exclude, extra }
    ids.push(await insertPolicy(store, trx, content, { label: 'test', origin: 'api' }))
  }
  return JSON.stringify(ids)
}
