/**
 * The renewal of one connection, by one of however many want it, in however many processes. A refresh token that is shown twice looks
 * stolen to most authorization servers, and ends everything; so:
 *
 * 1. In a process, all who ask wait for the same renewal.
 * 2. Over processes, a lease; whoever does not get it reads the row until the winner has written it.
 * 3. The row is read again under the lease: another version means that somebody else was first, and theirs is used.
 * 4. The HTTP request runs outside of any transaction.
 * 5. What came is committed before it is used, and only in place of what was read.
 */
import { randomUUID } from 'node:crypto'
import type { Clock } from '../../base/clock.ts'
import type { ServerUid } from '../../base/ids.ts'
import type { UserPrincipal } from '../../base/principal.ts'
import type { Sealer } from '../../base/secret.ts'
import { releaseLease, takeLease } from '../../store/lease.ts'
import { type OauthTarget, OauthTrouble } from '../oauth/model.ts'
import { type AskDeps, askAnew } from './ask.ts'
import {
  type ConnectionContent,
  markWarned,
  type OpenedConnection,
  openConnectionRow,
  renewConnection,
} from './connection-store.ts'
import { fateOf } from './fate.ts'
import { isAlive, lifeOf } from './life.ts'
import type { Why } from './live.ts'
import type { ConnectionRecord, Owner } from './model.ts'
import { Rests } from './rests.ts'
import { judge, tell, type VerdictDeps } from './verdicts.ts'

export interface RenewDeps extends AskDeps, VerdictDeps {
  sealer: Sealer
  clock: Clock
}

export interface Renewal {
  server: ServerUid
  owner: Owner
  /** Which one is to be renewed, and as of which version: another is another's work. */
  id: string
  version: number
  why: Why
  principal: UserPrincipal | null
  resourceMetadata: string | null
}

/** Whoever dies with the lease holds up the others for so long. It is renewed while its holder lives. */
const LEASE_MS = 30_000
const LEASE_BEAT_MS = 10_000
const POLL_MS = 100
/** Whoever waits for another process has a token that is still good, or has none. */
const PATIENCE_MS = 2000
const DEADLINE_MS = 60_000
/** So many failures in a row are worth telling, while the token still lives. */
const FAILING_AFTER = 3

type Row = OpenedConnection | undefined

export class Renewer {
  readonly rests: Rests
  readonly #deps: RenewDeps
  readonly #holder = randomUUID()
  readonly #flights = new Map<string, Promise<Row>>()

  constructor(deps: RenewDeps) {
    this.#deps = deps
    this.rests = new Rests(deps.clock)
  }

  /**
   * @returns the row as it stands after it: renewed by whomever, as it was where that may pass, or marked; undefined where it is gone
   */
  renew(renewal: Renewal): Promise<Row> {
    const { id } = renewal
    return this.once(id, () =>
      this.alone(
        `connection/${id}`,
        () => this.#lead(renewal),
        (waitedMs) => this.#look(renewal, waitedMs),
      ),
    )
  }

