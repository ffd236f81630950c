/** The portal's own tools, as one table. */
import type { BuiltinTool } from './builtin-tool.ts'
import { CONNECT_SERVER } from './connect-server.ts'
import { LIST_SERVERS } from './list-servers.ts'
import { TOGGLE_SERVER } from './toggle-server.ts'
import { TOGGLE_SERVERS } from './toggle-servers.ts'
import type { Visit } from './visit.ts'

export const BUILTINS: ReadonlyMap<string, BuiltinTool> = new Map([
  ['portal_connect_server', CONNECT_SERVER],
  ['portal_list_servers', LIST_SERVERS],
  ['portal_toggle_servers', TOGGLE_SERVERS],
  ['portal_toggle_single_server', TOGGLE_SERVER],
])

const DEFINITIONS = new Map([...BUILTINS].map(([name, { definition }]) => [name, JSON.stringify(definition)]))

/** Whether this caller has it at all. */
export function hasBuiltin(name: string, view: Pick<Visit, 'spec' | 'visible'>): boolean {
  const tool = BUILTINS.get(name)
  return tool !== undefined && (tool.isFor?.(view) ?? true)
}

/** Definitions as this caller has them listed, as JSON texts. */
export function builtinList(view: Pick<Visit, 'spec' | 'visible'>): readonly string[] {
  return [...DEFINITIONS].flatMap(([name, text]) => (hasBuiltin(name, view) ? [text] : []))
}
