/** `/access/service_tokens`: a secret is answered at creation and at rotation, and never again. */
import { randomBytes } from 'node:crypto'
import type { Operator } from '../base/principal.ts'
import { digest, newSecret } from '../base/secret.ts'
import { parseDuration } from '../contract/duration.ts'
import type { PageQuery } from '../contract/envelope.ts'
import type {
  ServiceTokenCreate,
  ServiceTokenRotate,
  ServiceTokenShown,
  ServiceTokenUpdate,
} from '../contract/tokens.ts'
import {
  deleteServiceToken as dropServiceToken,
  insertServiceToken,
  listServiceTokens as loadServiceTokens,
  NO_PREVIOUS_SECRET,
  readServiceToken,
  type ServiceTokenChange,
  type ServiceTokenRecord,
  updateServiceToken as writeServiceToken,
} from '../identity/service-token-store.ts'
import type { Db } from '../store/open.ts'
import { pageOf } from './paging.ts'
import { forbidden, invalid, notFound } from './refusal.ts'
import type { Call, Outcome } from './route.ts'
import { shownTime } from './times.ts'
import { writtenFields } from './written-fields.ts'

const DEFAULT_DURATION = '8760h'
const LONGEST_MS = 100 * 8760 * 3_600_000
/** How long two secrets may be good side by side. */
const LONGEST_GRACE_MS = 30 * 24 * 3_600_000

export async function listServiceTokens({ deps, query }: Call<unknown, PageQuery>): Promise<Outcome> {
  const all = await loadServiceTokens(deps.store.db)
  const named = query.name === undefined ? all : all.filter((token) => token.name === query.name)
  const page = pageOf(named, query, (token) => [token.id, token.name, token.clientId])
  return { result: page.items.map(show), info: page.info }
}

export async function getServiceToken({ deps, id }: Call): Promise<Outcome> {
  return { result: show(await existing(deps.store.db, id)) }
}

export async function createServiceToken({ deps, body, operator }: Call<ServiceTokenCreate>): Promise<Outcome> {
  const duration = body.duration ?? DEFAULT_DURATION
  const expiresAt = endOf(duration, deps.clock.now(), operator)
  const secret = newSecret('ptst')
  const made = {
    name: body.name,
    clientId: `${randomBytes(16).toString('hex')}.access`,
    secretDigest: digest(secret),
    duration,
    enabled: body.enabled ?? true,
    expiresAt,
  }
  const id = await deps.store.write((trx) => insertServiceToken(deps.store, trx, made))
  return {
    result: { ...show(await existing(deps.store.db, id)), client_secret: secret },
    change: { object: 'service_token', id, fields: writtenFields(body) },
  }
}

/** Raising `client_secret_version` by one rotates, and then the answer holds the new secret. */
export async function updateServiceToken({ deps, id, body, operator }: Call<ServiceTokenUpdate>): Promise<Outcome> {
  const now = deps.clock.now()
  const secret = newSecret('ptst')
  const rotated = await deps.store.write(async (trx) => {
    const before = await existing(trx, id)
    const rotate = wantsRotation(before, body.client_secret_version)
    await writeServiceToken(deps.store, trx, before.id, {
      ...settingsOf(before, body, { now, operator }),
      ...(rotate ? rotationOf(before, secret, graceIn(body, now)) : graceOf(graceIn(body, now))),
      // Switched off and on again, it must not come back with a secret that was on its way out.
      ...(body.enabled === false ? NO_PREVIOUS_SECRET : {}),
    })
    return rotate
  })
  const shown = show(await existing(deps.store.db, id))
  return {
    result: rotated ? { ...shown, client_secret: secret } : shown,
    change: { object: 'service_token', id, fields: writtenFields(body) },
  }
}

export async function rotateServiceToken({ deps, id, body }: Call<ServiceTokenRotate>): Promise<Outcome> {
  const secret = newSecret('ptst')
  await deps.store.write(async (trx) => {
    const before = await existing(trx, id)
    await writeServiceToken(deps.store, trx, before.id, rotationOf(before, secret, graceIn(body, deps.clock.now())))
  })
  return {
    result: { ...show(await existing(deps.store.db, id)), client_secret: secret },
    change: { object: 'service_token', id, fields: ['client_secret'] },
  }
}

