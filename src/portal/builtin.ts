/** The portal's own tools, as one table. */
import type { BuiltinTool } from './builtin-tool.ts'
import { EXECUTE_CODE } from './code-mode/execute-code.ts'
import { SEARCH_CODE } from './code-mode/search-code.ts'
import { CONNECT_SERVER } from './connect-server.ts'
import { EXECUTE_TOOL } from './context/execute-tool.ts'
import type { Mode } from './context/mode.ts'
import { QUERY_TOOLS } from './context/query-tools.ts'
import { LIST_SERVERS } from './list-servers.ts'
import { TOGGLE_SERVER } from './toggle-server.ts'
import { TOGGLE_SERVERS } from './toggle-servers.ts'
import type { Visit } from './visit.ts'

export const BUILTINS: ReadonlyMap<string, BuiltinTool> = new Map([
  ['portal_codemode_execute', EXECUTE_CODE],
  ['portal_codemode_search', SEARCH_CODE],
  ['portal_connect_server', CONNECT_SERVER],
  ['portal_execute', EXECUTE_TOOL],
  ['portal_list_servers', LIST_SERVERS],
  ['portal_query_tools', QUERY_TOOLS],
  ['portal_toggle_servers', TOGGLE_SERVERS],
  ['portal_toggle_single_server', TOGGLE_SERVER],
])

const DEFINITIONS = new Map([...BUILTINS].map(([name, { definition }]) => [name, JSON.stringify(definition)]))

type View = Pick<Visit, 'spec' | 'visible'> & Where

/** Streams that only follow resources know of no mode. */
interface Where {
  mounted: boolean
  mode?: Mode
}

/** Whether this caller has it at all. */
export function hasBuiltin(name: string, view: View): boolean {
  const tool = BUILTINS.get(name)
  return tool !== undefined && isHere(tool, view) && (tool.isFor?.(view) ?? true)
}

function isHere({ modes }: BuiltinTool, { mounted, mode = 'all' }: Where): boolean {
  return modes === undefined ? !mounted : modes.includes(mode)
}

/** Whether a name is the portal's own there, whoever asks: on a mount names are the server's, but for tools of the mode. */
export function isBuiltinName(name: string, view: Where): boolean {
  const tool = BUILTINS.get(name)
  return tool !== undefined && (!view.mounted || isHere(tool, view))
}

/** Definitions as this caller has them listed, as JSON texts. */
export function builtinList(view: View): readonly string[] {
  return [...DEFINITIONS].flatMap(([name, text]) => (hasBuiltin(name, view) ? [text] : []))
}
