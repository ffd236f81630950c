/** Makes or changes what the configuration file declares, and writes nothing where nothing differs. */
import type { PortalId } from '../base/ids.ts'
import { connectionGround, parseWrittenOauth } from '../contract/credentials.ts'
import type { ServerCreate } from '../contract/server.ts'
import {
  insertPortal,
  listPortals,
  type PortalContent,
  type PortalRecord,
  readPortal,
  updatePortal,
} from '../portal/portal-store.ts'
import { forgetConnections } from '../upstream/connections/forget-connections-store.ts'
import {
  deleteServer,
  insertServer,
  readServer,
  readServerSecretsIfOpen,
  type ServerChange,
  type ServerContent,
  type ServerSecrets,
  type StoredServer,
  updateServer,
} from '../upstream/server-store.ts'
import { forgetApp } from './access-app-store.ts'
import type { Applying } from './declared.ts'
import { refuseDestination } from './destination-gate.ts'
import { ApiRefusal } from './refusal.ts'
import { newCredentials } from './take-credentials.ts'
import { afterSending, isNoneLeft, noneLeft } from './take-own-policies.ts'
import { newPortalContent, refuseTakenHostname } from './write-portal.ts'
import { identityOf, isStdio, newServerContent, placeFor, programOf } from './write-server.ts'

export async function applyServers(applying: Applying): Promise<void> {
  for (const [index, shape] of applying.shapes.servers.entries()) {
    await under(`servers.${index}`, () => applyServer(applying, shape))
  }
}

async function applyServer({ needs, trx, author, note }: Applying, shape: ServerCreate): Promise<void> {
  const { store, sealer } = needs
  const identity = identityOf(shape, needs.config.stdio)
  if (!isStdio(shape.hostname)) refuseDestination(needs.egress, shape.hostname, shape.allow_private ?? [])
  const written = await newServerContent(trx, shape)
  const credentials = newCredentials(shape, placeFor(needs, shape))
  const before = await readServer(trx, shape.id)
  const isSame = before !== undefined && sameIdentity(before, identity)
  const policies = isSame ? afterSending(before.policies, written.policies ?? [], shape.own_policies) : written.policies
  const content = { ...written, policies }
  if (isNoneLeft(content) && shape.own_policies === undefined) needs.log.warn({ server: shape.id }, noneLeft(shape.id))
  if (isSame) {
    const stored = await readServerSecretsIfOpen(trx, sealer, before.uid)
    const change = changeOf({ content, ...credentials }, stored)
    if (before.origin === 'file' && same(serverContent(before), content) && !hasSecrets(change)) return
    await note('update', 'server', shape.id)
    await updateServer(store, trx, before.uid, { change, author, sealer })
    if (isMoved(shape, before, credentials.secrets, stored)) await forgetConnections(store, trx, sealer, before.uid)
    return
  }
  // Another address or command is another server, and inherits nothing of the one that had the name.
  if (before !== undefined) {
    await note('remove', 'server', shape.id)
    await forgetApp(store, trx, before.uid)
    await deleteServer(store, trx, before.uid)
  }
  await note('create', 'server', shape.id)
  await insertServer(store, trx, { identity, content, ...credentials }, { author, sealer })
}

export async function applyPortals(applying: Applying): Promise<void> {
  const { needs, trx, author, note } = applying
  for (const [index, shape] of applying.shapes.portals.entries()) {
    await under(`portals.${index}`, async () => {
      const content = await newPortalContent(trx, shape)
      const before = await readPortal(trx, shape.id)
      const others = (await listPortals(trx)).filter((portal) => portal.id !== shape.id)
      refuseTakenHostname(others, content.hostname)
      if (before === undefined) {
        await note('create', 'portal', shape.id)
        await insertPortal(needs.store, trx, { id: shape.id as PortalId, ...content }, author)
      } else if (before.origin !== 'file' || !same(portalContent(before), content)) {
        await note('update', 'portal', shape.id)
        await updatePortal(needs.store, trx, before.uid, { content, author })
      }
    })
  }
}

/** Says where in the file a refusal belongs. */
export async function under(path: string, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (!(error instanceof ApiRefusal)) throw error
    throw new ApiRefusal(error.kind, ...error.problems.map(({ message }) => `${path}.${message}`))
  }
}

function changeOf(
  wanted: {
    content: ServerContent
    secrets: ServerSecrets
    authenticationStatus: StoredServer['authenticationStatus']
  },
  stored: ServerSecrets | null,
): ServerChange {
  const secrets: Partial<ServerSecrets> = {}
  if (wanted.secrets.authCredentials !== stored?.authCredentials)
    secrets.authCredentials = wanted.secrets.authCredentials
  if (wanted.secrets.clientSecret !== stored?.clientSecret) secrets.clientSecret = wanted.secrets.clientSecret
  if (!same(wanted.secrets.env, stored?.env)) secrets.env = wanted.secrets.env
  if (Object.keys(secrets).length === 0) return { content: wanted.content, secrets }
  return { content: wanted.content, secrets, authenticationStatus: wanted.authenticationStatus }
}

/** What was connected was given for something else than the file names now. */
function isMoved(
  shape: ServerCreate,
  before: StoredServer,
  wanted: ServerSecrets,
  stored: ServerSecrets | null,
): boolean {
  if (shape.auth_type !== 'oauth') return false
  // A seal that does not open says nothing of what stood there.
  if (stored === null) return before.hasAuthCredentials || wanted.authCredentials !== null
  if (groundOf(wanted.authCredentials) !== groundOf(stored.authCredentials)) return true
  // What the portal gets by itself it gets anew, with the rights that the file names now.
  const isSelfMade = before.authMode === 'client_credentials' || before.authMode === 'enterprise'
  return (
    isSelfMade && (wanted.authCredentials !== stored.authCredentials || wanted.clientSecret !== stored.clientSecret)
  )
}

function groundOf(credentials: string | null): string {
  const written = credentials === null ? null : parseWrittenOauth(credentials)
  return connectionGround(typeof written === 'string' ? null : written)
}

function hasSecrets(change: ServerChange): boolean {
  return Object.keys(change.secrets).length > 0
}

function sameIdentity(before: StoredServer, identity: ReturnType<typeof identityOf>): boolean {
  const program = before.transport === null ? null : programOf(before.transport)
  return (
    before.hostname === identity.hostname && before.authType === identity.authType && same(program, identity.transport)
  )
}

/** Both sides are made member by member in one order, so equal text is equal content. */
export function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

function serverContent(server: StoredServer): ServerContent {
  return {
    name: server.name,
    description: server.description,
    isolation: server.isolation,
    allowPrivate: server.allowPrivate,
    deadlines: server.deadlines,
    relay: server.relay,
    resources: server.resources,
    updatedTools: server.updatedTools,
    updatedPrompts: server.updatedPrompts,
    policies: server.policies,
    definitions: server.definitions,
    instructions: server.instructions,
    identityWish: server.identityWish,
    labels: server.labels,
    limits: server.limits,
    bypassCredential: server.bypassCredential,
    sharedOauthCallback: server.sharedOauthCallback,
    secureWebGateway: server.secureWebGateway,
  }
}

function portalContent(portal: PortalRecord): PortalContent {
  return {
    hostname: portal.hostname,
    name: portal.name,
    description: portal.description,
    codeMode: portal.codeMode,
    contextMode: portal.contextMode,
    secureWebGateway: portal.secureWebGateway,
    policies: portal.policies,
    serviceTokenHeader: portal.serviceTokenHeader,
    clientPolicy: portal.clientPolicy,
    limits: portal.limits,
    mappings: portal.mappings,
  }
}
