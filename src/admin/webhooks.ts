/**
 * `/webhooks`: who is told of events by HTTP. The secret is answered at creation and at rotation, and never again. What the owner opened
 * inside the network is opened for one address: whoever changes the address of such a webhook opens another.
 */
import {
  type Delivery,
  giveUpWaiting,
  insertTaken,
  countWaiting as loadCounts,
  listDeliveries as loadDeliveries,
  markDelivered,
  markFailed,
  readDelivery,
} from '../audit/webhooks/delivery-store.ts'
import { isOpened, send } from '../audit/webhooks/send.ts'
import {
  deleteWebhook as dropWebhook,
  insertWebhook,
  listWebhooks as loadWebhooks,
  readWebhook,
  rotateWebhookSecret,
  type WebhookContent,
  type WebhookRecord,
  updateWebhook as writeWebhook,
} from '../audit/webhooks/webhook-store.ts'
import { type PageQuery, PER_PAGE_DEFAULT } from '../contract/envelope.ts'
import type { DeliveryShown, WebhookCreate, WebhookShown, WebhookUpdate } from '../contract/webhook.ts'
import type { Db } from '../store/open.ts'
import type { AdminDeps } from './deps.ts'
import { passAllowGate, refuseDestination } from './destination-gate.ts'
import { pageOf } from './paging.ts'
import { conflict, invalid, notFound, readOnly } from './refusal.ts'
import type { Call, Outcome } from './route.ts'
import { shownStamps, shownTime, shownTimeOrNull } from './times.ts'
import { writtenFields } from './written-fields.ts'

/** Each event is written down and sent once for each. */
const MOST_WEBHOOKS = 50

export async function listWebhooks({ deps, query }: Call<unknown, PageQuery>): Promise<Outcome> {
  const all = await loadWebhooks(deps.store.db)
  const named = query.name === undefined ? all : all.filter(({ name }) => name === query.name)
  const page = pageOf(named, query, ({ id, name, url }) => [id, name, url])
  const waiting = await loadCounts(deps.store.db)
  return { result: page.items.map((one) => show(one, waiting)), info: page.info }
}

export async function getWebhook({ deps, id }: Call): Promise<Outcome> {
  return { result: await shown(deps, id) }
}

export async function createWebhook({ deps, body, operator, author }: Call<WebhookCreate>): Promise<Outcome> {
  const { store, sealer } = deps
  const content = contentOf(body, { events: [], enabled: true, allowPrivate: [] })
  passAllowGate(operator, [], content.allowPrivate)
  refuseAddress(deps, content)
  const { id, secret } = await store.write(async (trx) => {
    if ((await loadWebhooks(trx)).length >= MOST_WEBHOOKS)
      throw conflict(`There are ${MOST_WEBHOOKS} webhooks, and no more are kept. Delete one first.`)
    return insertWebhook({ store, trx, sealer, author }, content)
  })
  return {
    result: { ...(await shown(deps, id)), secret },
    change: { object: 'webhook', id, fields: writtenFields(body) },
  }
}

export async function updateWebhook(call: Call<WebhookUpdate>): Promise<Outcome> {
  const { deps, id, body, operator, author } = call
  const { store } = deps
  await store.write(async (trx) => {
    const before = await changeable(trx, id, deps.configFile)
    const content = contentOf(body, before)
    passAllowGate(operator, before.allowPrivate, content.allowPrivate)
    // At another address, what was opened before is opened anew.
    if (content.url !== before.url) passAllowGate(operator, [], content.allowPrivate)
    refuseAddress(deps, content)
    await writeWebhook({ store, trx, author }, id, content)
    if (!content.enabled) await giveUpWaiting(trx, id, 'switched-off')
  })
  return { result: await shown(deps, id), change: { object: 'webhook', id, fields: fieldsOf(body) } }
}

export async function deleteWebhook({ deps, id }: Call): Promise<Outcome> {
  await deps.store.write(async (trx) => {
    await changeable(trx, id, deps.configFile)
    await dropWebhook(trx, id)
  })
  return { result: { id }, change: { object: 'webhook', id, fields: [] } }
}

/** The secret of before signs beside the new one for a day, so that the receiver has time to learn it. */
export async function rotateWebhook({ deps, id, author }: Call): Promise<Outcome> {
  const { store, sealer } = deps
  const secret = await store.write((trx) => rotateWebhookSecret({ store, trx, sealer, author }, id))
  if (secret === undefined) throw notFound('webhook', id)
  return {
    result: { ...(await shown(deps, id)), secret },
    change: { object: 'webhook', id, fields: ['secret'] },
  }
}

