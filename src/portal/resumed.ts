/** What a request brings along from an earlier try is judged before anything is done for it; nearly every request brings nothing. */
import { resume } from './ask.ts'
import type { Performed } from './checkpoint.ts'
import type { Scene } from './scene.ts'

export function resumed(scene: Scene, perform: (scene: Scene) => Promise<Performed>): Promise<Performed> {
  const { params } = scene.errand.request
  if (params.requestState === undefined && params.inputResponses === undefined) return perform(scene)
  return judge(scene, perform)
}

async function judge(scene: Scene, perform: (scene: Scene) => Promise<Performed>): Promise<Performed> {
  const next = await resume(scene)
  return 'code' in next ? { reply: { kind: 'error', error: next }, credential: null, upstreamMs: 0 } : perform(next)
}
