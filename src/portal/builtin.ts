/**
 * The portal's own tools. They speak of the caller's own view only: a server that a policy hides is not named, not
 * counted and not switchable.
 */
import type { JsonObject } from '../protocol/model.ts'
import type { Upstreams } from '../upstream/model.ts'
import type { Toggles } from './toggles.ts'
import type { Visit } from './visit.ts'

export interface BuiltinRooms {
  upstreams: Upstreams
  toggles: Toggles
}

interface Builtin {
  definition: JsonObject
  run(input: JsonObject, visit: Visit, rooms: BuiltinRooms): Promise<JsonObject> | JsonObject
}

const LIST_SERVERS: Builtin = {
  definition: {
    name: 'portal_list_servers',
    title: 'List servers',
    description:
      'Lists the servers behind this portal that you may use: id, name, whether it is switched on for you, its state, and why it is down if it is. While its circuit is open, calls to it fail at once; it is asked again at asked_again_at. Tools are named {server id}_{tool}.',
    inputSchema: { type: 'object', properties: {}, additionalProperties: false },
    annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  },
  run(_input, visit, rooms) {
    const servers = usable(visit).map(({ uid, id, name }) => {
      const { status, error, circuit } = rooms.upstreams.health(uid)
      const { state, nextProbe } = circuit
      const again = nextProbe === null ? {} : { asked_again_at: new Date(nextProbe).toISOString() }
      return { id, name, enabled: !visit.switchedOff.has(uid), status, error, circuit: state, ...again }
    })
    return answer({ servers })
  },
}

const TOGGLE: Builtin = {
  definition: {
    name: 'portal_toggle_single_server',
    title: 'Switch a server on or off',
    description:
      'Switches one server on ("toggle") or off ("untoggle") for you. While it is off its tools, prompts and resources are neither listed nor reachable. Nobody else is affected.',
    inputSchema: {
      type: 'object',
      properties: {
        server_id: { type: 'string', description: 'An id from portal_list_servers.' },
        action: { type: 'string', enum: ['toggle', 'untoggle'], description: '"toggle" for on, "untoggle" for off.' },
      },
      required: ['server_id', 'action'],
      additionalProperties: false,
    },
    annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  },
  async run(input, visit, rooms) {
    const { server_id: id, action } = input
    if (action !== 'toggle' && action !== 'untoggle') {
      return mistake('"action" must be "toggle" (switch on) or "untoggle" (switch off).')
    }
    const server = usable(visit).find((candidate) => candidate.id === id)
    if (!server) return mistake('There is no such server for you here. Call portal_list_servers for the ids.')
    const enabled = action === 'toggle'
    await rooms.toggles.set(visit.owner, server.uid, enabled)
    return answer({ id: server.id, name: server.name, enabled })
  },
}

export const BUILTINS: ReadonlyMap<string, Builtin> = new Map([
  ['portal_list_servers', LIST_SERVERS],
  ['portal_toggle_single_server', TOGGLE],
])

/** Listed definitions, as JSON texts. */
export const BUILTIN_LIST: readonly string[] = [...BUILTINS.values()].map(({ definition }) =>
  JSON.stringify(definition),
)

/** What the policies let this caller reach, switched on or not. */
function usable(visit: Visit) {
  return visit.spec.servers.filter(({ uid }) => visit.access.servers.get(uid)?.allow === true)
}

function answer(value: JsonObject): JsonObject {
  return { content: [{ type: 'text', text: JSON.stringify(value) }], structuredContent: value }
}

function mistake(text: string): JsonObject {
  return { content: [{ type: 'text', text }], isError: true }
}