/** One try, while the caller waits; one that is switched off is tried, too, and nothing is switched by what it answers. */
export async function testWebhook({ deps, id, operator }: Call): Promise<Outcome> {
  const { store } = deps
  const webhook = await existing(store.db, id)
  const told = { type: 'webhook.test', at: deps.clock.now(), data: { sent_by: operator.name } }
  const taken = await store.write((trx) => insertTaken(store, trx, id, told))
  const sent = await send(deps, webhook, taken)
  if (sent.ok) await markDelivered(store, taken, sent.status)
  else await markFailed(store.db, taken, { ...sent, nextAt: null })
  const after = await readDelivery(store.db, taken.id)
  if (after === undefined) throw notFound('webhook', id)
  return { result: showDelivery(after), change: { object: 'webhook', id, fields: ['test'] } }
}

export async function listDeliveries({ deps, id, query }: Call<unknown, PageQuery>): Promise<Outcome> {
  const { db } = deps.store
  await existing(db, id)
  const { page = 1, per_page: limit = PER_PAGE_DEFAULT } = query
  const { deliveries, total } = await loadDeliveries(db, id, { offset: (page - 1) * limit, limit })
  const info = { page, per_page: limit, count: deliveries.length, total_count: total }
  return {
    result: deliveries.map(showDelivery),
    info: { ...info, total_pages: Math.ceil(total / limit) },
  }
}

/** What is left out stays. @param before for what is not sent */
function contentOf(
  { name, url, events, enabled, allow_private }: WebhookUpdate,
  before: Omit<WebhookContent, 'name' | 'url'> & Partial<WebhookContent>,
): WebhookContent {
  return {
    name: name ?? before.name ?? '',
    url: url ?? before.url ?? '',
    events: events ?? before.events,
    enabled: enabled ?? before.enabled,
    allowPrivate: allow_private ?? before.allowPrivate,
  }
}

/** @throws ApiRefusal 400 where the address as it is written leads where no webhook may be, or is plain where others could read */
function refuseAddress({ egress }: Pick<AdminDeps, 'egress'>, content: WebhookContent): void {
  const { url, allowPrivate } = content
  if (!/^https:/i.test(url) && !isOpened(content)) {
    throw invalid(
      'url',
      'must begin with https://; plain http is only for a place inside your network that stands in allow_private, which an owner sets',
    )
  }
  refuseDestination(egress, url, allowPrivate, 'url')
}

function fieldsOf({ secret_version: _, waiting: __, ...body }: WebhookUpdate & Record<string, unknown>) {
  return writtenFields(body)
}

async function shown({ store }: Pick<AdminDeps, 'store'>, id: string): Promise<WebhookShown> {
  return show(await existing(store.db, id), await loadCounts(store.db))
}

function show(record: WebhookRecord, waiting: ReadonlyMap<string, number>): WebhookShown {
  const { id, name, url, events, enabled, allowPrivate, secretVersion } = record
  return {
    ...{ id, name, url, events: [...events], enabled, allow_private: [...allowPrivate] },
    secret_version: secretVersion,
    waiting: waiting.get(id) ?? 0,
    ...shownStamps(record),
  }
}

function showDelivery(delivery: Delivery): DeliveryShown {
  const { id, type, tries, createdAt, nextAt, deliveredAt, lastStatus, lastError } = delivery
  const undelivered = nextAt === null ? 'given_up' : 'waiting'
  return {
    ...{ id, type, state: deliveredAt === null ? undelivered : 'delivered', tries },
    created_at: shownTime(createdAt),
    next_at: shownTimeOrNull(nextAt),
    delivered_at: shownTimeOrNull(deliveredAt),
    ...{ last_status: lastStatus, last_error: lastError },
  }
}

async function existing(db: Db, id: string): Promise<WebhookRecord> {
  const webhook = await readWebhook(db, id)
  if (webhook === undefined) throw notFound('webhook', id)
  return webhook
}

async function changeable(db: Db, id: string, file: string | null): Promise<WebhookRecord> {
  const webhook = await existing(db, id)
  if (webhook.origin === 'file') throw readOnly('webhook', id, file)
  return webhook
}
