/**
 * From a credential that is about to die to the receiver of a webhook: the keeper that looks after shared credentials, a real
 * authorization server, the outbox and the audit, wired as the program wires them, on a clock that moves.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Audit } from '../../src/audit/event.ts'
import { openAudit } from '../../src/audit/log.ts'
import { connectionNotice } from '../../src/audit/webhooks/notice.ts'
import { type Notices, openNotices } from '../../src/audit/webhooks/notices.ts'
import { insertWebhook } from '../../src/audit/webhooks/webhook-store.ts'
import type { Egress } from '../../src/base/egress.ts'
import { silentLog } from '../../src/base/log.ts'
import { ownerOfUser } from '../../src/upstream/connections/connection-store.ts'
import { type Keeper, openKeeper } from '../../src/upstream/connections/keeper.ts'
import type { KeptServer } from '../../src/upstream/connections/resolve.ts'
import { openOauthWays } from '../../src/upstream/oauth/ways.ts'
import { DATABASE_KINDS } from '../databases.ts'
import { TEST_KEYS } from '../keys.ts'
import { type KeeperRoom, openKeeperRoom, SEALER } from '../support/keeper-room.ts'
import { localEgress } from '../upstream-room.ts'
import { type Receiver, startReceiver } from '../webhook-room.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR

describe.each(DATABASE_KINDS)('on %s', (kind) => {
  let room: KeeperRoom
  let setup: KeptServer
  let audit: Audit
  let egress: Egress
  let notices: Notices
  let keeper: Keeper
  let receiver: Receiver

  beforeEach(async () => {
    room = await openKeeperRoom(kind)
    setup = await room.add('ledger', 'browser')
    receiver = await startReceiver()
    const { store, clock, at } = room
    const sealer = SEALER
    const log = silentLog
    const { dir, databaseUrl } = at
    audit = await openAudit({
      ...{ dir, databaseUrl, durability: 'process', retentionDays: 90, keys: TEST_KEYS, clock, log },
    })
    egress = localEgress()
    notices = openNotices({ store, sealer, egress, clock, log, audit })
    keeper = openKeeper({
      ...{ store, sealer, clock, log, assertionFor: null },
      ways: openOauthWays({ store, sealer, clock, egress, issuer: () => 'http://127.0.0.1:8787' }),
      targetOf: (uid) => (uid === setup.record.uid ? (setup.target ?? undefined) : undefined),
      notify: (event) => notices.tell(connectionNotice(event, clock.now())),
    })
    const hook = { name: 'On call', url: receiver.url, events: [], enabled: true, allowPrivate: [receiver.place] }
    const author = { label: 'ada', origin: 'api' as const }
    await store.write((trx) => insertWebhook({ store, trx, sealer, author }, hook))
  })
  afterEach(async () => {
    keeper.close()
    await notices.close()
    await audit.close()
    await room.end()
    await egress.close()
    await receiver.close()
  })

  /** A minute of the program’s life. */
  async function minute(): Promise<void> {
    await keeper.upkeep()
    await notices.send()
  }
  const told = () => receiver.received.map(({ body }) => JSON.parse(body))
  const deeds = async () =>
    (await audit.query({ plane: 'admin', phase: 'ended', limit: 100 })).map(({ method, change }) => [method, change])

  // [NOTICE-8]
  test('admins are told a week before a shared credential that only a person can renew ends, once, and when it is good again', async () => {
    const { id } = await room.connect(setup, 'admin', { refresh: false, seconds: (60 * DAY) / 1000 })
    room.clock.move(53 * DAY - HOUR)
    await minute()
    expect(told()).toEqual([])
    room.clock.move(2 * HOUR)
    await minute()
    await minute()
    const data = { server: { id: 'ledger', name: 'ledger' }, connection: { id, owner: 'admin' }, reason: null }
    const row = await room.row(setup, 'admin')
    const expires_at = new Date(row?.record.expiresAt ?? 0).toISOString()
    expect(told()).toMatchObject([{ type: 'connection.expiring', data: { ...data, expires_at } }])
    expect(await deeds()).toEqual([['connection.expiring', { object: 'connection', id, fields: [] }]])
    expect(Date.parse(expires_at) - room.clock.now()).toBeGreaterThan(6 * DAY)

    const again = await room.connect(setup, 'admin', { refresh: false, seconds: (60 * DAY) / 1000 })
    room.clock.move(1000)
    await minute()
    expect(told().slice(1)).toMatchObject([{ type: 'connection.ready', data: { connection: { id: again.id } } }])
  })

  // [NOTICE-8]
  test('admins are told when an authorization server does not know a shared credential any more', async () => {
    const { id } = await room.connect(setup, 'admin')
    room.server.revokeGrant('admin')
    room.clock.move(0.9 * HOUR)
    await minute()
    await minute()
    expect(told()).toMatchObject([
      { type: 'connection.needs_reauth', data: { connection: { id, owner: 'admin' }, reason: 'revoked' } },
    ])
    expect(await deeds()).toEqual([['connection.needs_reauth', { object: 'connection', id, fields: ['revoked'] }]])
    const text = receiver.received.map(({ body }) => body).join()
    const tokens = (await room.row(setup, 'admin'))?.tokens
    for (const secret of [tokens?.access, tokens?.refresh]) if (secret) expect(text).not.toContain(secret)
  })

  test('what becomes of a person’s own credential is told to no webhook', async () => {
    const ada = await room.person('ada')
    await room.connect(setup, ownerOfUser(ada.id))
    room.server.revokeGrant(ownerOfUser(ada.id))
    room.clock.move(0.9 * HOUR)
    await expect(async () => keeper.resolve(setup, ada, true)).rejects.toMatchObject({ need: 'reconnect' })
    await minute()
    expect(told()).toEqual([])
    expect(await deeds()).toEqual([])
  })
})
