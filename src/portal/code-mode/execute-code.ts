/** `portal_codemode_execute`: code that calls tools, for a model that would otherwise call them one by one. */
import { LIMITS } from '../../config/limits.ts'
import type { Json } from '../../protocol/model.ts'
import { type BuiltinTool, type Done, mistake } from '../builtin-tool.ts'
import { noteOf } from '../relay-round.ts'
import type { Scene } from '../scene.ts'
import { normaliseCode } from './normalise-code.ts'
import { continueParkedRun, performParkedRun } from './park-run.ts'
import { type Run, runCode } from './run-code.ts'
import { replyOfRun } from './say-end.ts'
import { tooManyRuns } from './turns.ts'

export const EXECUTE_CODE: BuiltinTool = {
  modes: ['code_mode'],
  definition: {
    name: 'portal_codemode_execute',
    title: 'Run code',
    description:
      'Runs one async arrow function in JavaScript. Each tool that portal_codemode_search finds is codemode.<name>(input), which returns its result or throws; Promise.all works. No network, files, imports or TypeScript. Return only what you need.',
    inputSchema: {
      type: 'object',
      properties: { code: { type: 'string' } },
      required: ['code'],
      additionalProperties: false,
    },
    annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: true },
  },
  async run(input, scene) {
    const ready = readyCode(input.code, scene)
    if ('reply' in ready) return ready
    const note = noteOf(scene)
    if (note !== null && note.park !== null) return continueParkedRun(note, scene)
    const start = async (run: Run) => {
      const end = await scene.rooms.turns.take(scene, () => runCode(ready.code, scene, run))
      if (end === null) return { ...tooManyRuns(scene), credential: null, upstreamMs: 0 }
      const note =
        end.kind === 'returned' ? {} : { note: { error: `code-${end.kind === 'threw' ? 'threw' : end.why}` } }
      return { reply: replyOfRun(end), credential: null, upstreamMs: 0, ...note }
    }
    const { errand, visit } = scene
    return visit.client.era === '2025'
      ? start({ cancel: errand.cancel, reach: () => errand })
      : performParkedRun(scene, start)
  },
}

const LONGEST_CODE = LIMITS.code_text.value

/** @returns the code as the sandbox takes it, or what the model is told instead */
export function readyCode(code: Json | undefined, { rooms }: Scene): { code: string } | Done {
  const { unavailable } = rooms.sandbox
  if (unavailable !== null) return { reply: mistake(`This portal cannot run code: ${unavailable}`) }
  if (typeof code !== 'string') return { reply: mistake('"code" must be the text of one async arrow function.') }
  if (code.length > LONGEST_CODE) return { reply: mistake(`"code" has at most ${LONGEST_CODE} characters.`) }
  const normal = normaliseCode(code)
  return 'wrong' in normal ? { reply: mistake(normal.wrong) } : normal
}
