/** What the organisation has settled about signing in, in memory: read anew when somebody changes it, here or on another replica. */
import type { Log } from '../base/log.ts'
import type { Db, Store, Trx } from '../store/open.ts'
import { readSetting, writeSetting } from '../store/settings-store.ts'

export interface Organization {
  /** Shown to people beside the portal's name. */
  name: string
  /** How long a browser stays signed in, in milliseconds. */
  sessionLifetime: number
  /** How long a client can renew what it was given without its person, in milliseconds. */
  grantLifetime: number
  /** In milliseconds. */
  accessTokenLifetime: number
  /** A bot whose token is bad is told just that: the answer does not send it to sign in. The other rules of strictness always hold. */
  strictServiceTokenAuth: boolean
  /** Passwords that the portal itself keeps, and PINs by mail. */
  localSignIn: 'on' | 'off'
  /** How long a replaced key for assertions is still published, in milliseconds; and how often keys are replaced. */
  keyRotation: number
  /** What becomes of service tokens that nobody uses and no policy names. */
  serviceTokenInactivity: ServiceTokenInactivity
  /** What the REST API was told and keeps for whoever reads it back. It decides nothing. */
  extra: Readonly<Record<string, unknown>>
}

export interface ServiceTokenInactivity {
  enabled: boolean
  /** 30 to 365. */
  thresholdDays: number
  action: 'disable' | 'delete'
}

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE

export const ORGANIZATION: Organization = {
  name: 'Portico',
  sessionLifetime: DAY,
  grantLifetime: 14 * DAY,
  accessTokenLifetime: 15 * MINUTE,
  strictServiceTokenAuth: true,
  localSignIn: 'on',
  keyRotation: 42 * DAY,
  serviceTokenInactivity: { enabled: false, thresholdDays: 90, action: 'disable' },
  extra: {},
}

const KEY = 'organization'

export interface OrganizationKeeper {
  current(): Organization
  close(): void
}

export async function openOrganization(store: Store, log: Log): Promise<OrganizationKeeper> {
  let current = await readOrganization(store.db)
  const stop = store.versions.changed('identity', async () => {
    current = await readOrganization(store.db)
    log.debug('the settings of the organisation were read anew')
  })
  return { current: () => current, close: stop }
}

/** What was never settled is as `ORGANIZATION` says. */
export async function readOrganization(db: Db): Promise<Organization> {
  const text = await readSetting(db, KEY)
  return { ...ORGANIZATION, ...(text === undefined ? {} : (JSON.parse(text) as Partial<Organization>)) }
}

/** @param changes what is not named stays */
export async function changeOrganization(
  store: Store,
  trx: Trx,
  changes: Partial<Organization>,
): Promise<Organization> {
  const next = { ...(await readOrganization(trx)), ...changes }
  await writeSetting(trx, KEY, JSON.stringify(next))
  await store.versions.bump(trx, 'identity')
  return next
}
