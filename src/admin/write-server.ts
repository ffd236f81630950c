/** Servers on their way into the store, from the API and from the configuration file alike: one set of checks. */
import type { ServerId, ServerUid } from '../base/ids.ts'
import { readLimits } from '../contract/limits-on-calls.ts'
import type { ServerCreate, ServerUpdate, StdioTransportInput } from '../contract/server.ts'
import type { Author } from '../store/columns.ts'
import type { Db, Trx } from '../store/open.ts'
import { type ChildRules, refuseProgram } from '../upstream/child-rules.ts'
import { forgetConnections } from '../upstream/connections/forget-connections-store.ts'
import { DEFAULT_RELAY, DEFAULT_RESOURCES } from '../upstream/model.ts'
import {
  insertServer,
  readServer,
  readServerSecretsIfOpen,
  type ServerContent,
  type ServerIdentity,
  type StoredServer,
  updateServer,
} from '../upstream/server-store.ts'
import { dropOwnPolicies } from './access-app-store.ts'
import type { AdminDeps } from './deps.ts'
import { refuseDestination } from './destination-gate.ts'
import { readSeenDefinitions } from './inventory-store.ts'
import { refuseMachineOnBehalf } from './on-behalf.ts'
import { conflict, invalid } from './refusal.ts'
import { changedCredentials, newCredentials } from './take-credentials.ts'
import { takeDeadlines } from './take-deadlines.ts'
import { refuseHeaderTwice, takeIdentityWish } from './take-identity-wish.ts'
import type { OwnPlace } from './take-oauth.ts'
import { takeOverrides } from './take-overrides.ts'
import { takeOwnPolicies } from './take-own-policies.ts'
import { takeRelay } from './take-relay.ts'
import { takeResources } from './take-resources.ts'

type Needs = Pick<AdminDeps, 'store' | 'sealer' | 'egress' | 'config' | 'issuer'>

/** @throws ApiRefusal 400, or 409 where the id is taken */
export async function addServer(needs: Needs, trx: Trx, body: ServerCreate, author: Author): Promise<ServerUid> {
  if ((await readServer(trx, body.id)) !== undefined) {
    throw conflict(`There is already a server "${body.id}". Update that one, or choose another id.`)
  }
  if (!isStdio(body.hostname)) refuseDestination(needs.egress, body.hostname, body.allow_private ?? [])
  const made = {
    identity: identityOf(body, needs.config.stdio),
    content: await newServerContent(trx, body),
    ...newCredentials(body, placeFor(needs, body)),
  }
  return insertServer(needs.store, trx, made, { author, sealer: needs.sealer })
}

/** What an OAuth client that is written down for a server is judged by. */
export function placeFor(
  { egress, issuer }: Pick<Needs, 'egress' | 'issuer'>,
  body: Pick<ServerCreate, 'id' | 'allow_private'>,
): OwnPlace {
  return { id: body.id, allowPrivate: body.allow_private ?? [], issuer: issuer(), egress }
}

/** @throws ApiRefusal 400 */
export async function newServerContent(db: Db, body: ServerCreate): Promise<ServerContent> {
  const identityWish = takeIdentityWish(null, body, body)
  refuseHeaderTwice(identityWish, body.auth_type, body.auth_credentials ?? null)
  return {
    name: body.name,
    description: body.description ?? null,
    isolation: body.isolation ?? 'per_credential',
    allowPrivate: body.allow_private ?? [],
    deadlines: takeDeadlines(body.deadlines),
    relay: takeRelay(DEFAULT_RELAY, body.relay),
    resources: takeResources(DEFAULT_RESOURCES, body.resources),
    updatedTools: takeOverrides('server', body.updated_tools, 'updated_tools'),
    updatedPrompts: takeOverrides('server', body.updated_prompts, 'updated_prompts'),
    policies: await takeOwnPolicies(db, body, null),
    definitions: body.definitions ?? 'hold_changed',
    instructions: body.instructions ?? 'off',
    identityWish,
    labels: body.labels ?? [],
    limits: readLimits(body.limits ?? []),
    bypassCredential: body.bypass_credential ?? false,
    sharedOauthCallback: body.is_shared_oauth_callback_enabled ?? false,
    secureWebGateway: body.secure_web_gateway ?? false,
  }
}

/** @throws ApiRefusal 400 where the parts do not fit together, or the program may not run */
export function identityOf(body: ServerCreate, rules: ChildRules): ServerIdentity {
  const transport = body.transport ?? null
  if (!isStdio(body.hostname)) {
    if (transport !== null) throw invalid('transport', 'belongs to a server whose hostname begins with "stdio://"')
    return { id: body.id as ServerId, hostname: body.hostname, authType: body.auth_type, transport: null }
  }
  if (body.hostname !== `stdio://${body.id}`) throw invalid('hostname', `must be "stdio://${body.id}" for this server`)
  if (transport === null) throw invalid('transport', 'is required: the command that starts the server')
  if (body.auth_type !== 'unauthenticated') {
    throw invalid('auth_type', 'must be "unauthenticated" for a stdio server; give its secrets in transport.env')
  }
  requirePermitted(rules, transport)
  return { id: body.id as ServerId, hostname: body.hostname, authType: body.auth_type, transport: programOf(transport) }
}

