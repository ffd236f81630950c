/**
 * The registration endpoint (RFC 7591), and the management of a registration by who made it (RFC 7592). Anybody may write here, so the order is:
 * allowed at all, not too often, well formed, allowed where it wants to be sent, taken by oidc-provider's own schema, recorded, and only then
 * written. What is refused is counted in the audit, a registration is a deed of its own.
 *
 * oidc-provider has these endpoints too. They are not used, because there a secret is kept as it is, and is compared with what the client sends
 * back; here neither is anywhere but in the answer that gives it.
 */

import { randomBytes } from 'node:crypto'
import type { Audit, DeedEnd } from '../../../audit/event.ts'
import type { Clock } from '../../../base/clock.ts'
import { Fault } from '../../../base/fault.ts'
import { type DeedId, newId } from '../../../base/ids.ts'
import { digest, newSecret, sameSecret } from '../../../base/secret.ts'
import type { Store } from '../../../store/open.ts'
import type { NodeRequest, NodeResponse } from '../node.ts'
import {
  type ClientRecord,
  deleteClient,
  insertClient,
  isClientSecret,
  issuedAt,
  readClient,
  type StoredMetadata,
  updateClient,
} from './client-store.ts'
import type { ClientMetadata, RegistrationRefusal } from './registration.ts'
import { type Answered, notAllowed, over, preflight, refusal, unavailable, wrong } from './registration-answers.ts'
import { needsSecret, type ReadRooms, readMetadata } from './registration-body.ts'
import {
  isTooOften,
  type OverLimit,
  REGISTRATION_LIMITS,
  type RegistrationLimits,
  takePlace,
} from './registration-limits.ts'
import { NAMELESS } from './show-client.ts'

export interface RegistrationRooms extends ReadRooms {
  store: Store
  audit: Audit
  clock: Clock
  /** Of this endpoint: what stands before `/{client_id}`. */
  url: string
  limits?: RegistrationLimits
}

export interface Asked {
  method: string
  /** The client in the path, or null for the endpoint itself. */
  clientId: string | null
  /** The `Authorization` header. */
  authorization: string | null
  contentType: string | null
  body: Buffer
  clientIp: string
}

const LONGEST_BODY = 64 * 1024

/** Answers one request below the endpoint, errors of the store and the audit included. */
export async function handleRegistration(
  request: NodeRequest,
  response: NodeResponse,
  clientIp: string,
  rooms: RegistrationRooms,
): Promise<void> {
  const path = (request.url ?? '').split('?')[0] ?? ''
  const below = path.slice(new URL(rooms.url).pathname.length)
  const clientId = below === '' ? null : (/^\/([A-Za-z0-9-]{1,64})$/.exec(below)?.[1] ?? '')
  const { authorization = null, 'content-type': contentType = null } = request.headers
  const body = await bodyOf(request)
  const asked = { method: request.method ?? '', clientId, authorization, contentType, clientIp }
  const answered =
    body === null
      ? refusal(413, 'invalid_client_metadata', 'the body is longer than 64 KiB')
      : await answerRegistration({ ...asked, body }, rooms).catch(unavailable)
  response.writeHead(answered.status, {
    'access-control-allow-origin': '*',
    'cache-control': 'no-store',
    ...(answered.body === null ? {} : { 'content-type': 'application/json; charset=utf-8' }),
    ...(body === null ? { connection: 'close' } : {}),
    ...answered.headers,
  })
  response.end(answered.body === null ? undefined : JSON.stringify(answered.body))
}

