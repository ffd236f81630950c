/** The outbox on a real store and audit, with clocks that move, and receivers that really listen. */
import { createHmac } from 'node:crypto'
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pino } from 'pino'
import type { Audit, AuditRow } from '../src/audit/event.ts'
import { openAudit } from '../src/audit/log.ts'
import { connectionNotice, type Notice } from '../src/audit/webhooks/notice.ts'
import { type Notices, openNotices } from '../src/audit/webhooks/notices.ts'
import { insertWebhook, type WebhookContent } from '../src/audit/webhooks/webhook-store.ts'
import { type Clock, systemClock } from '../src/base/clock.ts'
import type { Egress, EgressOptions } from '../src/base/egress.ts'
import { type Log, sanitized, silentLog } from '../src/base/log.ts'
import { keyRing, openSealer, type Sealer } from '../src/base/secret.ts'
import type { Store } from '../src/store/open.ts'
import type { WebhookDeliveryRow } from '../src/store/tables-connections.ts'
import { type DatabaseKind, freshStore, type TestStore } from './databases.ts'
import { TEST_KEYS } from './keys.ts'
import { localEgress } from './upstream-room.ts'

export interface Received {
  path: string
  headers: IncomingHttpHeaders
  rawHeaders: readonly string[]
  body: string
}

export interface Receiver {
  port: number
  /** `host:port`, as `allow_private` has it. */
  place: string
  url: string
  received: readonly Received[]
  /** Resolves when this many came. */
  until(count: number): Promise<void>
  close(): Promise<void>
}

export type Reply = number | ((response: ServerResponse, received: Received) => void)

/** Listens on this machine. @param reply the status, or what answers */
export async function startReceiver(reply: Reply = 204, port = 0): Promise<Receiver> {
  const received: Received[] = []
  let waiting: { count: number; resolve: () => void }[] = []
  const server: Server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += String(chunk)
    const one = { path: request.url ?? '', headers: request.headers, rawHeaders: request.rawHeaders, body }
    received.push(one)
    for (const { resolve } of waiting.filter(({ count }) => received.length >= count)) resolve()
    waiting = waiting.filter(({ count }) => received.length < count)
    if (typeof reply === 'number') response.writeHead(reply).end()
    else reply(response, one)
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const at = (server.address() as AddressInfo).port
  return {
    port: at,
    place: `127.0.0.1:${at}`,
    url: `http://127.0.0.1:${at}/hook`,
    received,
    until: (count) =>
      received.length >= count ? Promise.resolve() : new Promise((resolve) => void waiting.push({ count, resolve })),
    close() {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

/** What a receiver computes for itself, by the words of the specification alone. */
export function isSigned({ headers, body }: Pick<Received, 'headers' | 'body'>, secret: string): boolean {
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64')
  const wanted = createHmac('sha256', key)
    .update(`${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`)
    .digest('base64')
  return String(headers['webhook-signature']).split(' ').includes(`v1,${wanted}`)
}

export interface WebhookRoom {
  at: TestStore
  store: Store
  sealer: Sealer
  audit: Audit
  clock: Clock & { move(ms: number): void }
  /** What was logged, in JSON lines. */
  logged(): string
  /** Opens an outbox; its own store where it is another replica's or a later start's. */
  open(options?: { store?: Store; egress?: Egress; sealer?: Sealer }): Notices
  add(content: Partial<WebhookContent> & { url: string }): Promise<{ id: string; secret: string }>
  deliveries(): Promise<WebhookDeliveryRow[]>
  deeds(): Promise<AuditRow[]>
  end(): Promise<void>
}

export async function openWebhookRoom(kind: DatabaseKind): Promise<WebhookRoom> {
  let ahead = 0
  const clock = {
    now: () => systemClock.now() + ahead,
    elapsed: () => systemClock.elapsed(),
    move: (ms: number) => {
      ahead += ms
    },
  }
  const at = await freshStore(kind, clock)
  const { store, dir, databaseUrl } = at
  const log = silentLog
  const audit = await openAudit({
    ...{ dir, databaseUrl, durability: 'process', retentionDays: 90, keys: TEST_KEYS, clock, log },
  })
  const sealer = openSealer(keyRing([Buffer.alloc(32, 9)]), 'store')
  let lines = ''
  const told = keptLog((text) => {
    lines += text
  })
  const opened: Notices[] = []
  const author = { label: 'ada', origin: 'api' as const }
  return {
    ...{ at, store, sealer, audit, clock },
    logged: () => lines,
    open(options = {}) {
      const notices = openNotices({ store, sealer, egress: localEgress(), clock, log: told, audit, ...options })
      opened.push(notices)
      return notices
    },
    add: (content) =>
      store.write((trx) =>
        insertWebhook(
          { store, trx, sealer, author },
          { name: 'Hook', events: [], enabled: true, allowPrivate: [], ...content },
        ),
      ),
    deliveries: () =>
      store.db.selectFrom('webhook_deliveries').selectAll().orderBy('created_at').orderBy('id').execute(),
    deeds: () => audit.query({ plane: 'admin', phase: 'ended', limit: 100 }),
    async end() {
      for (const notices of opened) await notices.close()
      await audit.close()
      await at.end()
    },
  }
}

function keptLog(write: (text: string) => void): Log {
  return pino({ level: 'debug', base: null }, sanitized({ write }))
}

/** A shared credential at the server `ledger`. */
export function noticeOf(more: Partial<Parameters<typeof connectionNotice>[0]> = {}): Notice {
  return connectionNotice(
    {
      type: 'connection.expiring',
      server: { id: 'ledger', name: 'Ledger' },
      connection: 'c1',
      owner: 'admin',
      reason: 'expired',
      expiresAt: Date.parse('2026-12-01T00:00:00Z'),
      ...more,
    },
    Date.parse('2026-11-21T10:00:00Z'),
  )
}

/** A portal that others reach: this machine and its network are closed unless opened. */
export const publicEgress = (options: Partial<EgressOptions> = {}): Egress =>
  localEgress({ host: '0.0.0.0', publicUrl: 'https://mcp.example.com', ...options })
