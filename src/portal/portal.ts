/** What an MCP client meets: one table from method to handler. What is not in it does not exist here. */
import { LOG_LEVELS, type LogLevel } from '../protocol/model.ts'
import { callTool } from './call-tool.ts'
import { type Outcome, passCheckpoint } from './checkpoint.ts'
import { complete } from './complete.ts'
import type { Errand } from './errand.ts'
import { getPrompt } from './get-prompt.ts'
import { discover, initialize } from './introduce.ts'
import { lister } from './lists.ts'
import { badInput } from './read-params.ts'
import { readResource } from './read-resource.ts'
import type { Rooms } from './rooms.ts'
import { getSkill, listSkills, readDirectory } from './skills.ts'
import { listen, subscribe, unsubscribe } from './subscribe.ts'
import { PORTAL } from './target.ts'
import { goOnWithTask } from './tasks.ts'
import type { Visit } from './visit.ts'

type Handler = (visit: Visit, errand: Errand, rooms: Rooms) => Promise<Outcome>

/** Which era has which method is `protocol/methods.ts`'s to say; a request of a wrong era never comes here. */
const HANDLERS: ReadonlyMap<string, Handler> = new Map<string, Handler>([
  ['initialize', initialize],
  ['server/discover', discover],
  ['ping', ping],
  ['logging/setLevel', setLogLevel],
  ['tools/list', lister('tool')],
  ['tools/call', callTool],
  ['prompts/list', lister('prompt')],
  ['prompts/get', getPrompt],
  ['resources/list', lister('resource')],
  ['resources/templates/list', lister('template')],
  ['resources/read', readResource],
  ['resources/subscribe', subscribe],
  ['resources/unsubscribe', unsubscribe],
  ['completion/complete', complete],
  ['subscriptions/listen', listen],
  ['skills/list', listSkills],
  ['skills/get', getSkill],
  ['resources/directory/read', readDirectory],
  ['tasks/get', goOnWithTask],
  ['tasks/update', goOnWithTask],
  ['tasks/cancel', goOnWithTask],
  ['tasks/result', goOnWithTask],
])

/** @returns undefined for a method that the portal does not have */
export function serve(visit: Visit, errand: Errand, rooms: Rooms): Promise<Outcome> | undefined {
  return HANDLERS.get(errand.request.method)?.(visit, errand, rooms)
}

/** Not a deed: it asks nothing of the portal but a sign of life. */
async function ping(): Promise<Outcome> {
  return { kind: 'answered', reply: { kind: 'result', result: {} } }
}

function setLogLevel(visit: Visit, errand: Errand, rooms: Rooms): Promise<Outcome> {
  const { method, params } = errand.request
  const level = LOG_LEVELS.find((known) => known === params.level)
  if (level === undefined) return badInput(visit, errand, rooms, `"level" must be one of ${LOG_LEVELS.join(', ')}.`)
  return passCheckpoint({ method, target: PORTAL }, { visit, errand, rooms }, () => keepLevel(visit, level, rooms))
}

async function keepLevel(visit: Visit, level: LogLevel, rooms: Rooms) {
  if (visit.session) await rooms.sessions.setLogLevel(visit.session, level)
  return { reply: { kind: 'result' as const, result: {} }, credential: null, upstreamMs: 0 }
}
