/** The portal's own tools, as one table. */
import type { BuiltinTool } from './builtin-tool.ts'
import { LIST_SERVERS } from './list-servers.ts'
import { TOGGLE_SERVER } from './toggle-server.ts'
import { TOGGLE_SERVERS } from './toggle-servers.ts'

export const BUILTINS: ReadonlyMap<string, BuiltinTool> = new Map([
  ['portal_list_servers', LIST_SERVERS],
  ['portal_toggle_servers', TOGGLE_SERVERS],
  ['portal_toggle_single_server', TOGGLE_SERVER],
])

/** Listed definitions, as JSON texts. */
export const BUILTIN_LIST: readonly string[] = [...BUILTINS.values()].map(({ definition }) =>
  JSON.stringify(definition),
)
