/**
 * Whether a tool is run as a task of 2025-11-25: what its definition says, where its server declared such tasks. Without that a
 * client "MUST NOT attempt to use task augmentation" (2025-11-25, tasks), whatever the definition says.
 */
import { TASKS_VERSION } from '../protocol/era-2025/task.ts'
import type { JsonObject } from '../protocol/model.ts'
import type { Definition, Inventory } from '../upstream/model.ts'
import type { Visit } from './visit.ts'

/** `required`: it can be called in no other way. */
export type TaskSupport = 'optional' | 'required'

/** Whether what a server declared has tasks of calls. Of 2025-11-25 alone: what a server of 2026 calls so is not kept. */
export function hasTasks(inventory: Pick<Inventory, 'era' | 'capabilities'> | undefined): boolean {
  return inventory?.era === '2025' && inventory.capabilities.tasks !== undefined
}

/** @returns null where it is called as any other tool is */
export function taskSupportOf(
  definition: Definition,
  inventory: Pick<Inventory, 'era' | 'capabilities'> | undefined,
): TaskSupport | null {
  // Nearly no tool says anything of it, and there are ten thousand of them.
  if (!hasTasks(inventory) || !definition.json.includes('"taskSupport"')) return null
  const { execution } = JSON.parse(definition.json) as { execution?: { taskSupport?: unknown } | null }
  const support = execution?.taskSupport
  return support === 'optional' || support === 'required' ? support : null
}

/** Whether this caller's client can ask for tasks of 2025-11-25. */
export function knowsTasks2025({ client }: Pick<Visit, 'client'>): boolean {
  return client.era === '2025' && client.version === TASKS_VERSION
}

/** What is declared to such a client. Nobody keeps which tasks there are, so there is no list of them. */
export const TASKS_OF_2025: JsonObject = { cancel: {}, requests: { tools: { call: {} } } }
