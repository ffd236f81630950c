/** What one of the portal's own tools is made of. They speak of the caller's own view only: a server that a policy hides is not named, not counted and not switchable. */
import { toolError } from '../protocol/errors.ts'
import type { JsonObject, Reply } from '../protocol/model.ts'
import { fromPortal } from '../protocol/portal-mark.ts'
import type { Performed } from './checkpoint.ts'
import type { Mode } from './context/mode.ts'
import type { Scene } from './scene.ts'
import type { ServerSpec } from './spec.ts'
import type { Visit } from './visit.ts'

export interface BuiltinTool {
  definition: JsonObject
  /** In which modes it is there, also on a single-server mount; where it does not say: in each, and on whole portals alone. */
  modes?: readonly Mode[]
  /** Who has it; everybody where it does not say. It may depend on nothing but the portal and what the caller sees of it. */
  isFor?(view: Pick<Visit, 'spec' | 'visible'>): boolean
  /** What a client of 2026 brings back is not for this tool itself, but for what it calls. */
  passesOn?: true
  run(input: JsonObject, scene: Scene): Promise<Done> | Done
}

export type Done = Pick<Performed, 'reply' | 'note'>

/** What the policies let this caller reach, switched on or not. */
export function usable({
  spec,
  access,
  principal,
}: Pick<Visit, 'spec' | 'access' | 'principal'>): readonly ServerSpec[] {
  const mayHave = (server: ServerSpec) => !server.onBehalf || principal.kind === 'user'
  return spec.servers.filter((server) => access.servers.get(server.uid)?.allow === true && mayHave(server))
}

export function answer(value: JsonObject): Reply {
  return {
    kind: 'result',
    result: { content: [{ type: 'text', text: JSON.stringify(value) }], structuredContent: value },
  }
}

/** @param text for the model: what was wrong and what to do, in the portal's own words, since it bears the portal's mark */
export function mistake(text: string): Reply {
  return toolError(text)
}

/** @param text for the model, in the portal's own words, since it bears the portal's mark @param value the same for programs */
export function told(text: string, value: JsonObject): Reply {
  return { kind: 'result', result: fromPortal({ content: [{ type: 'text', text }], structuredContent: value }) }
}
