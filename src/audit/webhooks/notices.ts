/**
 * Tells admins what happened: a line in the log, a deed in the audit, and a delivery to each webhook that wants it. What is to be
 * delivered is written down before `tell` returns and sent in the background, by whichever replica comes first, until it arrives or is
 * given up. Each webhook has a lane of its own: one that is slow or dead holds up nobody else's.
 */

import type { Clock } from '../../base/clock.ts'
import { type DeedId, newId } from '../../base/ids.ts'
import type { Log } from '../../base/log.ts'
import { WEBHOOK_EVENTS } from '../../contract/webhook.ts'
import { isDatabaseDown } from '../../store/trouble.ts'
import type { Audit, DeedEnd, DeedStart } from '../event.ts'
import {
  type Delivery,
  enqueue,
  forgetDeliveries,
  giveUpWaiting,
  listDueWebhooks,
  markDelivered,
  markFailed,
  putBack,
  readWaiting,
  takeDue,
} from './delivery-store.ts'
import type { ApprovalNotice, ConnectionNotice, Notice } from './notice.ts'
import { type SendRooms, type Sent, send } from './send.ts'
import { readWebhook, switchOffWebhook, type WebhookRecord } from './webhook-store.ts'

export interface NoticesDeps extends SendRooms {
  clock: Clock
  log: Log
  audit: Pick<Audit, 'begin'>
}

export interface NoticeFigures {
  /** By what became of a try; `crowded` were given up untried, for want of room. */
  deliveries: { delivered: number; failed: number; given_up: number; crowded: number }
  /** Of all replicas, as last seen. */
  waiting: number
}

export interface Notices {
  /**
   * @returns when it stands in the audit and in the outbox
   * @throws Fault `audit-unavailable`; then nobody was told
   */
  tell(notice: Notice): Promise<void>
  /** Sends what is due now; resolves when nothing of it is under way here any more. It runs by itself, too. */
  send(): Promise<void>
  /** Deletes deliveries of more than 30 days ago. To be called once an hour. @returns how many */
  forget(): Promise<number>
  figures(): NoticeFigures
  /** Breaks off what is under way, which another replica or the next start sends again. */
  close(): Promise<void>
}

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
/** Before each new try; after the last one it is given up. */
export const BACK_OFF_MS: readonly number[] = [
  ...[5 * SECOND, 30 * SECOND, 2 * MINUTE, 10 * MINUTE, 30 * MINUTE],
  ...[2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR],
]
/** Each is longer or shorter by as much, so that what failed together does not come back together. */
const JITTER = 0.1
/** How soon it is noticed what another replica left undone. */
const LOOK_MS = 15_000
/** To one receiver at once. */
const MOST_AT_ONCE = 4

export function openNotices(deps: NoticesDeps): Notices {
  const outbox = new Outbox(deps)
  outbox.start()
  return outbox
}

interface Lane {
  /** More may have come since it last looked. */
  again: boolean
  done: Promise<void>
}

