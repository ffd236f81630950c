/** `portal_toggle_servers`: gives the person a page on which they switch their servers themselves. */
import { LIMITS } from '../config/limits.ts'
import type { Reply } from '../protocol/model.ts'
import { ask } from './ask.ts'
import { answer, type BuiltinTool, mistake, told } from './builtin-tool.ts'
import { listServers, readConnections } from './list-servers.ts'
import type { Scene } from './scene.ts'
import { SELECTION, selectionLink } from './selection.ts'

const MINUTES = LIMITS.page_link.value / 60_000

export const TOGGLE_SERVERS: BuiltinTool = {
  definition: {
    name: 'portal_toggle_servers',
    title: 'Let the user choose servers',
    description:
      'Gives the user a page on which they switch servers on and off for this client: when they want to choose, or one is off because they switched it off.',
    inputSchema: { type: 'object', properties: {}, additionalProperties: false },
    annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  },
  async run(_input, scene) {
    if (scene.visit.principal.kind !== 'user') {
      return { reply: mistake('A service token has no user who could sign in. Use portal_toggle_single_server.') }
    }
    const message = `Choose which servers of “${scene.visit.spec.name}” this client may use.`
    const asked = await ask({ kind: SELECTION, message, link: () => selectionLink(scene) }, scene)
    if (asked.kind === 'returned') return { reply: asked.reply }
    if (asked.kind === 'unable') return { reply: asked.url === null ? asked.reply : linkOf(asked.url) }
    return { reply: await stateOf(asked.action === 'accept', scene) }
  },
}

/** Not an error: the link is what was asked for. */
function linkOf(url: string): Reply {
  const text = `Give the user this link; they switch servers on and off there. It is for them alone and works for ${MINUTES} minutes: ${url}`
  return told(text, { url, expires_in_seconds: MINUTES * 60 })
}

/** To have opened the page is not to have changed anything: how it stands is read anew. */
async function stateOf(opened: boolean, scene: Scene): Promise<Reply> {
  const { visit, rooms } = scene
  const switchedOff = await rooms.toggles.load(visit.owner)
  await readConnections(scene)
  const note = opened
    ? 'The user has the page. What they change there is in force at once; portal_list_servers shows it.'
    : 'The user did not open the page, and nothing was changed.'
  return answer({ note, servers: listServers(scene, { switchedOff }) })
}
