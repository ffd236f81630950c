/**
 * After a wait, what may be done is decided again: by the policies, the curation and the definition of now. What was taken away
 * meanwhile is not carried out, whatever it was when the call came.
 */
import { type Refusal, RefusedLater, refused } from '../base/refusal.ts'
import { allowed, allowedToGoOn, type Ruling } from './allowed.ts'
import type { Scene } from './scene.ts'
import { findTarget, offered, type Target } from './target.ts'
import type { Visit } from './visit.ts'

/** @throws RefusedLater where it would be refused now; the checkpoint makes it the outcome */
export async function decideAgain(scene: Scene): Promise<void> {
  const now = await rulingNow(scene, await scene.visit.anew())
  if (now.kind === 'ruled') return
  scene.end.rule = now.rule
  throw new RefusedLater(now)
}

export interface RuledNow {
  kind: 'ruled'
  visit: Visit
  target: Target
  ruling: Ruling
}

/** @param visit the same caller as of now */
export async function rulingNow(scene: Scene, visit: Visit): Promise<RuledNow | Refusal> {
  const target = sameTarget(scene.target, visit)
  if (target === null) return refused('not-offered')
  const missing = offered(target, visit)
  if (missing) return missing
  const judging = { ...scene, visit, target }
  const ruling = scene.goesOn === true ? allowedToGoOn(judging) : await allowed(judging)
  return ruling.kind === 'refused' ? ruling : { kind: 'ruled', visit, target, ruling }
}

/** What the name means now; null where that is no longer what was asked for. */
function sameTarget(before: Target, visit: Visit): Target | null {
  if (before.kind !== 'capability') return before
  const { kind, server, original, hash } = before.entry
  const now = findTarget(visit, kind === 'template' ? 'resource' : kind, before.name)
  if (now.kind !== 'capability') return null
  const { entry } = now
  const isSame = entry.server.uid === server.uid && entry.original === original && entry.hash === hash
  return isSame ? now : null
}
