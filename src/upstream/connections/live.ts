/**
 * One connection in use. Whoever holds it sees its tokens change under it; whose it is never does. It decides nothing about renewal
 * (`renew.ts`): it says what is due, waits, and takes over what came of it.
 */
import type { Clock } from '../../base/clock.ts'
import type { ServerId, ServerUid } from '../../base/ids.ts'
import type { UserPrincipal } from '../../base/principal.ts'
import { withoutThose } from '../oauth/scopes.ts'
import { needlesOf } from '../redact.ts'
import { Trouble } from '../trouble.ts'
import type { OpenedConnection } from './connection-store.ts'
import { dueAtOf, isAlive } from './life.ts'
import {
  type Challenge,
  ConnectionNeeded,
  type ConnectionRecord,
  type LiveCredential,
  type Tokens,
  type Witness,
} from './model.ts'
import { type CredentialState, closed, NOT_VOUCHED, nameOf } from './resolve.ts'

export type Why = 'due' | 'refused'

/** What a live connection asks of its keeper. */
export interface Tending {
  clock: Clock
  /** Renews it, or learns what others made of it. @returns the row as it stands now; undefined where it is gone */
  tend(live: LiveConnection, why: Why, challenge: Challenge | null): Promise<OpenedConnection | undefined>
  /** Until when nobody tries again to renew it, in milliseconds since 1970; 0 where nothing stands against it. */
  restsUntil(id: string): number
  /** It is good, and has too few rights; the first one to see it tells admins. */
  lacksScope(record: ConnectionRecord): Promise<void>
  /** A renewed one is refused like the one before it. */
  giveUp(record: ConnectionRecord): Promise<OpenedConnection | undefined>
}

/** A call waits so long for a renewal while the old token is still good. */
const PATIENCE_MS = 2000
/** A new token that is refused within this is no good; one that was good for longer may have been lost with the server's memory. */
const BELIEVED_MS = 60_000
/** Scopes that a server may ask for at once, in characters: pages show them. */
const MOST_SCOPE = 2048

const NO_HEADERS: readonly string[] = []

export class LiveConnection implements LiveCredential {
  readonly poolKey: string
  readonly inventory: string
  readonly server: { uid: ServerUid; id: ServerId; name: string }
  /** Who called last: some credentials are renewed on the word of that person's identity provider. Null where a sync holds it. */
  principal: UserPrincipal | null = null
  /** Milliseconds since 1970. */
  usedAt = 0
  name = ''
  headers: readonly string[] = NO_HEADERS
  secrets: readonly string[] = NO_HEADERS
  needles: readonly Buffer[] = []
  #record: ConnectionRecord
  #tokens: Tokens | null = null
  /** The last two that were known, whether they can be used or not. */
  #last: Tokens | null = null
  #before: Tokens | null = null
  #dueAt = 0
  #hasEnded = false
  /** Of the tokens that came because those before them were refused. */
  #renewedForRefusal = 0
  /** Milliseconds since 1970. */
  #renewedAt = 0
  readonly #tending: Tending

  constructor(tending: Tending, server: LiveConnection['server'], opened: OpenedConnection) {
    this.#tending = tending
    this.server = { uid: server.uid, id: server.id, name: server.name }
    this.#record = opened.record
    this.poolKey = opened.record.id
    this.inventory = opened.record.userId === null ? 'admin' : opened.record.owner
    this.#take(opened)
  }

  get record(): ConnectionRecord {
    return this.#record
  }

  get isFresh(): boolean {
    return this.#tending.clock.now() < this.#dueAt
  }

