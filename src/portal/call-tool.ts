/** `tools/call`: one of the portal's own tools, or one of a server's; either way the checkpoint decides whether it runs. */

import { checkParamHeaders } from '../protocol/era-2026/param-headers.ts'
import type { JsonObject } from '../protocol/model.ts'
import { BUILTINS } from './builtin.ts'
import { type Outcome, type Performed, passCheckpoint } from './checkpoint.ts'
import { reachOwner } from './connect.ts'
import type { Errand } from './errand.ts'
import { badInput, isObject } from './read-params.ts'
import type { Rooms } from './rooms.ts'
import type { Scene } from './scene.ts'
import { findTarget } from './target.ts'
import { takeTask } from './tasks.ts'
import type { Visit } from './visit.ts'

export function callTool(visit: Visit, errand: Errand, rooms: Rooms): Promise<Outcome> {
  const { method, params } = errand.request
  const { name, arguments: input = {} } = params
  if (typeof name !== 'string') return badInput(visit, errand, rooms, '"name" must be the name of a tool.')
  if (!isObject(input)) return badInput(visit, errand, rooms, '"arguments" must be an object.')
  const target = findTarget(visit, 'tool', name)
  return passCheckpoint({ method, target, input, asks: true }, { visit, errand, rooms }, (scene) =>
    perform(input, scene),
  )
}

async function perform(input: JsonObject, scene: Scene): Promise<Performed> {
  const { errand, target } = scene
  if (target.kind === 'builtin') {
    const done = await BUILTINS.get(target.name)?.run(input, scene)
    if (done === undefined) throw new Error(`there is no built-in tool ${target.name}`)
    return { ...done, credential: null, upstreamMs: 0 }
  }
  if (target.kind !== 'capability') throw new Error(`the checkpoint let through a target of kind ${target.kind}`)
  const { entry } = target
  // Only now: before the decision, a header error would tell a forbidden tool from an unknown one.
  const wrong = errand.headers && checkParamHeaders(entry.listed, input, errand.headers)
  if (wrong) return { reply: { kind: 'error', error: wrong }, credential: null, upstreamMs: 0 }
  const reached = reachOwner(entry, { name: entry.original, arguments: input }, scene)
  // Only who declared an extension gets a task, so nearly every call is spared the look.
  const { extensions } = scene.visit.client.capabilities
  return extensions === undefined ? reached : reached.then((done) => takeTask(done, entry, scene))
}
