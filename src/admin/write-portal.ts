/** Portals on their way into the store, from the API and from the configuration file alike: one set of checks. */
import type { PortalId, PortalUid } from '../base/ids.ts'
import { readLimits } from '../contract/limits-on-calls.ts'
import type { MappingInput, PortalCreate, PortalUpdate } from '../contract/portal.ts'
import {
  type CodeMode,
  insertPortal,
  listPortals,
  type PortalContent,
  type PortalRecord,
  type ServerMapping,
  updatePortal,
} from '../portal/portal-store.ts'
import type { Author } from '../store/columns.ts'
import type { Db, Trx } from '../store/open.ts'
import { listServers, type StoredServer } from '../upstream/server-store.ts'
import { appIdOf, dropOwnPolicies } from './access-app-store.ts'
import type { AdminDeps } from './deps.ts'
import { readSeenDefinitions, type SeenDefinitions } from './inventory-store.ts'
import { requirePolicies } from './known-policies.ts'
import { refuseUselessUris } from './oauth-clients.ts'
import { isOnBehalfUsually, MACHINE_IS_SHARED } from './on-behalf.ts'
import { conflict, invalid } from './refusal.ts'
import { takeOverrides } from './take-overrides.ts'

type Needs = Pick<AdminDeps, 'store'>

/** @throws ApiRefusal 400, or 409 where the id or the hostname is taken */
export async function addPortal({ store }: Needs, trx: Trx, body: PortalCreate, author: Author): Promise<PortalUid> {
  const others = await listPortals(trx)
  if (others.some((portal) => portal.id === body.id)) {
    throw conflict(`There is already a portal "${body.id}". Update that one, or choose another id.`)
  }
  refuseTakenHostname(others, body.hostname.toLowerCase())
  const content = await newPortalContent(trx, body)
  return insertPortal(store, trx, { id: body.id as PortalId, ...content }, author)
}

/** @throws ApiRefusal 400 */
export async function newPortalContent(db: Db, body: PortalCreate): Promise<PortalContent> {
  return {
    hostname: body.hostname.toLowerCase(),
    name: body.name,
    description: body.description ?? null,
    codeMode: codeModeOf(body, null),
    contextMode: body.optimize_context ?? 'off',
    secureWebGateway: body.secure_web_gateway ?? false,
    policies: await requirePolicies(db, body.policies ?? []),
    serviceTokenHeader: body.read_service_tokens_from_header ?? null,
    clientPolicy: clientPolicyOf(body.oauth_configuration),
    limits: readLimits(body.limits ?? []),
    mappings: await takeMappings(db, body.servers ?? []),
  }
}

/** @throws ApiRefusal 400, or 409 where the hostname is taken */
export async function changePortal(
  { store }: Needs,
  trx: Trx,
  before: PortalRecord,
  { body, author }: { body: PortalUpdate; author: Author },
): Promise<void> {
  if (body.id !== undefined && body.id !== before.id) {
    throw invalid('id', 'cannot change; delete the portal and create another')
  }
  const hostname = body.hostname?.toLowerCase() ?? before.hostname
  if (hostname !== before.hostname) refuseTakenHostname(await listPortals(trx), hostname)
  const content: PortalContent = {
    hostname,
    name: body.name ?? before.name,
    description: body.description === undefined ? before.description : body.description,
    codeMode: codeModeOf(body, before.codeMode),
    contextMode: body.optimize_context ?? before.contextMode,
    secureWebGateway: body.secure_web_gateway ?? before.secureWebGateway,
    policies:
      body.policies === undefined ? before.policies : await requirePolicies(trx, body.policies, appIdOf(before.uid)),
    serviceTokenHeader:
      body.read_service_tokens_from_header === undefined
        ? before.serviceTokenHeader
        : body.read_service_tokens_from_header,
    clientPolicy:
      body.oauth_configuration === undefined ? before.clientPolicy : clientPolicyOf(body.oauth_configuration),
    limits: body.limits === undefined ? before.limits : readLimits(body.limits ?? []),
    mappings: body.servers === undefined ? before.mappings : await takeMappings(trx, body.servers),
  }
  await updatePortal(store, trx, before.uid, { content, author })
  if (body.policies !== undefined) await dropOwnPolicies(store, trx, before.uid, content.policies)
}

export function refuseTakenHostname(others: readonly PortalRecord[], hostname: string): void {
  const owner = others.find((portal) => portal.hostname === hostname)
  if (owner !== undefined) {
    throw conflict(`The hostname "${hostname}" already belongs to the portal "${owner.id}". Choose another.`)
  }
}

/** @throws ApiRefusal 400 */
function clientPolicyOf(rules: PortalCreate['oauth_configuration']): string | null {
  if (rules === undefined || rules === null) return null
  refuseUselessUris(rules, 'oauth_configuration.')
  return JSON.stringify(rules)
}

/** `allow_code_mode` is the field's old name: true is any policy but `off`. */
function codeModeOf(body: Pick<PortalUpdate, 'code_mode' | 'allow_code_mode'>, before: CodeMode | null): CodeMode {
  const { code_mode: mode, allow_code_mode: allowed } = body
  if (mode !== undefined) {
    if (allowed !== undefined && allowed !== (mode !== 'off')) {
      throw invalid('allow_code_mode', `contradicts code_mode "${mode}"; send code_mode alone`)
    }
    return mode
  }
  if (allowed === false) return 'off'
  if (allowed === true) return before === null || before === 'off' ? 'opt_in' : before
  return before ?? 'opt_in'
}

async function takeMappings(db: Db, inputs: readonly MappingInput[]): Promise<readonly ServerMapping[]> {
  if (inputs.length === 0) return []
  const servers = new Map((await listServers(db)).map((server) => [server.id as string, server]))
  const uids = [...servers.values()].map((server) => server.uid)
  const seen = await readSeenDefinitions(db, uids)
  const taken = new Set<string>()
  return inputs.map((input, index) => {
    const path = `servers.${index}`
    const server = namedServer(input, path, servers)
    if (taken.has(server.id)) throw invalid(`${path}.server_id`, `"${server.id}" stands twice in the list`)
    taken.add(server.id)
    return takeMapping(input, path, server, seen.get(server.uid))
  })
}

function namedServer(input: MappingInput, path: string, servers: ReadonlyMap<string, StoredServer>): StoredServer {
  const id = input.server_id ?? input.id
  if (id === undefined) throw invalid(`${path}.server_id`, 'is required')
  if (input.id !== undefined && input.id !== id) throw invalid(`${path}.id`, 'names another server than server_id')
  const server = servers.get(id)
  if (server === undefined) throw invalid(`${path}.server_id`, 'names no server; create it first')
  return server
}

function takeMapping(
  input: MappingInput,
  path: string,
  server: StoredServer,
  seen: SeenDefinitions | undefined,
): ServerMapping {
  const onBehalf = input.on_behalf ?? isOnBehalfUsually(server)
  if (onBehalf && server.authMode === 'client_credentials') throw invalid(`${path}.on_behalf`, MACHINE_IS_SHARED)
  return {
    serverUid: server.uid,
    defaultDisabled: input.default_disabled ?? false,
    onBehalf,
    updatedTools: takeOverrides('portal', input.updated_tools, `${path}.updated_tools`, seen?.tools),
    updatedPrompts: takeOverrides('portal', input.updated_prompts, `${path}.updated_prompts`, seen?.prompts),
  }
}