/** Told to whoever registers it, rather than at the first start of the program. */
function requirePermitted(rules: ChildRules, transport: StdioTransportInput): void {
  const refusal = refuseProgram(rules, { ...programOf(transport), env: transport.env ?? {} })
  if (refusal !== null) throw invalid(`transport.${refusal.field}`, refusal.text)
}

export function isStdio(hostname: string): boolean {
  return hostname.startsWith('stdio://')
}

/**
 * @returns whether the credential changed, so that a sync is due
 * @throws ApiRefusal 400
 */
export async function changeServer(
  needs: Needs,
  trx: Trx,
  before: StoredServer,
  { body, author }: { body: ServerUpdate; author: Author },
): Promise<boolean> {
  refuseOtherIdentity(before, body)
  const stored = await readServerSecretsIfOpen(trx, needs.sealer, before.uid)
  const place = placeFor(needs, { id: before.id, allow_private: body.allow_private ?? [...before.allowPrivate] })
  const taken = changedCredentials(before, body, stored, place)
  const env = body.transport?.env
  if (body.transport && env !== undefined && !sameEnv(env, stored?.env)) {
    requirePermitted(needs.config.stdio, body.transport)
    taken.secrets.env = env
    taken.authenticationStatus = before.authenticationStatus
  }
  const content = await changedContent(trx, before, body)
  const credentials = taken.secrets.authCredentials ?? stored?.authCredentials ?? null
  refuseHeaderTwice(content.identityWish, before.authType, credentials)
  const { moved, ...credential } = taken
  const change = { content, ...credential }
  await updateServer(needs.store, trx, before.uid, { change, author, sealer: needs.sealer })
  if (body.policies !== undefined) await dropOwnPolicies(needs.store, trx, before.uid, content.policies ?? [])
  if (moved === true) await forgetConnections(needs.store, trx, needs.sealer, before.uid)
  await refuseMachineOnBehalf(trx, before.id)
  return taken.authenticationStatus !== undefined
}

/** These name which server it is. Re-pointing one would hand its users' trust, and its secrets, to another. */
function refuseOtherIdentity(before: StoredServer, body: ServerUpdate): void {
  const fixed = [
    ['id', before.id, body.id],
    ['hostname', before.hostname, body.hostname],
    ['auth_type', before.authType, body.auth_type],
  ] as const
  for (const [field, is, sent] of fixed) {
    if (sent !== undefined && sent !== is) throw invalid(field, 'cannot change; delete the server and create another')
  }
  if (body.transport === undefined || body.transport === null) return
  if (before.transport === null) throw invalid('transport', 'belongs to a server whose hostname begins with "stdio://"')
  if (JSON.stringify(programOf(body.transport)) !== JSON.stringify(programOf(before.transport))) {
    throw invalid('transport', 'cannot change, except for env; delete the server and create another')
  }
}

async function changedContent(trx: Trx, before: StoredServer, body: ServerUpdate): Promise<ServerContent> {
  const seen = (await readSeenDefinitions(trx, [before.uid])).get(before.uid)
  return {
    name: body.name ?? before.name,
    description: body.description === undefined ? before.description : body.description,
    isolation: body.isolation ?? before.isolation,
    allowPrivate: body.allow_private ?? before.allowPrivate,
    deadlines: body.deadlines === undefined ? before.deadlines : takeDeadlines(body.deadlines),
    relay: takeRelay(before.relay, body.relay),
    resources: takeResources(before.resources, body.resources),
    updatedTools:
      body.updated_tools === undefined
        ? before.updatedTools
        : takeOverrides('server', body.updated_tools, 'updated_tools', seen?.tools),
    updatedPrompts:
      body.updated_prompts === undefined
        ? before.updatedPrompts
        : takeOverrides('server', body.updated_prompts, 'updated_prompts', seen?.prompts),
    policies: await takeOwnPolicies(trx, body, before),
    definitions: body.definitions ?? before.definitions,
    instructions: body.instructions ?? before.instructions,
    identityWish: takeIdentityWish(before.identityWish, body, before),
    labels: body.labels === undefined ? before.labels : (body.labels ?? []),
    limits: body.limits === undefined ? before.limits : readLimits(body.limits ?? []),
    bypassCredential: body.bypass_credential ?? before.bypassCredential,
    sharedOauthCallback: body.is_shared_oauth_callback_enabled ?? before.sharedOauthCallback,
    secureWebGateway: body.secure_web_gateway ?? before.secureWebGateway,
  }
}

function sameEnv(
  sent: Readonly<Record<string, string>>,
  stored: Readonly<Record<string, string>> | undefined,
): boolean {
  const entries = Object.entries(sent)
  return (
    stored !== undefined &&
    entries.length === Object.keys(stored).length &&
    entries.every(([name, value]) => stored[name] === value)
  )
}

/** What is run, without the secrets that it is given; members in one order, so that two can be compared as text. */
export function programOf(transport: Omit<StdioTransportInput, 'args'> & { args?: readonly string[] | undefined }) {
  const { command, args = [], cwd } = transport
  return { type: 'stdio' as const, command, args: [...args], ...(cwd === undefined ? {} : { cwd }) }
}
