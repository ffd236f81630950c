/** One request on its way to the server that owns the target, as a handler's `perform` wants it sent. */
import { Fault } from '../base/fault.ts'
import { type Askable, NOTHING_ASKABLE } from '../protocol/asked.ts'
import { relatedTo } from '../protocol/era-2025/task.ts'
import { relayedExtensions, showsApps } from '../protocol/extensions.ts'
import type { JsonObject } from '../protocol/model.ts'
import { MOST_PORTALS } from '../protocol/portal-chain.ts'
import type { UpstreamCall } from '../upstream/model.ts'
import type { Entry } from './catalog.ts'
import type { Performed } from './checkpoint.ts'
import type { Scene } from './scene.ts'
import { withShownUris } from './shown-uris.ts'

const LOOP = `This call has gone through ${MOST_PORTALS} portals and goes no further: a portal may stand behind itself. Ask an administrator to take it out of its own servers.`

export type ToOwner = Pick<Scene, 'visit' | 'errand' | 'rooms' | 'isBypassed'>

/** What the server may ask while it is at it, and who puts it; without `ask` it can only end with what it wants (2026). */
export interface Asking {
  askable?: Askable
  lacks?: NonNullable<UpstreamCall['lacks']>
  ask?: NonNullable<UpstreamCall['ask']>
  passedOver?: NonNullable<UpstreamCall['passedOver']>
  carries?: NonNullable<UpstreamCall['carries']>
}

/** @param params as the server is to see them: its own names, nothing that the method does not know */
export async function sendToOwner(
  entry: Pick<Entry, 'server' | 'serverIndex'>,
  params: JsonObject,
  { visit, errand, rooms, isBypassed }: ToOwner,
  asking?: Asking,
): Promise<Performed> {
  const { meta, method } = errand.request
  const hop = (meta.hop ?? 0) + 1
  if (hop > MOST_PORTALS) throw new Fault('portal-loop', LOOP)
  const call: UpstreamCall = {
    serverUid: entry.server.uid,
    principal: visit.principal,
    session: visit.session?.id ?? null,
    onBehalf: entry.server.onBehalf,
    withoutCredential: isBypassed && !entry.server.bypassCredential,
    client: visit.client,
    method,
    params,
    progress: meta.progressToken !== undefined,
    hop,
    cancel: errand.cancel,
    report: (notification) => errand.report(notification),
  }
  if (asking !== undefined) Object.assign(call, asking)
  if (method === 'tasks/result') waitForTask(call)
  // Nearly nobody declares any.
  if (visit.client.capabilities.extensions !== undefined) {
    const extensions = relayedExtensions(visit.client.capabilities, visit.client.era)
    if (extensions !== null) call.extensions = extensions
    if (extensions !== null && showsApps(extensions))
      call.askable = { ...(call.askable ?? NOTHING_ASKABLE), apps: true }
  }
  const logLevel = meta.logLevel ?? visit.session?.logLevel
  if (logLevel) call.logLevel = logLevel
  if (meta.traceparent !== undefined) call.traceparent = meta.traceparent
  if (meta.tracestate !== undefined) call.tracestate = meta.tracestate
  if (meta.vendor !== undefined) call.vendorMeta = meta.vendor
  const { raw, ms, credential } = await rooms.upstreams.call(call)
  // Nearly no server has URIs that are not shown as they are.
  const uris = visit.catalog.uris(entry.serverIndex)
  if (uris === null) return { reply: raw, credential, upstreamMs: ms }
  const told = { method, own: params.uri, asked: errand.request.params.uri }
  return { reply: withShownUris(raw, told, uris), credential, upstreamMs: ms }
}

/** What its server asks meanwhile is asked in the name of the task, and so is what it is told (2025-11-25, tasks). */
function waitForTask(call: UpstreamCall): void {
  const { ask, params } = call
  call.waitsForTask = true
  if (ask === undefined || typeof params.taskId !== 'string') return
  const { taskId } = params
  call.ask = async (question, signal) => {
    const answer = await ask(question, signal)
    return 'error' in answer ? answer : { result: relatedTo(answer.result, taskId) }
  }
}
