/** The organisation's rules for clients, in memory: read anew when somebody changes them, here or on another replica. */
import type { Db, Store, Trx } from '../../../store/open.ts'
import { readSetting, writeSetting } from '../../../store/settings-store.ts'
import { type ClientPolicy, parsePolicy } from './policy.ts'

const KEY = 'oauth_configuration'

export interface ClientPolicyKeeper {
  /** Null where nobody made rules. */
  current(): ClientPolicy | null
  close(): void
}

export async function openClientPolicy(store: Store): Promise<ClientPolicyKeeper> {
  let current: ClientPolicy | null = null
  const read = async () => {
    current = await readClientPolicy(store.db)
  }
  const stop = store.versions.changed('identity', read)
  await read()
  return { current: () => current, close: stop }
}

export async function readClientPolicy(db: Db): Promise<ClientPolicy | null> {
  return parsePolicy((await readSetting(db, KEY)) ?? null)
}

export async function saveClientPolicy(store: Store, trx: Trx, policy: ClientPolicy): Promise<void> {
  await writeSetting(trx, KEY, JSON.stringify(policy))
  await store.versions.bump(trx, 'identity')
}
