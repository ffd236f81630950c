/** What the pages of approval, purpose and step-up share: how they stand in the audit, and what whoever they are not for sees. */
import { html } from 'hono/html'
import type { ActorSnapshot, DeedStart } from '../audit/event.ts'
import { type DeedId, newId } from '../base/ids.ts'
import type { BrowserSession } from '../identity/browser-session-store.ts'
import type { PageCall } from './deps.ts'
import { show } from './page.ts'
import { problemBody } from './problem.ts'
import { signInPath } from './return-to.ts'

/** As links have it: 256 bits. */
export const PAGE_ID = /^[A-Za-z0-9_-]{43}$/

/** Somebody looked at what is not for them. */
export async function recordForeign(call: PageCall, session: BrowserSession, method: string): Promise<void> {
  const { audit } = call.deps
  const { clientIp } = call.caller
  if (!audit.mayWriteRefusal(session.userId)) return audit.refused('not-offered', clientIp, actorOf(session))
  const entry = await audit.begin(startOf(call, session, method))
  await entry.finish({ outcome: 'refused', decision: 'deny', error: 'foreign-link' })
}

/** A person's own doing in a browser: it stands beside their sign-ins. */
export function startOf({ deps, caller }: PageCall, session: BrowserSession, method: string): DeedStart {
  const deed = newId<DeedId>(deps.clock.now())
  return { deed, plane: 'sign-in', actor: actorOf(session), method, clientIp: caller.clientIp }
}

function actorOf({ userId, label }: BrowserSession): ActorSnapshot {
  return { kind: 'user', id: userId, label }
}

/** One answer for a request that never was, and for one that is somebody else's to make and to decide. */
export function overPage(call: PageCall): Promise<Response> {
  const title = 'There is nothing here for you to decide'
  const happened = 'The link is over, or it is for somebody else. Nothing was changed.'
  const advice =
    'What waits for you stands on the portal’s home. A link that a client gave you works for you alone: use the account that the client is signed in with, or ask it for a new link.'
  const actions = html`<a class="button" href="/">To the portal’s home</a>
    <a class="button" href="${signInPath(call.url.pathname)}">Use another account</a>`
  return show(call, title, problemBody({ title, happened, advice, actions }), { status: 404 })
}
