/**
 * What an empty store is given, once: the portal `default` with two policies that everyone can see and change, and an owner
 * token in a file that only its owner can read. What an admin deletes later is never made again.
 */
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type DeedId, newId, type PolicyId, type PortalId } from '../base/ids.ts'
import { digest, newSecret } from '../base/secret.ts'
import { insertApiToken, listApiTokens } from '../identity/api-token-store.ts'
import { insertPolicy, type PolicyContent } from '../policy/policy-store.ts'
import { insertPortal, listPortals } from '../portal/portal-store.ts'
import type { Author } from '../store/columns.ts'
import type { Db, Trx } from '../store/open.ts'
import { claimSetting, readSetting } from '../store/settings-store.ts'
import type { AdminDeps } from './deps.ts'

type Needs = Pick<AdminDeps, 'store' | 'audit' | 'clock' | 'log'>

export interface FirstStart {
  /** The file with the owner token, if this start made it. */
  tokenFile: string | null
}

/** Who made what an empty store is given, by name. */
export const FIRST_START = 'first start'
const AUTHOR: Author = { label: FIRST_START, origin: 'api' }
const MARK = 'first_start'

const POLICIES: readonly PolicyContent[] = [
  {
    name: 'Everyone who is signed in',
    decision: 'allow',
    include: [{ everyone: {} }],
    exclude: [],
    require: [],
    extra: {},
  },
  {
    name: 'Any valid service token',
    decision: 'non_identity',
    include: [{ any_valid_service_token: {} }],
    exclude: [],
    require: [],
    extra: {},
  },
]

/**
 * Call it at every start, after what the file declares was applied.
 *
 * @param data the data directory, where `admin-token` is written
 */
export async function prepareFirstStart(needs: Needs, data: string): Promise<FirstStart> {
  if (!(await isDue(needs))) return { tokenFile: null }
  const entry = await needs.audit.begin({
    deed: newId<DeedId>(needs.clock.now()),
    plane: 'admin',
    actor: { kind: 'system', id: 'first-start', label: AUTHOR.label },
    method: 'first start',
  })
  const made = await needs.store
    .write(async (trx) => {
      // Several replicas may start at once: the others wait here for the first, and then see that it is done.
      const first = await claimSetting(trx, MARK, String(needs.clock.now()))
      const portal = first && (await makeDefaultPortal(needs, trx))
      return { portal, tokenFile: await makeOwnerToken(needs, trx, data) }
    })
    .catch(async (error: unknown) => {
      await entry.finish({ outcome: 'failed', error: 'first-start' })
      throw error
    })
  const fields = [...(made.portal ? ['portal', 'policies'] : []), ...(made.tokenFile === null ? [] : ['api_token'])]
  await entry.finish({ outcome: 'answered', decision: 'allow', change: { object: 'first_start', id: MARK, fields } })
  return { tokenFile: made.tokenFile }
}

async function isDue({ store }: Needs): Promise<boolean> {
  return (await readSetting(store.db, MARK)) === undefined || !(await hasOwner(store.db))
}

/**
 * The API never takes the last owner token that lasts; a restored backup does, since it ends every token of before. Whoever may start
 * the program with its data then gets a new one.
 */
async function hasOwner(db: Db): Promise<boolean> {
  return (await listApiTokens(db)).some(
    ({ role, scopes, expiresAt, revokedAt }) =>
      role === 'owner' && scopes.length === 0 && expiresAt === null && revokedAt === null,
  )
}

async function makeDefaultPortal({ store }: Needs, trx: Trx): Promise<boolean> {
  if ((await listPortals(trx)).length > 0) return false
  const policies: PolicyId[] = []
  for (const policy of POLICIES) policies.push(await insertPolicy(store, trx, policy, AUTHOR))
  const portal = {
    id: 'default' as PortalId,
    hostname: 'localhost',
    name: 'Default portal',
    description: null,
    codeMode: 'opt_in' as const,
    secureWebGateway: false,
    policies,
    serviceTokenHeader: null,
    mappings: [],
  }
  await insertPortal(store, trx, portal, AUTHOR)
  return true
}

/** Written before the commit: a token that nobody can read must not exist. */
async function makeOwnerToken({ store, log }: Needs, trx: Trx, data: string): Promise<string | null> {
  if (await hasOwner(trx)) return null
  const secret = newSecret('ptapi')
  const made = { name: 'owner', role: 'owner' as const, scopes: [], createdBy: AUTHOR.label, expiresAt: null }
  await insertApiToken(store, trx, { ...made, digest: digest(secret) })
  const path = join(data, 'admin-token')
  // A new file, whatever stood there: an old one keeps its mode, and a link would be written through.
  rmSync(path, { force: true })
  writeFileSync(path, `${secret}\n`, { mode: 0o600, flag: 'wx' })
  log.info({ path }, 'an owner token was made; it is in this file and nowhere else')
  return path
}
