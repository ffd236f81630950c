/** `completion/complete`: routed by what it refers to, so that a denied prompt or template completes nothing. */
import type { Json, JsonObject } from '../protocol/model.ts'
import type { Entry } from './catalog.ts'
import { type Outcome, passCheckpoint } from './checkpoint.ts'
import { reachUnasked } from './connect.ts'
import type { Errand } from './errand.ts'
import { badInput, isObject } from './read-params.ts'
import { askableAt } from './relay-askable.ts'
import type { Rooms } from './rooms.ts'
import type { Scene } from './scene.ts'
import type { Asking } from './send-to-owner.ts'
import { findTarget, type Target } from './target.ts'
import type { Visit } from './visit.ts'

export function complete(visit: Visit, errand: Errand, rooms: Rooms): Promise<Outcome> {
  const { method, params } = errand.request
  const { ref, argument, context } = params
  const target = referredTo(visit, ref)
  if (!target) {
    const expected = '"ref" must be {"type":"ref/prompt","name":…} or {"type":"ref/resource","uri":…}.'
    return badInput(visit, errand, rooms, expected)
  }
  if (!isObject(argument)) return badInput(visit, errand, rooms, '"argument" must be {"name":…,"value":…}.')
  return passCheckpoint({ method, target }, { visit, errand, rooms }, (scene) => {
    if (target.kind !== 'capability') throw new Error(`the checkpoint let through a target of kind ${target.kind}`)
    const { kind, original } = target.entry
    const sent: JsonObject = {
      ref: kind === 'prompt' ? { type: 'ref/prompt', name: original } : { type: 'ref/resource', uri: original },
      argument,
      ...(isObject(context) ? { context } : {}),
    }
    return reachUnasked(target.entry, sent, scene, declaring(target.entry, scene))
  })
}

/** A server that lists it only to clients that can be asked knows it only in a session that says so; nothing is asked here. */
function declaring({ server, definition }: Entry, { visit, errand, rooms }: Scene): Asking | undefined {
  if (definition.needs === undefined) return undefined
  const askable = askableAt(server, { visit, errand, era: rooms.upstreams.inventory(server.uid)?.era ?? null })
  return askable === null ? undefined : { askable }
}

/** A resource reference names a template exactly as it is listed, or a listed resource. */
function referredTo(visit: Visit, ref: Json | undefined): Target | undefined {
  if (!isObject(ref)) return undefined
  if (ref.type === 'ref/prompt' && typeof ref.name === 'string') return findTarget(visit, 'prompt', ref.name)
  if (ref.type !== 'ref/resource' || typeof ref.uri !== 'string') return undefined
  const template = findTarget(visit, 'template', ref.uri)
  return template.kind === 'capability' ? template : findTarget(visit, 'resource', ref.uri)
}
