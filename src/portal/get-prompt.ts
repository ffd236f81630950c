/** `prompts/get`: one prompt of one server. */
import { type Outcome, passCheckpoint } from './checkpoint.ts'
import { reachOwner } from './connect.ts'
import type { Errand } from './errand.ts'
import { badInput, isObject } from './read-params.ts'
import type { Rooms } from './rooms.ts'
import { findTarget } from './target.ts'
import type { Visit } from './visit.ts'

export function getPrompt(visit: Visit, errand: Errand, rooms: Rooms): Promise<Outcome> {
  const { method, params } = errand.request
  const { name, arguments: input } = params
  if (typeof name !== 'string') return badInput(visit, errand, rooms, '"name" must be the name of a prompt.')
  if (input !== undefined && !isObject(input)) return badInput(visit, errand, rooms, '"arguments" must be an object.')
  const target = findTarget(visit, 'prompt', name)
  return passCheckpoint({ method, target, input: input ?? {}, asks: true }, { visit, errand, rooms }, (scene) => {
    if (target.kind !== 'capability') throw new Error(`the checkpoint let through a target of kind ${target.kind}`)
    const named = { name: target.entry.original }
    const sent = input === undefined ? named : { ...named, arguments: input }
    return reachOwner(target.entry, sent, scene)
  })
}
