/**
 * One call that code makes. It passes the checkpoint as its own deed, by the policies of now; what the code knows a tool by is looked
 * up in the tools that the run began with, and a name that means another tool by now calls nothing.
 */
import { Cancellation } from '../../base/cancel.ts'
import type { Json, JsonObject } from '../../protocol/model.ts'
import type { Nested } from '../../sandbox/model.ts'
import type { GuestTools } from '../context/guest-tools.ts'
import { replyOfNested } from '../context/nested.ts'
import type { Errand } from '../errand.ts'
import type { Scene } from '../scene.ts'
import type { Visit } from '../visit.ts'
import { ToolFailed, unwrapped } from './unwrap.ts'

/** How a nested call reaches the caller, whatever the request is that is there at the time, and whether that one still may. */
export type Reach = Pick<Errand, 'inquire' | 'linger' | 'report' | 'stands'>

/** @throws ToolFailed, in words for the code */
export async function callFromCode(
  { name, input, nested }: { name: string; input: Json; nested: Nested },
  { tools, scene, reach }: { tools: GuestTools; scene: Scene; reach: Reach },
): Promise<Json> {
  const entry = tools.byName.get(name)
  if (entry === undefined) throw new ToolFailed(`Tool "${name}" not found`)
  const args = input ?? {}
  if (typeof args !== 'object' || Array.isArray(args)) throw new ToolFailed(`${name} takes one object.`)
  const visit = waiting(await scene.visit.anew())
  const { publicName } = entry
  const call = { name: publicName, input: args as JsonObject, meant: entry }
  const errand = errandFor(call, { scene, reach, nested })
  const outcome = await scene.rooms.callNested({ ...call, errand }, visit, scene)
  return unwrapped(replyOfNested(outcome, publicName))
}

/** Code waits for its calls, so their caller is asked while they wait, as clients of 2025 are; and nothing becomes a task. */
export function waiting(visit: Visit): Visit {
  const { extensions: _none, ...capabilities } = visit.client.capabilities
  return { ...visit, client: { ...visit.client, era: '2025', capabilities } }
}

function errandFor(
  { name, input }: { name: string; input: JsonObject },
  { scene, reach, nested }: { scene: Scene; reach: Reach; nested: Nested },
): Errand {
  const { request } = scene.errand
  const { progressToken: _outer, ...meta } = request.meta
  const cancel = new Cancellation()
  nested.signal.addEventListener('abort', () => cancel.cancel('the code that called it has ended'), { once: true })
  const { inquire, linger, report, stands } = heldBy(nested, reach)
  return {
    request: { id: request.id, method: 'tools/call', params: { name, arguments: input }, meta },
    headers: null,
    ...{ cancel, inquire, linger, report },
    ...(stands === undefined ? {} : { stands }),
  }
}

/** While a person is waited for, the run's clock stands; and nobody is waited for when the run is over. */
function heldBy(nested: Nested, { inquire, linger, report, ...reach }: Reach): Reach {
  return {
    ...reach,
    inquire:
      inquire &&
      ((method, params, until) => {
        const signal = until === undefined ? nested.signal : AbortSignal.any([nested.signal, until.signal])
        const asked = inquire(method, params, { ...until, signal })
        const release = asked && nested.hold()
        return asked?.finally(() => release?.()) ?? null
      }),
    linger() {
      const lingering = linger()
      if (lingering === null) return null
      const release = nested.hold()
      return {
        over: Promise.race([lingering.over, goneWith(nested.signal)]),
        end() {
          release()
          lingering.end()
        },
      }
    },
    // Progress is of a call that the client did not make.
    report(notification) {
      if (notification.method === 'notifications/message') report(notification)
    },
  }
}

async function goneWith(signal: AbortSignal): Promise<'gone'> {
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
  return 'gone'
}
