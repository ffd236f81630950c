/** A call of one tool as part of another call: what is asked, and what a direct call would have been answered with. */
import { Fault } from '../../base/fault.ts'
import { replyOfFault, replyOfRefusal, replyOfTold } from '../../protocol/errors.ts'
import type { JsonObject, Reply } from '../../protocol/model.ts'
import type { Entry } from '../catalog.ts'
import type { Outcome } from '../checkpoint.ts'
import type { Errand } from '../errand.ts'
import type { Scene } from '../scene.ts'
import type { Visit } from '../visit.ts'

export interface NestedCall {
  /** Public, or bare. */
  name: string
  input: JsonObject
  /** What the name meant to whoever calls: where it means another tool by now, it is nobody's. */
  meant?: Entry
  /** The errand of this call: its request names this tool. */
  errand: Errand
}

/**
 * Passes the checkpoint like any other call: recorded with its parent's id, decided, limited, asked about, performed. There is no
 * shorter way to a tool.
 *
 * @param visit the caller as of now
 * @param scene of the call that it is part of
 */
export type CallNested = (call: NestedCall, visit: Visit, scene: Scene) => Promise<Outcome>

/** @throws what is no fault */
export function replyOfNested(outcome: Outcome, name: string): Reply {
  switch (outcome.kind) {
    case 'answered':
      return outcome.reply
    case 'refused':
      return outcome.told === null ? replyOfRefusal({ kind: 'tool', name }) : replyOfTold(outcome.told, 'tools/call')
    case 'failed':
      if (outcome.error instanceof Fault) return replyOfFault(outcome.error, 'tools/call')
      throw outcome.error
  }
}
