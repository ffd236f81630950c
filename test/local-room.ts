/** Signing in at the portal itself, with everything that stands behind it for real: store, audit, browsers, and a mail server. */

import type { Audit } from '../src/audit/event.ts'
import { openAudit } from '../src/audit/log.ts'
import { systemClock } from '../src/base/clock.ts'
import { silentLog } from '../src/base/log.ts'
import { openMac, openSealer } from '../src/base/secret.ts'
import { openBrowserSessions } from '../src/identity/browser-session-store.ts'
import { openLocal } from '../src/identity/local/local.ts'
import { createLocalAccount } from '../src/identity/local/local-account-store.ts'
import { openMailer } from '../src/identity/local/mailer.ts'
import type { Local, LocalNeeds, Visitor } from '../src/identity/local/model.ts'
import { openPasswords } from '../src/identity/local/password.ts'
import { openOrganization } from '../src/identity/organization.ts'
import type { Store } from '../src/store/open.ts'
import { type DatabaseKind, freshStore, type TestStore } from './databases.ts'
import { SMALL_JOURNAL, TEST_KEYS } from './keys.ts'
import { type Mailbox, openMailbox } from './support/mailbox.ts'
import { localEgress } from './upstream-room.ts'

export const PASSWORD = 'correct horse battery staple'
export const VISITOR: Visitor = { clientIp: '192.0.2.7', userAgent: 'Browser of a test', previous: null }
const ISSUER = 'https://portal.acme.test'

export interface LocalRoom {
  at: TestStore
  store: Store
  audit: Audit
  needs: LocalNeeds
  local: Local
  mailbox: Mailbox
  /** Moves the clock. */
  move(ms: number): void
  /** A second replica on the same database. */
  again(): Promise<Local>
  account(email: string, name?: string): Promise<string>
  end(): Promise<void>
}

/** @param n the cost of a password, less than usual: nothing is kept safe here */
export async function openLocalRoom(
  kind: DatabaseKind,
  more: Partial<LocalNeeds> = {},
  n = 2 ** 10,
): Promise<LocalRoom> {
  let ahead = 0
  const clock = { now: () => systemClock.now() + ahead, elapsed: () => systemClock.elapsed() }
  const at = await freshStore(kind, clock)
  const { store, dir, databaseUrl } = at
  const log = silentLog
  const audit = await openAudit({
    ...{ dir, databaseUrl, durability: 'process', retentionDays: 90, keys: TEST_KEYS, clock, log },
    journal: SMALL_JOURNAL,
  })
  const mailbox = await openMailbox({ disabledCommands: ['STARTTLS', 'AUTH'] })
  const egress = localEgress()
  const mail = { host: '127.0.0.1', port: mailbox.port, user: null, password: null, from: 'portal@acme.test' }
  const closers: (() => Promise<void> | void)[] = []
  const needsOn = async (on: Store): Promise<LocalNeeds> => {
    const organization = await openOrganization(on, log)
    closers.push(() => organization.close())
    return {
      ...{ store: on, audit, clock, log, organization, issuer: () => ISSUER, mayReceive: () => true },
      ...{ sealer: openSealer(TEST_KEYS, 'store'), mac: openMac(TEST_KEYS, 'pin'), passwords: openPasswords(n) },
      browsers: openBrowserSessions(on, () => ISSUER),
      mailer: openMailer({ ...mail, tls: 'none' }, egress, log),
      ...more,
    }
  }
  const needs = await needsOn(store)
  const local = await openLocal(needs)
  closers.push(() => local.close())
  return {
    ...{ at, store, audit, needs, local, mailbox },
    move: (ms) => {
      ahead += ms
    },
    async again() {
      const other = await at.again()
      closers.push(() => other.close())
      const replica = await openLocal(await needsOn(other))
      closers.push(() => replica.close())
      return replica
    },
    async account(email, name = 'Ada') {
      const passwordHash = await needs.passwords.hash(PASSWORD)
      return store.write((trx) => createLocalAccount(store, trx, { email, name, passwordHash }))
    },
    async end() {
      for (const close of closers.reverse()) await close()
      await mailbox.close()
      await egress.close()
      await audit.close()
      await at.end()
    },
  }
}
