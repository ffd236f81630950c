/** What a request brings along from an earlier try is judged before anything is done for it; nearly every request brings nothing. */
import { resume } from './ask.ts'
import type { Performed } from './checkpoint.ts'
import type { Scene } from './scene.ts'

export function isResumed({ errand }: Scene): boolean {
  const { params } = errand.request
  return params.requestState !== undefined || params.inputResponses !== undefined
}

/** @returns the scene with the answers that count, or what the caller gets instead */
export async function resumed(scene: Scene): Promise<Scene | Performed> {
  const next = await resume(scene)
  return 'code' in next ? { reply: { kind: 'error', error: next }, credential: null, upstreamMs: 0 } : next
}
