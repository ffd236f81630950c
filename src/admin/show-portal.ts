/** A portal as the API shows it, with the servers behind it in the order that was sent. */
import type { CapabilityOverride } from '../contract/capability-override.ts'
import { showLimits } from '../contract/limits-on-calls.ts'
import type { PortalServerShown, PortalShown, PortalSummary } from '../contract/portal.ts'
import type { Detail, ServerShown } from '../contract/server.ts'
import type { PortalRecord, ServerMapping } from '../portal/portal-store.ts'
import { listServers } from '../upstream/server-store.ts'
import type { AdminDeps } from './deps.ts'
import { readBriefServers } from './overview-store.ts'
import { showServers } from './show-server.ts'
import { shownStamps } from './times.ts'

export async function showPortals(
  needs: Pick<AdminDeps, 'store' | 'sealer' | 'issuer' | 'upstreams'>,
  portals: readonly PortalRecord[],
  detail?: Detail,
): Promise<PortalShown[]> {
  const wanted = new Set(portals.flatMap((portal) => portal.mappings.map((mapping) => mapping.serverUid)))
  const servers = (await listServers(needs.store.db)).filter((server) => wanted.has(server.uid))
  const shown = await showServers(needs, servers, detail)
  const byUid = new Map(servers.map((server, index) => [server.uid, shown[index]]))
  return portals.map((portal) => ({
    ...showPortalAlone(portal),
    servers: portal.mappings.flatMap((mapping) => {
      const server = byUid.get(mapping.serverUid)
      return server === undefined ? [] : [showMapping(mapping, server)]
    }),
  }))
}

export async function showPortal(
  needs: Pick<AdminDeps, 'store' | 'sealer' | 'issuer' | 'upstreams'>,
  portal: PortalRecord,
  detail?: Detail,
): Promise<PortalShown> {
  const [shown] = await showPortals(needs, [portal], detail)
  if (shown === undefined) throw new Error('a portal that was given was not shown')
  return shown
}

/** Counted from memory: a list of portals costs little, whatever is in them. */
export async function summarizePortals(
  { store, upstreams }: Pick<AdminDeps, 'store' | 'upstreams'>,
  portals: readonly PortalRecord[],
): Promise<PortalSummary[]> {
  const ids = new Map((await readBriefServers(store.db)).map(({ uid, id }) => [uid, id]))
  return portals.map((portal) => {
    const lists = portal.mappings.map(({ serverUid }) => upstreams.inventory(serverUid))
    return {
      ...showPortalAlone(portal),
      server_ids: portal.mappings.flatMap(({ serverUid }) => ids.get(serverUid) ?? []),
      tool_count: lists.reduce((sum, list) => sum + (list?.tools.length ?? 0), 0),
      prompt_count: lists.reduce((sum, list) => sum + (list?.prompts.length ?? 0), 0),
    }
  })
}

/** As a delete answers it. */
export function showPortalAlone(portal: PortalRecord): Omit<PortalShown, 'servers'> {
  return {
    id: portal.id,
    hostname: portal.hostname,
    name: portal.name,
    ...(portal.description === null ? {} : { description: portal.description }),
    code_mode: portal.codeMode,
    allow_code_mode: portal.codeMode !== 'off',
    optimize_context: portal.contextMode,
    secure_web_gateway: portal.secureWebGateway,
    policies: [...portal.policies],
    limits: showLimits(portal.limits),
    ...(portal.serviceTokenHeader === null ? {} : { read_service_tokens_from_header: portal.serviceTokenHeader }),
    ...(portal.clientPolicy === null ? {} : { oauth_configuration: JSON.parse(portal.clientPolicy) }),
    ...shownStamps(portal),
  }
}

function showMapping(mapping: ServerMapping, server: ServerShown): PortalServerShown {
  const { updated_tools, updated_prompts, ...rest } = server
  return {
    ...rest,
    server_id: server.id,
    default_disabled: mapping.defaultDisabled,
    on_behalf: mapping.onBehalf,
    ...(mapping.updatedTools === null ? {} : { updated_tools: bothLevels(mapping.updatedTools, updated_tools) }),
    ...(mapping.updatedPrompts === null
      ? {}
      : { updated_prompts: bothLevels(mapping.updatedPrompts, updated_prompts) }),
  }
}

function bothLevels(own: readonly CapabilityOverride[], servers: readonly CapabilityOverride[] = []) {
  const byName = new Map(servers.map((override) => [override.name, override]))
  return own.map(({ name, enabled, alias, description }) => {
    const below = byName.get(name)
    return {
      name,
      enabled,
      portal_alias: alias,
      portal_description: description,
      server_alias: below?.alias,
      server_description: below?.description,
    }
  })
}
