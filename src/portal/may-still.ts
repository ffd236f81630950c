/** Whether what waits for its caller between two requests may go on at all: the caller's token stands, and it would be allowed now. */
import type { Scene } from './scene.ts'

export async function mayStill(scene: Scene): Promise<boolean> {
  try {
    if ((await scene.errand.stands?.()) === false) return false
    await scene.decideAgain()
    return true
  } catch {
    // Refused, or not to be told: either way it is not to go on.
    return false
  }
}
