/** `portal_toggle_single_server`: the model's switch. What a person switched off on the page, only a person switches on. */
import { ask } from './ask.ts'
import { answer, type BuiltinTool, type Done, mistake, usable } from './builtin-tool.ts'
import type { Scene } from './scene.ts'
import { selectionLink } from './selection.ts'
import type { ServerSpec } from './spec.ts'

export const TOGGLE_SERVER: BuiltinTool = {
  definition: {
    name: 'portal_toggle_single_server',
    title: 'Switch a server on or off',
    description:
      'Switches one server on ("toggle") or off ("untoggle") for you alone. While it is off, nothing of it is listed or reachable. What the user switched off, only they switch on again.',
    inputSchema: {
      type: 'object',
      properties: {
        server_id: { type: 'string' },
        action: { type: 'string', enum: ['toggle', 'untoggle'] },
      },
      required: ['server_id', 'action'],
      additionalProperties: false,
    },
    annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  },
  async run(input, scene) {
    const { server_id: id, action } = input
    if (action !== 'toggle' && action !== 'untoggle') {
      return { reply: mistake('"action" must be "toggle" (switch on) or "untoggle" (switch off).') }
    }
    const server = usable(scene.visit).find((candidate) => candidate.id === id)
    if (!server) {
      return { reply: mistake('There is no such server for you here. Call portal_list_servers for the ids.') }
    }
    return (await flip(server, action === 'toggle', scene)) ?? leaveToPerson(server, scene)
  },
}

/** @returns undefined where a person has switched it off and it is to be on */
async function flip(server: ServerSpec, enabled: boolean, { visit, rooms }: Scene): Promise<Done | undefined> {
  const set = await rooms.toggles.set(visit.owner, new Map([[server.uid, enabled]]), 'model')
  if (set.length === 0 && enabled) return undefined
  const change = { object: 'switches', id: visit.owner, fields: [`${server.id}: ${enabled ? 'on' : 'off'}`] }
  const reply = answer({ id: server.id, name: server.name, enabled })
  // Off already, by a person: it is as it was asked for, and nothing was changed.
  return set.length === 0 ? { reply } : { reply, note: { change } }
}

/** Nothing is switched here: the person is asked to do it, and what they did is looked at afterwards. */
async function leaveToPerson(server: ServerSpec, scene: Scene): Promise<Done> {
  const note = { error: 'switched-off-by-person' }
  const message = `${server.name} was switched off by its user, and only they switch it on again.`
  const asked = await ask({ kind: 'switch-on', message, link: () => selectionLink(scene) }, scene)
  if (asked.kind !== 'answered') return { reply: asked.reply, note }
  const again = asked.action === 'accept' ? await flip(server, true, scene) : undefined
  if (again !== undefined) return again
  const advice =
    asked.action === 'accept'
      ? 'Once they have done it on the page that was opened, go on.'
      : 'They did not open the page. Leave it off unless they say otherwise.'
  return { reply: mistake(`${message} ${advice}`), note }
}