  /** Resolves when nothing is under way that began before. Never throws. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#flights.values())
  }

  /** One at a time in this process; the others get the same. */
  once(key: string, work: () => Promise<Row>): Promise<Row> {
    const running = this.#flights.get(key)
    if (running !== undefined) return running
    const begun = work().finally(() => this.#flights.delete(key))
    this.#flights.set(key, begun)
    return begun
  }

  /**
   * One at a time over all processes.
   *
   * @param look called while another process is at it: what it says is the answer; `wait` waits on, `late` says that it takes too long
   */
  async alone(name: string, lead: () => Promise<Row>, look: (waitedMs: number) => Promise<Seen>): Promise<Row> {
    const { store } = this.#deps
    for (let waited = 0; ; waited += POLL_MS) {
      if (await takeLease(store, name, this.#holder, LEASE_MS)) return this.#underLease(name, lead)
      await new Promise((resolve) => setTimeout(resolve, POLL_MS))
      const seen = await look(waited + POLL_MS)
      if (seen !== 'wait') return seen.row
    }
  }

  /** The lease is held for as long as the work takes, however slow the other side is: a second request would be the end of the token. */
  async #underLease(name: string, lead: () => Promise<Row>): Promise<Row> {
    const { store, log } = this.#deps
    const beat = setInterval(() => {
      takeLease(store, name, this.#holder, LEASE_MS).catch((error: unknown) =>
        log.warn({ err: error }, 'a lease could not be renewed'),
      )
    }, LEASE_BEAT_MS)
    try {
      return await lead()
    } finally {
      clearInterval(beat)
      await releaseLease(store, name, this.#holder)
    }
  }

  async #look(renewal: Renewal, waitedMs: number): Promise<Seen> {
    const row = await this.#read(renewal)
    if (row === undefined || isSettled(row, renewal)) return { row }
    const { record } = row
    const isGood = renewal.why === 'due' && isAlive(record, this.#deps.clock.now())
    if (waitedMs < (isGood ? PATIENCE_MS : DEADLINE_MS)) return 'wait'
    this.rests.rest(record.id, PATIENCE_MS)
    return { row }
  }

  async #lead(renewal: Renewal): Promise<Row> {
    const row = await this.#read(renewal)
    if (row === undefined || isSettled(row, renewal)) return row
    const { record, tokens } = row
    if (tokens === null && (record.kind === 'oauth' || record.kind === 'token')) {
      await judge(this.#deps, record, { status: 'needs_reauth', reason: 'unsealed' })
      return this.#read(renewal)
    }
    const target = this.#deps.targetOf(record.serverUid)
    try {
      const content = target === undefined ? null : await this.#ask(target, renewal, row)
      if (content !== null) return await this.#commit(renewal, row, content)
      await this.#unrenewable(record, renewal)
    } catch (error) {
      await this.#failed(record, renewal, error)
    }
    return this.#read(renewal)
  }

  #ask(target: OauthTarget, { why, principal, resourceMetadata }: Renewal, row: OpenedConnection) {
    const lives = (expiresIn: number | null, isRenewable: boolean) =>
      lifeOf(this.#deps.clock.now(), expiresIn, isRenewable)
    const question = { target, principal, lives, wasRefused: why === 'refused', resourceMetadata }
    // Nothing is to be found out for what expires and nobody renews; what was refused may have moved.
    if (!isRenewable(row.record) && why === 'due') return null
    return askAnew(this.#deps, question, row)
  }

  async #commit(renewal: Renewal, read: OpenedConnection, content: ConnectionContent): Promise<Row> {
    const { store, sealer } = this.#deps
    const record = await store.write((trx) => renewConnection(store, trx, sealer, { read: read.record, content }))
    if (record !== undefined) {
      this.rests.end(record.id)
      return { record, tokens: content.tokens }
    }
    // It was ended, or made anew, while this was on its way: what came belongs to nobody, and must not live on there.
    await this.#giveBack(read.record, content)
    return this.#read(renewal)
  }

  async #giveBack(record: ConnectionRecord, { tokens }: ConnectionContent): Promise<void> {
    const { ways, targetOf, log } = this.#deps
    const target = targetOf(record.serverUid)
    if (target === undefined) return
    try {
      const server = await ways.discover(target)
      if (server.issuer !== record.issuer) return
      const client = await ways.clientOf(target, server, { holder: record.clientId })
      const hint = tokens.refresh === null ? 'access_token' : 'refresh_token'
      await ways.revoke(target, { server, client, token: tokens.refresh ?? tokens.access, hint })
    } catch (error) {
      if (!(error instanceof OauthTrouble)) throw error
      log.warn({ server: target.id, reason: error.kind }, 'what came for a connection that has ended was not revoked')
    }
  }

  /** Nobody could be asked. */
  async #unrenewable(record: ConnectionRecord, { why, principal }: Renewal): Promise<void> {
    const { clock } = this.#deps
    if (record.kind === 'enterprise' && principal === null) return
    if (why === 'refused') await judge(this.#deps, record, { status: 'needs_reauth', reason: 'refused' })
    else if (!isAlive(record, clock.now()))
      await judge(this.#deps, record, { status: 'needs_reauth', reason: 'expired' })
  }

  async #failed(record: ConnectionRecord, { why }: Renewal, error: unknown): Promise<void> {
    const { clock, log, targetOf } = this.#deps
    const fate = fateOf(error)
    const isGood = isAlive(record, clock.now())
    const detail = error instanceof Error ? error.message : ''
    log.warn({ server: targetOf(record.serverUid)?.id, connection: record.id, detail }, 'a connection was not renewed')
    const isOver = fate.kind === 'ended' || (fate.kind === 'last' && !(isGood && why === 'due'))
    // Written before it rests: who is refused in between joins this attempt and sees that it is over, not that it may pass.
    if (isOver) await judge(this.#deps, record, { status: 'needs_reauth', reason: fate.reason })
    const failures = this.rests.failed(record.id)
    if (isOver) return
    if (!isGood) await judge(this.#deps, record, { status: 'error', reason: 'unreachable' })
    else if (failures === FAILING_AFTER) await this.#warn(record)
  }

  async #warn(record: ConnectionRecord): Promise<void> {
    const { store } = this.#deps
    if (record.userId !== null) return
    if (await store.write((trx) => markWarned(store, trx, record.id)))
      await tell(this.#deps, 'connection.failing', record)
  }

  #read({ server, owner }: Renewal): Promise<Row> {
    const { store, sealer } = this.#deps
    return openConnectionRow(store.db, sealer, server, owner)
  }
}

export type Seen = 'wait' | { row: Row }

/** Whether there is nothing left to do for it: it is another, renewed since, or waits for a person. */
function isSettled({ record }: OpenedConnection, { id, version }: Renewal): boolean {
  if (record.id !== id || record.version !== version) return true
  const { status, kind } = record
  return status === 'needs_reauth' && kind !== 'machine' && kind !== 'enterprise'
}

/** Whether the portal can renew it without a person. */
export function isRenewable({ kind, hasRefreshToken }: Pick<ConnectionRecord, 'kind' | 'hasRefreshToken'>): boolean {
  return kind === 'machine' || kind === 'enterprise' || hasRefreshToken
}
