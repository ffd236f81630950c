/**
 * The extensions of MCP that the portal relays end to end: what one side declares, the other side is told, and nothing else is declared
 * for anybody.
 */
import type { Era, JsonObject } from './model.ts'

/** SEP-2663; servers and clients of 2026 only. */
export const TASKS = 'io.modelcontextprotocol/tasks'
/** SEP-1865, MCP Apps. */
export const UI = 'io.modelcontextprotocol/ui'

/** SEP-2640; servers declare it, and clients need not. */
export const SKILLS = 'io.modelcontextprotocol/skills'

/** The one kind of interface that there is. */
const APP_TYPE = 'text/html;profile=mcp-app'
/** What a connection declares that callers with settings of their own share. */
export const APPS: JsonObject = { mimeTypes: [APP_TYPE] }

/** Whether somebody shows the interfaces that there are. @param extensions as `relayedExtensions` has them */
export function showsApps(extensions: JsonObject): boolean {
  const settings = extensions[UI]
  return isObject(settings) && Array.isArray(settings.mimeTypes) && settings.mimeTypes.includes(APP_TYPE)
}

const RELAYED: Readonly<Record<Era, readonly string[]>> = { '2025': [UI, SKILLS], '2026': [TASKS, UI, SKILLS] }
/** In characters of JSON: whose settings are longer has not declared the extension. */
const MOST_SETTINGS = 4096

/**
 * Of what a client or a server declared, what travels on: the settings are as they came.
 *
 * @returns null where that is nothing, as with nearly everybody
 */
export function relayedExtensions(capabilities: JsonObject, era: Era): JsonObject | null {
  const declared = capabilities.extensions
  if (!isObject(declared)) return null
  const relayed = RELAYED[era].flatMap((name) => {
    const settings = Object.hasOwn(declared, name) ? declared[name] : undefined
    return isObject(settings) && JSON.stringify(settings).length <= MOST_SETTINGS ? [[name, settings] as const] : []
  })
  return relayed.length === 0 ? null : Object.fromEntries(relayed)
}

function isObject(value: JsonObject[string] | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