/** Runs its whole duration anew, from now. */
export async function refreshServiceToken({ deps, id, operator }: Call): Promise<Outcome> {
  await deps.store.write(async (trx) => {
    const before = await existing(trx, id)
    const expiresAt = endOf(before.duration, deps.clock.now(), operator)
    await writeServiceToken(deps.store, trx, before.id, { expiresAt })
  })
  return {
    result: show(await existing(deps.store.db, id)),
    change: { object: 'service_token', id, fields: ['expires_at'] },
  }
}

export async function deleteServiceToken({ deps, id }: Call): Promise<Outcome> {
  const gone = await deps.store.write(async (trx) => {
    const before = await existing(trx, id)
    await dropServiceToken(deps.store, trx, before.id)
    return before
  })
  return { result: show(gone), change: { object: 'service_token', id, fields: [] } }
}

function settingsOf(
  before: ServiceTokenRecord,
  body: ServiceTokenUpdate,
  { now, operator }: { now: number; operator: Operator },
): ServiceTokenChange {
  const change: ServiceTokenChange = {}
  if (body.name !== undefined) change.name = body.name
  if (body.enabled !== undefined) change.enabled = body.enabled
  // The same duration sent back is no wish for a longer life.
  if (body.duration !== undefined && body.duration !== before.duration) {
    change.duration = body.duration
    change.expiresAt = endOf(body.duration, now, operator)
  }
  return change
}

function wantsRotation(before: ServiceTokenRecord, version: number | undefined): boolean {
  if (version === undefined || version === before.clientSecretVersion) return false
  if (version === before.clientSecretVersion + 1) return true
  throw invalid('client_secret_version', `must be ${before.clientSecretVersion}, or one more to rotate the secret`)
}

/** Without a time of grace the old secret ends at once. */
function rotationOf(before: ServiceTokenRecord, secret: string, until: number | null): ServiceTokenChange {
  // What opens nothing now needs no time to be replaced in.
  const previous =
    until !== null && before.enabled ? { previousSecretDigest: before.secretDigest, previousExpiresAt: until } : null
  return {
    secretDigest: digest(secret),
    ...(previous ?? NO_PREVIOUS_SECRET),
    clientSecretVersion: before.clientSecretVersion + 1,
  }
}

function graceOf(until: number | null): ServiceTokenChange {
  return until === null ? {} : { previousExpiresAt: until }
}

/** @returns until when the previous secret is good, in milliseconds since 1970; null where that is not said */
function graceIn({ previous_client_secret_expires_at: text }: ServiceTokenRotate, now: number): number | null {
  if (text === undefined) return null
  const until = Date.parse(text)
  if (until <= now + LONGEST_GRACE_MS) return until
  throw invalid('previous_client_secret_expires_at', 'must lie within 30 days from now')
}

/** @returns milliseconds since 1970, or null for a token without end, which only an owner may make */
function endOf(duration: string, now: number, operator: Operator): number | null {
  if (duration === 'forever') {
    if (operator.role === 'owner') return null
    throw forbidden('Only an owner may make a service token that never expires. Give a duration such as "8760h".')
  }
  const ms = parseDuration(duration)
  if (ms === undefined || ms < 1 || ms > LONGEST_MS) throw invalid('duration', 'must lie between 1ms and 876000h')
  return now + Math.floor(ms)
}

function show(token: ServiceTokenRecord): ServiceTokenShown {
  const { expiresAt, lastSeenAt, previousExpiresAt, previousSecretDigest } = token
  return {
    id: token.id,
    name: token.name,
    client_id: token.clientId,
    duration: token.duration,
    enabled: token.enabled,
    ...(expiresAt === null ? {} : { expires_at: shownTime(expiresAt) }),
    client_secret_version: token.clientSecretVersion,
    ...(previousExpiresAt === null || previousSecretDigest === null
      ? {}
      : { previous_client_secret_expires_at: shownTime(previousExpiresAt) }),
    ...(lastSeenAt === null ? {} : { last_seen_at: shownTime(lastSeenAt) }),
    created_at: shownTime(token.createdAt),
    updated_at: shownTime(token.updatedAt),
  }
}

async function existing(db: Db, id: string): Promise<ServiceTokenRecord> {
  const token = await readServiceToken(db, id)
  if (token === undefined) throw notFound('service token', id)
  return token
}
