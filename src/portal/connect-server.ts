/** `portal_connect_server`: asks the user to connect their own account at a server, before a call needs it or once more. */
import { Fault } from '../base/fault.ts'
import type { JsonObject, Reply } from '../protocol/model.ts'
import { ConnectionNeeded } from '../upstream/connections/model.ts'
import { answer, type BuiltinTool, type Done, mistake, told, usable } from './builtin-tool.ts'
import { connected } from './connect.ts'
import { mayDo, type Turn } from './connect-turn.ts'
import { connectionNow } from './connect-wait.ts'
import { connectionState } from './connection-state.ts'
import type { Scene } from './scene.ts'
import type { ServerSpec } from './spec.ts'

export const CONNECT_SERVER: BuiltinTool = {
  definition: {
    name: 'portal_connect_server',
    title: 'Connect a server',
    description:
      'Asks the user to connect their own account at a server that calls use it at ("yours" in portal_list_servers), or to connect it anew. Calls ask by themselves where it is missing.',
    inputSchema: {
      type: 'object',
      properties: { server: { type: 'string' } },
      required: ['server'],
      additionalProperties: false,
    },
    annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: true, openWorldHint: true },
  },
  // Personal servers are not there for anybody but people, so who has one has an account to connect.
  isFor: ({ spec, visible }) => spec.servers.some(({ onBehalf }, index) => onBehalf && visible.has[index] === true),
  run(input, scene) {
    const { visit, rooms } = scene
    const { principal } = visit
    const server = usable(visit).find(({ id }) => id === input.server)
    if (!server)
      return { reply: mistake('There is no such server for you here. Call portal_list_servers for the ids.') }
    if (!server.onBehalf || principal.kind !== 'user') {
      return { reply: mistake(`${server.name} takes no account of the user's own: there is nothing to connect.`) }
    }
    if (rooms.upstreams.desk.offers(server.uid, `user:${principal.id}`) === null) {
      return { reply: mistake(`The portal connects the user to ${server.name} by itself: there is nothing to do.`) }
    }
    return connect(server, scene)
  },
}

const LISTS_MS = 5000

async function connect(server: ServerSpec, scene: Scene): Promise<Done> {
  try {
    const { reply, note, url } = await connected(scene, server, (turn) => stateSince(turn, server, scene))
    const shown = url === undefined || url === null ? reply : linkOf(url, server, scene)
    return note === undefined ? { reply: shown } : { reply: shown, note }
  } catch (error) {
    if (!(error instanceof Fault) || !error.code.startsWith('upstream-')) throw error
    return { reply: answer({ ...stateOf(server, scene), note: error.message }), note: { error: error.code } }
  }
}

/** @throws ConnectionNeeded as long as nothing was connected since the user was asked */
async function stateSince(turn: Turn | null, server: ServerSpec, scene: Scene) {
  const connection = await connectionNow(scene, server.uid)
  if (turn !== null && mayDo(turn, connection)) {
    await readLists(server, scene)
    return { reply: answer(stateOf(server, scene)), credential: null, upstreamMs: 0 }
  }
  const needed = new ConnectionNeeded(connection === null ? 'connect' : 'reconnect', server)
  if (connection?.status === 'ready') {
    needed.message = `Connect your account at ${server.name} again, or another one of yours.`
  }
  throw needed
}

/** What the client lists next should have what the account sees. The reading goes on behind the answer where it takes long. */
async function readLists(server: ServerSpec, { visit, rooms }: Scene): Promise<void> {
  const { principal } = visit
  if (principal.kind !== 'user') return
  let timer: NodeJS.Timeout | undefined
  const patience = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, LISTS_MS)
  })
  await Promise.race([rooms.upstreams.sync(server.uid, `user:${principal.id}`), patience])
  clearTimeout(timer)
}

/** Not an error: the link is what was asked for. */
function linkOf(url: string, server: ServerSpec, scene: Scene): Reply {
  const text = `Give the user this link; they connect their account at ${server.name} there. It is for them alone: ${url}`
  return told(text, { ...stateOf(server, scene), url })
}

function stateOf(server: ServerSpec, scene: Scene): JsonObject {
  const { id, name } = server
  return { id, name, connection: connectionState(server, scene) }
}