  /** Takes over a row as it was read; an older one than it knows is not believed. */
  adopt(opened: OpenedConnection | undefined): void {
    if (opened === undefined || opened.record.id !== this.poolKey) return void this.end()
    const { version, status, reason } = opened.record
    const { version: known } = this.#record
    if (this.#hasEnded || version < known) return
    const isNews = version > known || status !== this.#record.status || reason !== this.#record.reason
    if (isNews) this.#take(opened)
    else this.#dueAt = this.#tokens === null || status !== 'ready' ? 0 : this.#dueAtFor(this.#record)
  }

  /** It is nobody's any more. What is in flight ends where it is; nothing new is sent with it. */
  end(): void {
    this.#hasEnded = true
    this.#dueAt = 0
    this.#tokens = null
    this.headers = NO_HEADERS
  }

  async freshen(witness?: Witness): Promise<void> {
    if (this.isFresh) return
    if (this.#mayRenew()) await this.#renewed('due', null, witness)
    this.#requireUsable()
  }

  async refused(challenge: Challenge, sent: readonly string[], witness?: Witness): Promise<void> {
    if (challenge.status === 403) return this.#lacksRights(challenge)
    // Others have renewed it since this was sent, or it was ended.
    if (!this.#isSame(sent)) return this.#requireUsable()
    const { version } = this.#record
    const { clock } = this.#tending
    if (this.#renewedForRefusal === version && clock.now() - this.#renewedAt < BELIEVED_MS)
      this.adopt(await this.#tending.giveUp(this.#record))
    else {
      if (this.#mayRenew()) await this.#renewed('refused', challenge, witness)
      if (this.#record.version === version && !this.#hasEnded && this.#record.status === 'ready')
        throw new Trouble('status', 'the token was refused and cannot be renewed now', { status: 401 })
      this.#renewedForRefusal = this.#record.version
      this.#renewedAt = clock.now()
    }
    this.#requireUsable()
  }

  async #renewed(why: Why, challenge: Challenge | null, witness: Witness | undefined): Promise<void> {
    const { version } = this.#record
    await this.#tended(why, challenge)
    // Whoever lost patience goes on with the old one, and counts as one that nothing was renewed for.
    if (witness !== undefined && !this.#hasEnded && this.#record.version !== version) witness.isRenewed = true
  }

  /** Waits for the renewal, but where the old token is still good not for long: it goes on behind the call. */
  async #tended(why: Why, challenge: Challenge | null): Promise<void> {
    const tended = this.#tending.tend(this, why, challenge).then((opened) => this.adopt(opened))
    const isGood = why === 'due' && this.#tokens !== null && isAlive(this.#record, this.#tending.clock.now())
    if (!isGood) return tended
    tended.catch(() => {})
    let timer: NodeJS.Timeout | undefined
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, PATIENCE_MS)
    })
    await Promise.race([tended, patience]).finally(() => clearTimeout(timer))
  }

  /** What only a person can mend is not asked for again; what the portal gets by itself is, after a while. */
  #mayRenew(): boolean {
    const { status, kind, id } = this.#record
    if (this.#hasEnded) return false
    if (this.#tending.clock.now() < this.#tending.restsUntil(id)) return false
    return status !== 'needs_reauth' || kind === 'machine' || kind === 'enterprise'
  }

  #requireUsable(): void {
    const { status } = this.#record
    const now = this.#tending.clock.now()
    if (!this.#hasEnded && status === 'ready' && this.#tokens !== null && isAlive(this.#record, now)) return
    throw needOf(this.#record, this.server, this.#hasEnded)
  }

  async #lacksRights(challenge: Challenge): Promise<void> {
    const { scope, userId, kind } = this.#record
    const refused = new Trouble('status', 'the server refuses the credential its rights', { status: 403 })
    if (challenge.error !== 'insufficient_scope') throw refused
    if (userId !== null && kind === 'oauth') {
      const needed = new ConnectionNeeded(
        'more-scope',
        this.server,
        unionOf(scope, withoutThose(challenge.scope, this.secrets)),
      )
      needed.credential = this.name
      throw needed
    }
    if (userId === null) await this.#tending.lacksScope(this.#record)
    throw refused
  }

  #isSame(sent: readonly string[]): boolean {
    return sent === this.headers || (sent.length === this.headers.length && sent[1] === this.headers[1])
  }

  #take({ record, tokens }: OpenedConnection): void {
    const isUsable = record.status !== 'needs_reauth' && tokens !== null && canCarry(tokens)
    // A call that is under way may be answered after its token has ended, and an error of its server repeat it then.
    if (tokens !== null && tokens.access !== this.#last?.access) [this.#before, this.#last] = [this.#last, tokens]
    this.#record = record
    this.#tokens = isUsable ? tokens : null
    this.headers = isUsable ? ['authorization', `Bearer ${tokens.access}`] : NO_HEADERS
    this.secrets = [...secretsOf(this.#last), ...secretsOf(this.#before)]
    this.needles = needlesOf(this.#last === null ? [] : [this.#last.access])
    this.#dueAt = isUsable && record.status === 'ready' ? this.#dueAtFor(record) : 0
    this.name = nameOf(record, record.status)
  }

  /** While a renewal rests and the token is good, it is used as it is. */
  #dueAtFor(record: ConnectionRecord): number {
    const due = dueAtOf(record)
    const end = record.expiresAt ?? Number.POSITIVE_INFINITY
    return Math.max(due, Math.min(this.#tending.restsUntil(record.id), end))
  }
}

/** Nothing but visible ASCII goes into a header (RFC 6750 section 2.1 allows less). */
function canCarry({ access }: Tokens): boolean {
  return /^[\x21-\x7e]+$/.test(access)
}

function secretsOf(tokens: Tokens | null): string[] {
  if (tokens === null) return []
  return tokens.refresh === null ? [tokens.access] : [tokens.access, tokens.refresh]
}

function unionOf(had: string | null, wanted: string | null): string | null {
  const all = new Set(`${had ?? ''} ${wanted ?? ''}`.split(' ').filter((one) => one !== ''))
  const text = [...all].join(' ')
  return text === '' || text.length > MOST_SCOPE ? wanted : text
}

/** What the caller is told of a credential that cannot be used. */
export function needOf(
  { kind, owner, status, reason, id }: Pick<ConnectionRecord, 'kind' | 'owner' | 'status' | 'reason' | 'id'>,
  server: { uid: ServerUid; id: ServerId; name: string },
  hasEnded = false,
): ConnectionNeeded | Trouble {
  const state: CredentialState = hasEnded || status === 'ready' ? 'needs_reauth' : status
  const hint = hintOf({ kind, owner, reason }, status === 'error' && !hasEnded)
  const needed = hint === null ? new ConnectionNeeded('reconnect', server) : closed(hint)
  needed.credential = nameOf({ kind, owner, id }, state)
  return needed
}

/** Null where its person can mend it. */
function hintOf({ kind, owner, reason }: Pick<ConnectionRecord, 'kind' | 'owner' | 'reason'>, isAway: boolean) {
  if (isAway) return AWAY
  if (owner === 'admin') return '{server} has to be connected again by an administrator.'
  if (kind === 'machine') return NO_CLIENT
  if (kind === 'enterprise') return reason === 'identity' ? NOT_VOUCHED : NOT_TAKEN
  return null
}

export const AWAY = 'The sign-in of {server} does not answer at present. Nothing was sent; try again in a moment.'
const NO_CLIENT =
  '{server} does not accept the portal as a client. An administrator has to look at its client id and its secret.'
const NOT_TAKEN =
  '{server} does not accept your sign-in. An administrator has to look at its client id, its secret and whose word it takes.'
