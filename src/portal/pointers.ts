/**
 * The interface that a tool names (SEP-1865): in `_meta.ui.resourceUri`, and by the older `_meta["ui/resourceUri"]`. It is shown under the
 * URI by which the portal serves that very resource.
 */
import type { Definition } from '../upstream/model.ts'
import type { Entry } from './catalog.ts'

const OLDER = 'ui/resourceUri'

/** How a URI of the server is shown. */
export type Point = (uri: string) => string

/** A tool's definition as it is listed. */
type Listed = Pick<Entry, 'listed' | 'listedWithTasks'>

/** Whether it may name one. Definitions are our own JSON, in which no letter is escaped; nearly no tool has an interface. */
export function namesInterface({ json }: Pick<Definition, 'json'>): boolean {
  return json.includes('esourceUri"')
}

/** @param listed as it is shown else @returns the same where it names nothing that is shown under another URI */
export function withPointers<Shown extends Listed>(listed: Shown, { json }: Definition, point: Point): Shown {
  if (listed.listed === '' || !namesInterface({ json })) return listed
  const { listedWithTasks } = listed
  const both = listedWithTasks === undefined ? {} : { listedWithTasks: repoint(listedWithTasks, point) }
  return { ...listed, listed: repoint(listed.listed, point), ...both }
}

function repoint(text: string, point: Point): string {
  const tool = JSON.parse(text) as { _meta?: unknown }
  const meta = tool._meta
  if (!isObject(meta)) return text
  const changed = [isObject(meta.ui) && repointAt(meta.ui, 'resourceUri', point), repointAt(meta, OLDER, point)]
  return changed.includes(true) ? JSON.stringify(tool) : text
}

/** In place: the value was made for this. */
function repointAt(holder: Record<string, unknown>, member: string, point: Point): boolean {
  const uri = Object.hasOwn(holder, member) ? holder[member] : undefined
  if (typeof uri !== 'string') return false
  const shown = point(uri)
  holder[member] = shown
  return shown !== uri
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
