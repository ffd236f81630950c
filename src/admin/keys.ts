/** `/access/keys`: the keys that sign who calls. No key itself is shown here; the public ones are at `/cdn-cgi/access/certs`. */
import type { KeysShown, KeysUpdate } from '../contract/keys.ts'
import { listSigningKeys } from '../identity/assertions/key-store.ts'
import { replaceSigningKey } from '../identity/assertions/keys.ts'
import { changeOrganization, readOrganization } from '../identity/organization.ts'
import type { AdminDeps } from './deps.ts'
import type { Call, Outcome } from './route.ts'
import { shownTime } from './times.ts'

const DAY = 24 * 3_600_000

export async function getKeys({ deps }: Call): Promise<Outcome> {
  return { result: await show(deps) }
}

export async function updateKeys({ deps, body }: Call<KeysUpdate>): Promise<Outcome> {
  const keyRotation = body.key_rotation_interval_days * DAY
  await deps.store.write((trx) => changeOrganization(deps.store, trx, { keyRotation }))
  return {
    result: await show(deps),
    change: { object: 'signing_keys', id: 'signing_keys', fields: ['key_rotation_interval_days'] },
  }
}

export async function rotateKeys({ deps }: Call): Promise<Outcome> {
  await replaceSigningKey(deps, () => true)
  return { result: await show(deps), change: { object: 'signing_keys', id: 'signing_keys', fields: ['keys'] } }
}

async function show({ store, clock }: Pick<AdminDeps, 'store' | 'clock'>): Promise<KeysShown> {
  const { keyRotation } = await readOrganization(store.db)
  const newest = (await listSigningKeys(store.db)).at(-1)
  const left = newest === undefined ? keyRotation : newest.createdAt + keyRotation - clock.now()
  return {
    key_rotation_interval_days: keyRotation / DAY,
    ...(newest === undefined ? {} : { last_key_rotation_at: shownTime(newest.createdAt) }),
    days_until_next_rotation: Math.max(0, Math.ceil(left / DAY)),
  }
}
