/** What a request brings along from an earlier try is judged before anything is done for it; nearly every request brings nothing. */
import { addresseeOf, resume } from './ask.ts'
import { bindingOf } from './binding.ts'
import type { Performed } from './checkpoint.ts'
import { RELAY } from './questions.ts'
import type { Scene } from './scene.ts'

export function isResumed({ errand }: Scene): boolean {
  const { params } = errand.request
  return params.requestState !== undefined || params.inputResponses !== undefined
}

/** Whether the request comes back to a call that waits at its server. Nothing is used up. */
export function waitsAtServer({ visit, errand, rooms, target }: Scene): boolean {
  const { requestState: state } = errand.request.params
  if (visit.client.era !== '2026' || typeof state !== 'string') return false
  const binding = bindingOf(addresseeOf({ visit }), target, errand.request, visit.mounted)
  const carried = rooms.questions.peek(binding, state)
  return carried?.kind === RELAY && typeof carried.notes[RELAY]?.park === 'string'
}

/** @returns the scene with the answers that count, or what the caller gets instead */
export async function resumed(scene: Scene): Promise<Scene | Performed> {
  const next = await resume(scene)
  return 'code' in next ? { reply: { kind: 'error', error: next }, credential: null, upstreamMs: 0 } : next
}
