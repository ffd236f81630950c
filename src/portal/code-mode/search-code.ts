/**
 * `portal_codemode_search`: which tools there are, as code calls them. By plain words, by a regular expression, or by code that looks
 * through the definitions itself and returns what matters of them.
 */
import { principalKey } from '../../base/principal.ts'
import type { Json, JsonObject } from '../../protocol/model.ts'
import { type BuiltinTool, type Done, mistake } from '../builtin-tool.ts'
import type { Entry } from '../catalog.ts'
import { findTools, readSought, SEARCH_INPUT } from '../context/find-tools.ts'
import type { GuestTools } from '../context/guest-tools.ts'
import { answerOf, compactly, wholly } from '../context/show-tools.ts'
import type { Scene } from '../scene.ts'
import { readyCode } from './execute-code.ts'
import { replyOfRun } from './say-end.ts'
import { tooManyRuns } from './turns.ts'
import { ToolFailed } from './unwrap.ts'

export const SEARCH_CODE: BuiltinTool = {
  modes: ['code_mode'],
  definition: {
    name: 'portal_codemode_search',
    title: 'Find tools for code',
    description:
      'Finds the tools that portal_codemode_execute can call, with their signatures; or looks through await codemode.tools(), a list of {name, description, inputSchema, outputSchema}, in code.',
    inputSchema: {
      ...SEARCH_INPUT,
      properties: {
        ...SEARCH_INPUT.properties,
        code: { type: 'string', description: 'Or an async arrow function.' },
      },
    },
    annotations: { readOnlyHint: true, openWorldHint: false },
  },
  run({ code, ...input }, scene) {
    if (code !== undefined && Object.keys(input).length > 0)
      return { reply: mistake('Give either "code", or what to search for.') }
    return code === undefined ? search(input, scene) : lookThrough(code, scene)
  },
}

async function search(input: JsonObject, scene: Scene): Promise<Done> {
  const sought = readSought(input)
  if (typeof sought === 'string') return { reply: mistake(sought) }
  const found = await findTools(sought, scene)
  if (typeof found === 'string') return { reply: mistake(found) }
  const tools = scene.rooms.toolViews.of(scene.visit).inCode
  const show = sought.detail === 'full' ? wholly : compactly
  const texts = found.entries.map((entry) => shown(entry, tools, show))
  const text = answerOf(texts, found.among)
  return { reply: { kind: 'result', result: { content: [{ type: 'text', text }] } } }
}

/** Where code calls it by another name than it has, and that is not the obvious one, both are told. */
function shown(entry: Entry, { names }: GuestTools, show: typeof compactly): string {
  const name = names.get(entry.publicName) ?? entry.publicName
  const text = show(entry, name)
  return name === entry.publicName ? text : `${text} // ${JSON.stringify(entry.publicName)}`
}

async function lookThrough(code: Json, scene: Scene): Promise<Done> {
  const ready = readyCode(code, scene)
  if ('reply' in ready) return ready
  const { rooms, visit, errand } = scene
  const tools = rooms.toolViews.of(visit).inCode
  const over = new AbortController()
  errand.cancel.listen((reason) => over.abort(reason))
  const run = () =>
    rooms.sandbox.run({
      code: ready.code,
      owner: principalKey(visit.principal),
      functions: ['tools'],
      async call(name) {
        if (name !== 'tools') throw new ToolFailed(`Tool "${name}" not found`)
        return definitions(tools, rooms)
      },
      signal: over.signal,
      budget: rooms.codeBudget,
    })
  const end = await rooms.turns.take(scene, run)
  if (end === null) return tooManyRuns(scene)
  return { reply: replyOfRun(end) }
}

/** @throws ToolFailed where it is more than a run may hold, TooLong */
async function definitions({ byName }: GuestTools, { toolViews, codeBudget }: Scene['rooms']): Promise<Json> {
  const pace = toolViews.pace()
  const all: Json[] = []
  let room = codeBudget.bytesIn
  for (const [name, { listed }] of byName) {
    room -= listed.length
    if (room < 0) throw new ToolFailed('All definitions are more than one run may hold. Search by words.')
    const { description = '', inputSchema, outputSchema } = JSON.parse(listed)
    all.push({ name, description, inputSchema, ...(outputSchema === undefined ? {} : { outputSchema }) })
    await pace.breathe()
  }
  return all
}
