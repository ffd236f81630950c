/** How a handler's `perform` reaches the one server that owns the target. The checkpoint alone decides whether it runs. */
import type { JsonObject } from '../protocol/model.ts'
import type { Entry } from './catalog.ts'
import type { Performed } from './checkpoint.ts'
import { runAsTask } from './run-as-task.ts'
import { type Asking, sendToOwner, type ToOwner } from './send-to-owner.ts'

/**
 * A tool that can be run as a task alone is run as one, where the caller did not ask for a task itself.
 *
 * @param params as the server is to see them: its own names, nothing that the method does not know
 */
export function askOwner(entry: Entry, params: JsonObject, to: ToOwner, asking?: Asking): Promise<Performed> {
  // Nearly every call: the look costs nothing, and there is no frame more.
  if (entry.tasks !== 'required' || to.errand.request.method !== 'tools/call' || params.task !== undefined)
    return sendToOwner(entry, params, to, asking)
  return runAsTask(entry, params, to, asking)
}