class Outbox implements Notices {
  readonly #deps: NoticesDeps
  readonly #lanes = new Map<string, Lane>()
  readonly #closing = new AbortController()
  readonly #figures: NoticeFigures = {
    deliveries: { delivered: 0, failed: 0, given_up: 0, crowded: 0 },
    waiting: 0,
  }
  #looking: Promise<void> = Promise.resolve()
  #timer: NodeJS.Timeout | undefined
  #unfollow: (() => void) | undefined

  constructor(deps: NoticesDeps) {
    this.#deps = deps
  }

  /** What waits since the last start is sent now. */
  start(): void {
    // The write that told must not wait for the sending.
    this.#unfollow = this.#deps.store.versions.changed('webhooks', () => void this.#look())
    void this.#look()
  }

  async tell(notice: Notice): Promise<void> {
    const { store, clock, log } = this.#deps
    const { type, data } = notice
    const { level, facts, actor, change } = type === 'approval.requested' ? ofApproval(notice) : ofConnection(notice)
    log[level]({ event: type, server: data.server.id, ...facts }, WEBHOOK_EVENTS[type])
    const deed = newId<DeedId>(clock.now())
    const by = { kind: 'system', id: actor, label: 'Portico' } as const
    await this.#recorded({ deed, plane: 'admin', actor: by, method: type, server: data.server.id }, async () => {
      const crowded = await store.write((trx) => enqueue(store, trx, notice))
      this.#figures.deliveries.crowded += crowded
      if (crowded > 0) log.warn({ crowded }, 'too many deliveries wait for a webhook; the oldest were given up')
      return { outcome: 'answered', change }
    })
  }

  async send(): Promise<void> {
    await this.#look()
    await Promise.all([...this.#lanes.values()].map(({ done }) => done))
    // A lane that ends looks once more.
    await this.#looking
  }

  forget(): Promise<number> {
    return forgetDeliveries(this.#deps.store)
  }

  figures(): NoticeFigures {
    return { deliveries: { ...this.#figures.deliveries }, waiting: this.#figures.waiting }
  }

  async close(): Promise<void> {
    this.#unfollow?.()
    this.#closing.abort()
    clearTimeout(this.#timer)
    await this.#looking
    await Promise.all([...this.#lanes.values()].map(({ done }) => done))
  }

  /** One look after the other, each from the start: what was written before the call is seen. */
  #look(): Promise<void> {
    this.#looking = this.#looking.then(() => this.#lookOnce())
    return this.#looking
  }

  async #lookOnce(): Promise<void> {
    const { store, clock, log } = this.#deps
    if (this.#closing.signal.aborted) return
    clearTimeout(this.#timer)
    let pause = LOOK_MS
    try {
      for (const id of await listDueWebhooks(store.db, clock.now())) this.#openLane(id)
      const { nextAt, count } = await readWaiting(store.db)
      this.#figures.waiting = count
      if (nextAt !== null) pause = Math.min(LOOK_MS, Math.max(SECOND, nextAt - clock.now()))
    } catch (error) {
      // What must not be lost is written down; the next look is seconds away.
      log.warn({ err: error }, 'could not look for webhook deliveries that are due')
    }
    if (this.#closing.signal.aborted) return
    this.#timer = setTimeout(() => void this.#look(), pause)
    this.#timer.unref()
  }

  #openLane(id: string): void {
    const lane = this.#lanes.get(id)
    if (lane !== undefined) {
      lane.again = true
      return
    }
    const made: Lane = { again: false, done: Promise.resolve() }
    this.#lanes.set(id, made)
    made.done = this.#run(id, made)
  }

  async #run(id: string, lane: Lane): Promise<void> {
    const { store, log } = this.#deps
    try {
      while (!this.#closing.signal.aborted) {
        lane.again = false
        const taken = await takeDue(store, id, MOST_AT_ONCE)
        if (taken.length === 0 && !lane.again) break
        const webhook = await readWebhook(store.db, id)
        if (webhook === undefined) continue
        if (webhook.enabled) await Promise.all(taken.map((delivery) => this.#deliver(webhook, delivery)))
        // It was switched off while something was written down for it.
        else await store.write((trx) => giveUpWaiting(trx, id, 'switched-off'))
      }
      this.#lanes.delete(id)
      // When the next try is due is known only now.
      void this.#look()
    } catch (error) {
      // The next look is seconds away, and what was taken is due again when its time is over.
      this.#lanes.delete(id)
      log.warn({ err: error, webhook: id }, 'webhook deliveries could not be made and will be tried again')
    }
  }

  async #deliver(webhook: WebhookRecord, delivery: Delivery): Promise<void> {
    const { store } = this.#deps
    const { signal } = this.#closing
    const sent = await send(this.#deps, webhook, delivery, signal).catch((error: unknown) => {
      if (signal.aborted) return null
      throw error
    })
    if (sent === null) return putBack(store, delivery)
    if (sent.ok) {
      await markDelivered(store, delivery, sent.status)
      this.#figures.deliveries.delivered++
    } else if (sent.error === 'gone') await this.#switchOff(webhook, delivery, sent)
    else await this.#fail(delivery, sent)
  }

  async #fail(delivery: Delivery, sent: Sent & { ok: false }): Promise<void> {
    const { store, clock, log } = this.#deps
    const pause = BACK_OFF_MS[delivery.tries - 1]
    const nextAt = pause === undefined ? null : clock.now() + Math.max(jittered(pause), sent.restMs ?? 0)
    await markFailed(store.db, delivery, { ...sent, nextAt })
    const { id, webhook, type, tries } = delivery
    const facts = { webhook, delivery: id, event: type, tries, status: sent.status, error: sent.error }
    if (nextAt === null) {
      this.#figures.deliveries.given_up++
      log.warn(facts, 'a webhook delivery was given up')
    } else {
      this.#figures.deliveries.failed++
      log.info(facts, 'a webhook delivery failed and will be tried again')
    }
  }

  /** The receiver wants no more. */
  async #switchOff({ id, name }: WebhookRecord, delivery: Delivery, sent: Sent & { ok: false }): Promise<void> {
    const { store, clock, log } = this.#deps
    const start: DeedStart = {
      deed: newId<DeedId>(clock.now()),
      plane: 'admin',
      actor: { kind: 'system', id: 'webhooks', label: 'Portico' },
      method: 'switch off webhook',
      capability: name.slice(0, 256),
    }
    await this.#recorded(start, async () => {
      await store.write(async (trx) => {
        await markFailed(trx, delivery, { ...sent, nextAt: null })
        await switchOffWebhook(trx, id)
        await giveUpWaiting(trx, id, 'switched-off')
      })
      return { outcome: 'answered', change: { object: 'webhook', id, fields: ['enabled'] } }
    })
    this.#figures.deliveries.given_up++
    log.warn({ webhook: id }, 'a webhook was switched off: its receiver answered 410')
  }

  async #recorded(start: DeedStart, work: () => Promise<DeedEnd>): Promise<void> {
    const entry = await this.#deps.audit.begin(start)
    let end: DeedEnd
    try {
      end = await work()
    } catch (error) {
      await entry.finish({ outcome: 'failed', error: isDatabaseDown(error) ? 'store-unavailable' : 'bug' })
      throw error
    }
    await entry.finish(end)
  }
}

interface Facts {
  level: 'info' | 'warn'
  facts: Readonly<Record<string, string | null>>
  /** What of the portal says it. */
  actor: string
  change: NonNullable<DeedEnd['change']>
}

function ofConnection({ type, data: { connection, reason } }: ConnectionNotice): Facts {
  const { id, owner } = connection
  const change = { object: 'connection', id, fields: reason === null ? [] : [reason] }
  const level = type === 'connection.ready' ? 'info' : 'warn'
  return { level, facts: { connection: id, owner, reason }, actor: 'connections', change }
}

function ofApproval({ data: { approval, requester } }: ApprovalNotice): Facts {
  const change = { object: 'approval', id: approval.id, fields: ['requested'] }
  return { level: 'info', facts: { requester }, actor: 'approvals', change }
}

function jittered(ms: number): number {
  return Math.round(ms * (1 - JITTER + 2 * JITTER * Math.random()))
}
