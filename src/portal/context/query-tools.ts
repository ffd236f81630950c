/** `portal_query_tools`: which tools there are, where they are not listed whole. */
import { type BuiltinTool, mistake } from '../builtin-tool.ts'
import { findTools, readSought, SEARCH_INPUT } from './find-tools.ts'
import { answerOf, compactly, wholly } from './show-tools.ts'

export const QUERY_TOOLS: BuiltinTool = {
  modes: ['minimize_tools', 'search_and_execute'],
  definition: {
    name: 'portal_query_tools',
    title: 'Find tools',
    description:
      'Finds tools that you may use, by plain words or a regular expression, and tells how each is called. Look here before you call a tool that you do not know.',
    inputSchema: SEARCH_INPUT,
    annotations: { readOnlyHint: true, openWorldHint: false },
  },
  async run(input, scene) {
    const sought = readSought(input)
    if (typeof sought === 'string') return { reply: mistake(sought) }
    const found = await findTools(sought, scene)
    if (typeof found === 'string') return { reply: mistake(found) }
    const { entries, among } = found
    const show = sought.detail === 'full' ? wholly : compactly
    const told = answerOf(
      entries.map((entry) => show(entry, entry.publicName)),
      among,
    )
    const isByName = scene.visit.mode === 'search_and_execute' && entries.length > 0
    const text = isByName ? `${told}\nCall one with portal_execute.` : told
    return { reply: { kind: 'result', result: { content: [{ type: 'text', text }] } } }
  },
}
