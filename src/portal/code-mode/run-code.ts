/** Runs code whose calls are this caller's: what it may call is what the caller may, and it ends with the caller's request. */
import type { Cancellation } from '../../base/cancel.ts'
import { principalKey } from '../../base/principal.ts'
import type { Json } from '../../protocol/model.ts'
import type { Job, Nested, RunEnd } from '../../sandbox/model.ts'
import type { Scene } from '../scene.ts'
import { callFromCode, type Reach } from './call-from-code.ts'
import { ToolFailed } from './unwrap.ts'

export interface Run {
  /** Ends it. */
  cancel: Cancellation
  /** For one nested call. */
  reach(): Reach
}

/** @param code as `normaliseCode` made it */
export async function runCode(code: string, scene: Scene, { cancel, reach: reachOf }: Run): Promise<RunEnd> {
  const { rooms, visit } = scene
  const tools = rooms.toolViews.of(visit).inCode
  const over = new AbortController()
  const bugs: unknown[] = []
  const follow = () => cancel.listen((reason) => over.abort(reason))
  follow()
  const call = async (name: string, input: Json, nested: Nested) => {
    const reach = followed(reachOf(), follow)
    if ((await reach.stands?.()) === false) {
      over.abort('the credential was withdrawn')
      throw new ToolFailed('The credential that this code runs by was withdrawn. Nothing was done.')
    }
    return callFromCode({ name, input, nested }, { tools, scene, reach })
  }
  const job: Job = {
    code,
    functions: tools.functions,
    call: (name, input, nested) => inWords(call(name, input, nested), bugs),
    signal: over.signal,
    owner: principalKey(visit.principal),
    budget: rooms.codeBudget,
  }
  const end = await rooms.sandbox.run(job)
  if (bugs.length > 0) throw bugs[0]
  return end
}

/** Whoever asks or waits listens for the end of the request, and there is one listener. */
function followed({ inquire, linger, ...reach }: Reach, follow: () => void): Reach {
  return {
    ...reach,
    inquire: inquire && ((method, params, until) => inquire(method, params, until)?.finally(follow) ?? null),
    linger() {
      const lingering = linger()
      if (lingering === null) return null
      const end = () => {
        lingering.end()
        follow()
      }
      return { over: lingering.over.finally(follow), end }
    },
  }
}

/** What went wrong in here is nothing that code should read; it rises to the door when the run has ended. */
async function inWords(called: Promise<Json>, bugs: unknown[]): Promise<Json> {
  try {
    return await called
  } catch (error) {
    if (error instanceof ToolFailed) throw error
    bugs.push(error)
    throw new ToolFailed('Internal error')
  }
}
