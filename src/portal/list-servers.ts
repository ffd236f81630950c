/** `portal_list_servers`: what the caller may reach here, whether it is on, how it is, and what is new. */
import type { ServerUid } from '../base/ids.ts'
import type { JsonObject } from '../protocol/model.ts'
import { answer, type BuiltinTool, usable } from './builtin-tool.ts'
import { connectionState } from './connection-state.ts'
import type { Scene } from './scene.ts'

export const LIST_SERVERS: BuiltinTool = {
  definition: {
    name: 'portal_list_servers',
    title: 'List servers',
    description:
      'Lists the servers that you may use: whether each is switched on for you, its state, why it is down and when it is asked again, whose credential calls carry, and where the user mends their own account (connect_url). Those added since you were told last are new. Tools are named {server id}_{tool}.',
    inputSchema: { type: 'object', properties: {}, additionalProperties: false },
    annotations: { readOnlyHint: true, openWorldHint: false },
  },
  async run(_input, scene) {
    const { visit, rooms } = scene
    const uids = usable(visit).map(({ uid }) => uid)
    await readConnections(scene)
    const fresh = await rooms.announcements.take(visit.principal.grant, uids)
    const { switchedOff } = visit
    return { reply: answer({ servers: listServers(scene, { switchedOff, fresh }), ...noteOf(scene, fresh) }) }
  },
}

/** Before `listServers`. */
export async function readConnections({ visit, rooms }: Pick<Scene, 'visit' | 'rooms'>): Promise<void> {
  const own = usable(visit).flatMap(({ uid, onBehalf }) => (onBehalf ? [uid] : []))
  if (own.length > 0) await rooms.upstreams.readOwn(visit.principal, own)
}

export function listServers(
  { visit, rooms }: Pick<Scene, 'visit' | 'rooms'>,
  { switchedOff, fresh }: { switchedOff: ReadonlySet<ServerUid>; fresh?: ReadonlySet<ServerUid> },
): JsonObject[] {
  return usable(visit).map((server) => {
    const { uid, id, name } = server
    const { status, error, circuit } = rooms.upstreams.health(uid)
    const { state, nextProbe } = circuit
    const again = nextProbe === null ? {} : { asked_again_at: new Date(nextProbe).toISOString() }
    const isNew = fresh?.has(uid) ? { new: true } : {}
    const connection = connectionState(server, { visit, rooms })
    return { id, name, enabled: !switchedOff.has(uid), ...isNew, status, error, circuit: state, ...again, connection }
  })
}

/** One remark for all that came together; it is made once. */
function noteOf({ visit }: Scene, fresh: ReadonlySet<ServerUid>): JsonObject {
  if (fresh.size === 0) return {}
  const ids = usable(visit).flatMap(({ uid, id }) => (fresh.has(uid) ? [id] : []))
  const what = ids.length === 1 ? 'A server was added' : `${ids.length} servers were added`
  return {
    note: `${what} since you were told last: ${ids.join(', ')}. Tell the user; portal_toggle_servers gives them a page to switch servers on and off.`,
  }
}
