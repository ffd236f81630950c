/** What a state that a client carries is good for. It is the seal's additional data, so a state for anything else does not even open. */
import { digest } from '../base/secret.ts'
import { withoutRound } from '../protocol/era-2026/question.ts'
import type { Request } from '../protocol/model.ts'
import { canonical } from '../upstream/definitions.ts'
import type { Asked } from './questions.ts'
import type { Target } from './target.ts'

/**
 * The owner of a name is part of it, for one name is two tools on two mounts; so is the definition, for what a person
 * agreed to is what they were shown.
 *
 * @param isMounted whether it was asked at a mount of the server, and not at the portal: a bare name may be the same at both
 */
export function bindingOf(
  { principal, owner, portalUid }: Asked,
  target: Target,
  { method, params }: Pick<Request, 'method' | 'params'>,
  isMounted: boolean,
): string {
  const about =
    target.kind === 'capability'
      ? [target.entry.server.uid, target.entry.kind, target.entry.original, target.entry.hash]
      : [target.kind, target.name]
  const place = [portalUid, isMounted]
  return digest(JSON.stringify([principal, owner, place, method, about, canonical(withoutRound(params))]))
}