/** @throws Fault where the store or the audit cannot be written */
export async function answerRegistration(asked: Asked, rooms: RegistrationRooms): Promise<Answered> {
  const { method, clientId } = asked
  if (method === 'OPTIONS') return preflight()
  if (clientId === null) return method === 'POST' ? register(asked, rooms) : notAllowed('POST, OPTIONS')
  if (method !== 'GET' && method !== 'PUT' && method !== 'DELETE') return notAllowed('GET, PUT, DELETE, OPTIONS')
  const client = await holderOf(clientId, asked, rooms)
  if (client === null) {
    rooms.audit.refused('bad-client', asked.clientIp)
    // RFC 7592, section 2.1: the same for a client that is gone and for a wrong token.
    const headers = { 'www-authenticate': 'Bearer error="invalid_token"' }
    return { ...refusal(401, 'invalid_token', 'there is no such registration, or the token is not its own'), headers }
  }
  if (method === 'GET') return { status: 200, body: shown(client, tokenIn(asked), rooms) }
  return method === 'PUT' ? change(client, asked, rooms) : remove(client, asked, rooms)
}

async function register(asked: Asked, rooms: RegistrationRooms): Promise<Answered> {
  const { store, audit, limits = REGISTRATION_LIMITS } = rooms
  const refuse = (answered: Answered): Answered => {
    audit.refused('bad-client', asked.clientIp)
    return answered
  }
  if (await isTooOften(store, asked.clientIp, limits)) return refuse(over('too-often'))
  const read = await readMetadata(asked, rooms)
  if ('error' in read) return refuse(wrong(read))
  const secret = needsSecret(read.metadata) ? newSecret('ptcs') : null
  const token = newToken()
  const metadata: StoredMetadata = {
    ...read.metadata,
    ...(secret === null ? {} : { client_secret: digest(secret) }),
    registration_access_token: digest(token),
  }
  const made = await recorded('register client', read.metadata, asked, rooms, async () => {
    const kept = await writeUnder(limits, asked.clientIp, metadata, store)
    return 'over' in kept ? { end: kept.over, ...kept } : { end: kept.id, ...kept }
  })
  if ('over' in made) return over(made.over)
  const client = await readClient(store, store.db, made.id)
  if (client === undefined) throw new Error('the registration is not there')
  const given = secret === null ? {} : { client_secret: secret }
  return { status: 201, body: { ...shown(client, token, rooms), ...given } }
}

class NoPlace extends Error {
  readonly over: OverLimit
  constructor(over: OverLimit) {
    super(over)
    this.over = over
  }
}

/** Thrown inside of the transaction, so that a place that was not taken is not counted. */
async function writeUnder(
  limits: RegistrationLimits,
  clientIp: string,
  metadata: StoredMetadata,
  store: Store,
): Promise<{ id: string } | { over: OverLimit }> {
  try {
    const id = await store.write(async (trx) => {
      const over = await takePlace(store, trx, clientIp, limits)
      if (over !== null) throw new NoPlace(over)
      return insertClient(store, trx, { kind: 'registered', metadata, createdBy: clientIp })
    })
    return { id }
  } catch (error) {
    if (error instanceof NoPlace) return { over: error.over }
    throw error
  }
}

/** RFC 7592, section 2.2: what is not sent again is gone. */
async function change(client: ClientRecord, asked: Asked, rooms: RegistrationRooms): Promise<Answered> {
  const { store, audit } = rooms
  const read = await readMetadata(asked, rooms)
  const problem = 'error' in read ? read : faultOfChange(client, read.body)
  if (problem !== null || 'error' in read) {
    audit.refused('bad-client', asked.clientIp)
    return wrong(problem ?? (read as RegistrationRefusal))
  }
  const keepsSecret = needsSecret(read.metadata)
  const secret = keepsSecret && client.metadata.client_secret === undefined ? newSecret('ptcs') : null
  const kept = secret === null ? client.metadata.client_secret : digest(secret)
  const { registration_access_token: token } = client.metadata
  const metadata: StoredMetadata = {
    ...read.metadata,
    ...(keepsSecret && kept !== undefined ? { client_secret: kept } : {}),
    ...(token === undefined ? {} : { registration_access_token: token }),
  }
  await recorded('change client', metadata, asked, rooms, async () => {
    await store.write((trx) => updateClient(trx, client.id, metadata))
    return { end: client.id }
  })
  const given = secret === null ? {} : { client_secret: secret }
  return { status: 200, body: { ...shown({ ...client, metadata }, tokenIn(asked), rooms), ...given } }
}

