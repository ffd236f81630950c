/** `resources/read`: a listed resource, or a URI that exactly one server's template covers. Nothing is ever tried at server after server. */
import { type Outcome, passCheckpoint } from './checkpoint.ts'
import { reachOwner } from './connect.ts'
import type { Errand } from './errand.ts'
import { withKeepers } from './keepers.ts'
import { badInput } from './read-params.ts'
import type { Rooms } from './rooms.ts'
import { findTarget, ownUri } from './target.ts'
import type { Visit } from './visit.ts'

export function readResource(visit: Visit, errand: Errand, rooms: Rooms): Promise<Outcome> {
  const { method, params } = errand.request
  const { uri } = params
  if (typeof uri !== 'string') return badInput(visit, errand, rooms, '"uri" must be the URI of a resource.')
  const target = findTarget(visit, 'resource', uri)
  const input = { uri: ownUri(target, uri) }
  return passCheckpoint({ method, target, input, asks: true }, { visit, errand, rooms }, (scene) => {
    if (target.kind !== 'capability') throw new Error(`the checkpoint let through a target of kind ${target.kind}`)
    const { entry } = target
    const reached = reachOwner(entry, input, scene)
    return reached.then((done) => withKeepers(done, entry, scene))
  })
}
