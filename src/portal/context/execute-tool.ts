/** `portal_execute`: one tool by its name, for a model that was not shown it. The answer is that tool's, to the byte. */
import type { Json, JsonObject } from '../../protocol/model.ts'
import { type BuiltinTool, mistake } from '../builtin-tool.ts'
import type { Scene } from '../scene.ts'
import { replyOfNested } from './nested.ts'

export const EXECUTE_TOOL: BuiltinTool = {
  modes: ['search_and_execute'],
  definition: {
    name: 'portal_execute',
    title: 'Call a tool',
    description: 'Calls one tool that portal_query_tools found, with the arguments that it takes.',
    inputSchema: {
      type: 'object',
      properties: { name: { type: 'string' }, arguments: { type: 'object' } },
      required: ['name'],
      additionalProperties: false,
    },
    annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: true },
  },
  passesOn: true,
  async run({ name, arguments: input = {} }, scene) {
    if (typeof name !== 'string')
      return { reply: mistake('"name" must be the name of a tool, as portal_query_tools tells it.') }
    if (!isObject(input)) return { reply: mistake('"arguments" must be an object.') }
    const { visit } = scene
    const outcome = await scene.rooms.callNested({ name, input, errand: errandFor(name, input, scene) }, visit, scene)
    const reply = replyOfNested(outcome, name)
    return outcome.kind === 'answered' ? { reply } : { reply, note: { error: 'nested-call-not-answered' } }
  },
}

/** What a client of 2026 brought back belongs to the tool's own call, and is judged there. */
function errandFor(name: string, input: JsonObject, { errand }: Scene): Scene['errand'] {
  const { requestState, inputResponses } = errand.request.params
  const params = {
    name,
    arguments: input,
    ...(requestState === undefined ? {} : { requestState }),
    ...(inputResponses === undefined ? {} : { inputResponses }),
  }
  // Its headers spoke of this tool, not of that one.
  return { ...errand, headers: null, request: { ...errand.request, params } }
}

function isObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