async function remove(client: ClientRecord, asked: Asked, rooms: RegistrationRooms): Promise<Answered> {
  const { store } = rooms
  await recorded('delete client', client.metadata, asked, rooms, async () => {
    await store.write((trx) => deleteClient(store, trx, client.id))
    return { end: client.id }
  })
  return { status: 204, body: null }
}

/** RFC 7592, section 2.2. */
function faultOfChange(client: ClientRecord, body: Record<string, unknown>): RegistrationRefusal | null {
  const bad = (error_description: string) => ({ error: 'invalid_client_metadata' as const, error_description })
  const fixed = [
    'registration_access_token',
    'registration_client_uri',
    'client_secret_expires_at',
    'client_id_issued_at',
  ]
  const found = fixed.find((field) => field in body)
  if (found !== undefined) return bad(`leave out ${found}, which a client cannot change`)
  if (body.client_id !== client.id) return bad('client_id must be the one of this registration')
  const { client_secret: secret } = body
  if (secret === undefined) return null
  const isOwn = typeof secret === 'string' && isClientSecret(client.metadata.client_secret, secret)
  return isOwn ? null : bad('client_secret must be the one of this registration, or be left out')
}

async function holderOf(id: string, asked: Asked, { store }: RegistrationRooms): Promise<ClientRecord | null> {
  const client = await readClient(store, store.db, id)
  const kept = client?.metadata.registration_access_token
  // The work is the same where there is no client.
  const isOwn = sameSecret(kept ?? '', digest(tokenIn(asked)))
  return isOwn && client !== undefined && client.kind === 'registered' ? client : null
}

function tokenIn({ authorization }: Asked): string {
  return /^Bearer ([\w.~+/-]{1,512}=*)$/i.exec(authorization ?? '')?.[1] ?? ''
}

/** @throws Fault `audit-unavailable`: what cannot be recorded is not done */
async function recorded<T extends { end: OverLimit | string }>(
  method: string,
  metadata: ClientMetadata,
  { clientIp }: Asked,
  { audit, clock }: RegistrationRooms,
  work: () => Promise<T>,
): Promise<T> {
  const actor = { kind: 'unknown' as const, id: '', label: metadata.client_name ?? NAMELESS }
  const deed = newId<DeedId>(clock.now())
  const entry = await audit.begin({ deed, plane: 'sign-in', actor, method, clientIp })
  const done = await work().catch(async (error: unknown) => {
    await entry.finish({ outcome: 'failed', error: error instanceof Fault ? error.code : 'bug' })
    throw error
  })
  const end: DeedEnd =
    done.end === 'full' || done.end === 'too-often'
      ? { outcome: 'refused', decision: 'deny', error: done.end }
      : { outcome: 'answered', decision: 'allow', change: { object: 'oauth_client', id: done.end, fields: [] } }
  await entry.finish(end)
  return done
}

/** 256 bits. */
function newToken(): string {
  return randomBytes(32).toString('base64url')
}

/** RFC 7591, section 3.2.1, and RFC 7592, section 3. Never a secret: only who just got it has it. */
function shown(client: ClientRecord, token: string, { url }: RegistrationRooms): Record<string, unknown> {
  const { client_secret: _secret, registration_access_token: _token, ...metadata } = client.metadata
  return {
    client_id: client.id,
    ...issuedAt(client),
    ...metadata,
    registration_client_uri: `${url}/${client.id}`,
    registration_access_token: token,
  }
}

async function bodyOf(request: NodeRequest): Promise<Buffer | null> {
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size > LONGEST_BODY) return null
      chunks.push(chunk)
    }
  } catch {
    // It broke off: nobody is left to be told, and it is no failure of ours that the log should hold.
    return null
  }
  return Buffer.concat(chunks)
}
