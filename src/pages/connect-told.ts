/** What a person is told when connecting an account is over: that it is done and what to do now, or what happened and what did not. */
import { html } from 'hono/html'
import type { DeskRefusal, PersonsOwner } from '../upstream/connections/desk-model.ts'
import { CONSOLE_SERVERS } from './connect-way.ts'
import type { PageCall } from './deps.ts'
import { seeOther, show } from './page.ts'
import { problemBody, tell } from './problem.ts'
import { ownPath } from './return-to.ts'

export const BACK_TO_CONSOLE = 'Back to the server in the console'

/** @param returnTo a path of ours where it can be tried again; anything else leads home */
export function deskProblem(call: PageCall, reason: DeskRefusal, returnTo: string | null): Promise<Response> {
  const { status, title, happened, advice } = tell(`connect-${reason}`)
  const again = ownPath(returnTo)
  const label = again.startsWith(CONSOLE_SERVERS) ? BACK_TO_CONSOLE : 'Try again'
  const actions = html`${again === '/' ? '' : html`<a class="button primary" href="${again}">${label}</a>`}
    <a class="button" href="/">To the portal’s home</a>`
  return show(call, title, problemBody({ title, happened, advice, actions }), { status })
}

interface Done {
  server: { name: string }
  owner: PersonsOwner
  returnTo: string
}

/** From home one goes home, from the console to the console; who came from a client, or with a link, is told what happens now. */
export function donePage(call: PageCall, { server, owner, returnTo }: Done): Promise<Response> | Response {
  const isCall = returnTo.includes('elicitationId=')
  if (owner !== 'admin' && !isCall) return seeOther('/?done=connected')
  if (owner === 'admin' && ownPath(returnTo).startsWith(CONSOLE_SERVERS)) return seeOther(returnTo)
  const said =
    owner === 'admin'
      ? 'From now on it is used for everyone who may use this server. You can close this page.'
      : 'Go back to your client: it goes on by itself. You can close this page.'
  return show(
    call,
    'Done',
    html`<section class="card" aria-labelledby="what">
      <h1 id="what">Done</h1>
      <p class="lead" role="status"><bdi>${server.name}</bdi> is connected. ${said}</p>
      <div class="actions"><a class="button" href="/">To the portal’s home</a></div>
    </section>`,
  )
}
