/** A server as the API shows it. No secret is ever in what this file is given, except where it asks for the public part. */
import type { ServerUid } from '../base/ids.ts'
import type { CapabilityOverride } from '../contract/capability-override.ts'
import { showLimits } from '../contract/limits-on-calls.ts'
import type { Detail, ServerShown } from '../contract/server.ts'
import type { Definition, ServerHealth } from '../upstream/model.ts'
import { breathe } from '../upstream/pin-store.ts'
import type { StoredServer } from '../upstream/server-store.ts'
import type { AdminDeps } from './deps.ts'
import { countHeld, readSeenDefinitions, type SeenDefinitions } from './inventory-store.ts'
import { credentialsOf } from './show-credential.ts'
import { showDeadlines } from './take-deadlines.ts'
import { showRelay } from './take-relay.ts'
import { shownStamps, shownTime } from './times.ts'

type Needs = Pick<AdminDeps, 'store' | 'sealer' | 'upstreams' | 'issuer'>
type Credential = Awaited<ReturnType<typeof credentialsOf>>[number]

/** @returns the servers in the order given */
export async function showServers(
  needs: Needs,
  servers: readonly StoredServer[],
  detail: Detail = 'full',
): Promise<ServerShown[]> {
  const uids = servers.map((server) => server.uid)
  const seen = await (detail === 'full' ? readSeenDefinitions(needs.store.db, uids) : summarize(needs, uids))
  const credentials = await credentialsOf(needs, servers)
  const shown = servers.map((server, index) => ({
    ...show(server, seen.get(server.uid), credentials[index] ?? { authentication_status: server.authenticationStatus }),
    circuit: circuitOf(needs.upstreams.health(server.uid)),
  }))
  return detail === 'brief' ? withBriefs(needs, servers, shown) : shown
}

export async function showServer(needs: Needs, server: StoredServer, detail?: Detail): Promise<ServerShown> {
  const [shown] = await showServers(needs, [server], detail)
  if (shown === undefined) throw new Error('a server that was given was not shown')
  return shown
}

/** Also from memory, and read a few at a time: of ten thousand tools that takes a tenth of a second, which callers must not wait. */
async function withBriefs(
  { upstreams }: Pick<Needs, 'upstreams'>,
  servers: readonly StoredServer[],
  shown: readonly ServerShown[],
): Promise<ServerShown[]> {
  const told: ServerShown[] = []
  for (const [index, one] of shown.entries()) {
    const uid = servers[index]?.uid
    const known = uid === undefined ? undefined : upstreams.inventory(uid)
    told.push({ ...one, tools: await briefsOf(known?.tools ?? []), prompts: await briefsOf(known?.prompts ?? []) })
  }
  return told
}

const AT_ONCE = 100
/** What people read of a tool or prompt. */
const BRIEF = ['name', 'title', 'description', 'annotations'] as const

async function briefsOf(definitions: readonly Definition[]): Promise<Record<string, unknown>[]> {
  const briefs: Record<string, unknown>[] = []
  for (let from = 0; from < definitions.length; from += AT_ONCE) {
    await breathe()
    for (const whole of parse(definitions.slice(from, from + AT_ONCE)))
      briefs.push(Object.fromEntries(BRIEF.flatMap((member) => (member in whole ? [[member, whole[member]]] : []))))
  }
  return briefs
}

/** From memory, which has the lists as long as there are servers: a page of all servers must not read every definition again. */
async function summarize(
  { store, upstreams }: Needs,
  uids: readonly ServerUid[],
): Promise<ReadonlyMap<string, SeenDefinitions>> {
  const held = await countHeld(store.db, uids)
  return new Map(
    uids.map((uid) => {
      const known = upstreams.inventory(uid)
      const counts = { toolCount: known?.tools.length ?? 0, promptCount: known?.prompts.length ?? 0 }
      const lists = { tools: undefined, prompts: undefined }
      return [uid, { ...lists, ...counts, held: held.get(uid) ?? 0, instructions: known?.instructions ?? null }]
    }),
  )
}

function show(server: StoredServer, seen: SeenDefinitions | undefined, credential: Credential): ServerShown {
  return {
    id: server.id,
    name: server.name,
    hostname: server.hostname,
    auth_type: server.authType,
    description: server.description,
    isolation: server.isolation,
    allow_private: [...server.allowPrivate],
    deadlines: server.deadlines && showDeadlines(server.deadlines),
    relay: showRelay(server.relay),
    resources: { ...server.resources },
    definitions: server.definitions,
    instructions: server.instructions,
    identity_header: server.identityWish?.header ?? null,
    identity_claims: [...(server.identityWish?.claims ?? [])],
    ...(server.identityWish === null ? {} : { identity_audience: server.uid }),
    held_definitions: seen?.held ?? 0,
    ...(seen === undefined || seen.instructions === null ? {} : { upstream_instructions: seen.instructions }),
    ...transportOf(server),
    policies: [...(server.policies ?? [])],
    own_policies: server.policies !== null,
    labels: [...server.labels],
    limits: showLimits(server.limits),
    bypass_credential: server.bypassCredential,
    tools: parse(seen?.tools),
    prompts: parse(seen?.prompts),
    tool_count: seen?.toolCount ?? 0,
    prompt_count: seen?.promptCount ?? 0,
    ...overridesOf(server),
    ...stateOf(server),
    ...credential,
    is_shared_oauth_callback_enabled: server.sharedOauthCallback,
    secure_web_gateway: server.secureWebGateway,
    ...shownStamps(server),
  }
}

function transportOf({ transport }: StoredServer): Pick<ServerShown, 'transport'> {
  if (transport === null) return {}
  const { type, command, args, cwd } = transport
  return { transport: { type, command, args: [...args], ...(cwd === undefined ? {} : { cwd }) } }
}

/** What the admin did not send is absent, and an empty list is empty: Terraform tells the two apart. */
function overridesOf(server: StoredServer): Pick<ServerShown, 'updated_tools' | 'updated_prompts'> {
  return {
    ...(server.updatedTools === null ? {} : { updated_tools: server.updatedTools.map(plain) }),
    ...(server.updatedPrompts === null ? {} : { updated_prompts: server.updatedPrompts.map(plain) }),
  }
}

function plain({ name, enabled, alias, description, labels }: CapabilityOverride) {
  return { name, enabled, alias, description, ...(labels === undefined ? {} : { labels: [...labels] }) }
}

function stateOf(server: StoredServer) {
  return {
    status: server.status,
    ...(server.error === null ? {} : { error: server.error }),
    ...(server.errorDetails === null ? {} : { error_details: server.errorDetails }),
    ...(server.lastSynced === null ? {} : { last_synced: shownTime(server.lastSynced) }),
    ...(server.lastSuccessfulSync === null ? {} : { last_successful_sync: shownTime(server.lastSuccessfulSync) }),
  }
}

function circuitOf({ circuit }: ServerHealth): NonNullable<ServerShown['circuit']> {
  const { state, failures, since, nextProbe } = circuit
  return {
    state,
    failures,
    ...(since === null ? {} : { since: shownTime(since) }),
    ...(nextProbe === null ? {} : { next_probe: shownTime(nextProbe) }),
  }
}

function parse(definitions: readonly Definition[] = []): Record<string, unknown>[] {
  return definitions.map((definition) => JSON.parse(definition.json) as Record<string, unknown>)
}
