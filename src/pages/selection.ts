/**
 * Where a person switches servers on and off for one of their clients. The link is theirs alone: whoever else opens it sees
 * what a link that never was shows, and the audit has it. What is changed here is the person's word, and no model takes
 * it back; so only a form of ours, from this person's browser, changes anything.
 */
import { html } from 'hono/html'
import type { ActorSnapshot, DeedStart } from '../audit/event.ts'
import { type DeedId, type GrantId, newId, type ServerUid } from '../base/ids.ts'
import type { UserPrincipal } from '../base/principal.ts'
import { visible } from '../base/visible.ts'
import type { BrowserSession } from '../identity/browser-session-store.ts'
import { type FoundSelection, findSelection } from '../portal/selection.ts'
import type { PortalSpec, ServerSpec } from '../portal/spec.ts'
import { listConnections, ownerOfUser } from '../upstream/connections/connection-store.ts'
import type { ConnectionRecord } from '../upstream/connections/model.ts'
import { accountOf, wrongWith } from './connection-words.ts'
import type { PageCall, PageRoute } from './deps.ts'
import { formToken, type Markup, seeOther, show } from './page.ts'
import { problemBody } from './problem.ts'
import { signInPath } from './return-to.ts'

export const SELECTION_PAGES: readonly PageRoute[] = [
  { method: 'GET', path: '/authorize', handler: choose },
  { method: 'POST', path: '/authorize', handler: save },
]

/** As the link has it: 256 bits. */
const ID = /^[A-Za-z0-9_-]{43}$/

async function choose(call: PageCall): Promise<Response> {
  const id = call.url.searchParams.get('elicitationId') ?? ''
  const opened = await open(call, id)
  if (opened instanceof Response) return opened
  const uids = opened.servers.map(({ uid }) => uid)
  const fresh = await call.deps.selection.announcements.take(opened.found.grant, uids)
  return selectionPage(call, opened, { switchedOff: await switchedOff(call, opened), fresh, said: '' })
}

async function save(call: PageCall): Promise<Response> {
  const opened = await open(call, call.form.get('elicitationId') ?? '')
  if (opened instanceof Response) return opened
  const wanted = switchesOf(call.form, opened.servers)
  const before = await switchedOff(call, opened)
  if (wanted.size > 0) await write(call, opened, wanted)
  const changed = [...wanted].filter(([uid, on]) => before.has(uid) === on)
  const said = html`<div class="note good" role="status">${sayChanged(opened.servers, new Map(changed))}</div>`
  return selectionPage(call, opened, { switchedOff: await switchedOff(call, opened), fresh: new Set(), said })
}

interface Opened {
  id: string
  session: BrowserSession
  found: FoundSelection
  spec: PortalSpec
  /** What the person may reach there, in portal order. */
  servers: readonly ServerSpec[]
}

/** One answer for a link that is over, never was, or is somebody else's, whatever it leads to. */
async function open(call: PageCall, id: string): Promise<Opened | Response> {
  const { session } = call.browser
  if (session === null) return seeOther(signInPath(ID.test(id) ? `/authorize?elicitationId=${id}` : '/'))
  const found = ID.test(id) ? await findSelection(call.deps.selection.questions, id) : undefined
  if (found === undefined) return overPage(call)
  const spec = call.deps.directory.current(found.portalUid)
  if (found.principal !== `user:${session.userId}`) {
    await recordForeign(call, session, spec)
    return overPage(call)
  }
  if (spec === undefined) return overPage(call)
  const access = call.deps.accesses.expected(spec, principalOf(session, found.grant), null)
  if (!access.enter.allow) return overPage(call)
  const servers = spec.servers.filter(({ uid }) => access.servers.get(uid)?.allow === true)
  return { id, session, found, spec, servers }
}

function principalOf({ userId, email, label, identity }: BrowserSession, grant: string): UserPrincipal {
  return { kind: 'user', id: userId, email, label, grant: grant as GrantId, identity }
}

function switchedOff({ deps }: PageCall, { found }: Opened): Promise<ReadonlySet<ServerUid>> {
  return deps.selection.toggles.load(found.owner)
}

/**
 * What the person changed on the page that they saw. What was not on it (a server that came meanwhile) is not touched, nor
 * what they left as it was: it may have been switched elsewhere since.
 */
function switchesOf(form: PageCall['form'], servers: readonly ServerSpec[]): Map<ServerUid, boolean> {
  const shown = (field: string) => new Set((form.get(field) ?? '').split(' '))
  const wasOn = shown('was_on')
  const wasOff = shown('was_off')
  const switches = new Map<ServerUid, boolean>()
  for (const { uid, id } of servers) {
    const on = form.has(`on_${id}`)
    if (on ? wasOff.has(id) : wasOn.has(id)) switches.set(uid, on)
  }
  return switches
}

/** Recorded first: what cannot be recorded is not changed. */
async function write(call: PageCall, opened: Opened, wanted: ReadonlyMap<ServerUid, boolean>): Promise<void> {
  const { audit, selection } = call.deps
  const { found, session, spec, servers } = opened
  const entry = await audit.begin({ ...startOf(call, 'POST /authorize', session), portal: spec.id })
  const fields = servers.flatMap(({ uid, id }) => (wanted.has(uid) ? [`${id}: ${wanted.get(uid) ? 'on' : 'off'}`] : []))
  try {
    await selection.toggles.set(found.owner, wanted, 'person')
  } catch (error) {
    await entry.finish({ outcome: 'failed', error: 'bug' })
    throw error
  }
  const change = { object: 'switches', id: found.owner, fields }
  await entry.finish({ outcome: 'answered', decision: 'allow', change })
}

async function recordForeign(call: PageCall, session: BrowserSession, spec: PortalSpec | undefined): Promise<void> {
  const { audit } = call.deps
  const { clientIp } = call.caller
  if (!audit.mayWriteRefusal(session.userId)) return audit.refused('not-offered', clientIp, actorOf(session))
  const start = startOf(call, `${call.request.method} /authorize`, session)
  const entry = await audit.begin(spec === undefined ? start : { ...start, portal: spec.id })
  await entry.finish({ outcome: 'refused', decision: 'deny', error: 'foreign-link' })
}

/** A person's own doing in a browser: it stands beside their sign-ins. */
function startOf({ deps, caller }: PageCall, method: string, session: BrowserSession): DeedStart {
  const deed = newId<DeedId>(deps.clock.now())
  return { deed, plane: 'sign-in', actor: actorOf(session), method, clientIp: caller.clientIp }
}

function actorOf({ userId, label }: BrowserSession): ActorSnapshot {
  return { kind: 'user', id: userId, label }
}

interface Shown {
  switchedOff: ReadonlySet<ServerUid>
  /** Those that are told of for the first time. */
  fresh: ReadonlySet<ServerUid>
  said: Markup | ''
}

async function selectionPage(call: PageCall, opened: Opened, { switchedOff, fresh, said }: Shown): Promise<Response> {
  const { spec, servers, found, id, session } = opened
  const own = await listConnections(call.deps.store.db, { user: session.userId })
  const isOffered = (uid: ServerUid) => call.deps.desk.offers(uid, ownerOfUser(session.userId)) !== null
  const connections = new Map(own.map((one) => [one.serverUid, one]))
  const idsThat = (isOff: boolean) =>
    servers.flatMap((one) => (switchedOff.has(one.uid) === isOff ? [one.id] : [])).join(' ')
  const rows = servers.map((server) => {
    const own = server.onBehalf ? ownLine(server, connections.get(server.uid), isOffered(server.uid)) : ''
    return serverRow(call, server, { isOn: !switchedOff.has(server.uid), isNew: fresh.has(server.uid), own })
  })
  const client =
    found.client === null
      ? 'one client of yours'
      : html`the client that calls itself <bdi>“${visible(found.client)}”</bdi>`
  return show(
    call,
    `Servers of ${spec.name}`,
    html`<section class="card" aria-labelledby="what">
      <h1 id="what">Servers of <bdi>${spec.name}</bdi></h1>
      <p class="lead">For ${client}${reachOfOwner(found.owner)}. Nobody else is affected.</p>
      ${said}
      <form method="post" action="/authorize">
        ${formToken(call)}
        <input type="hidden" name="elicitationId" value="${id}" />
        <input type="hidden" name="was_on" value="${idsThat(false)}" />
        <input type="hidden" name="was_off" value="${idsThat(true)}" />
        ${
          servers.length === 0
            ? html`<p>There is no server here that you may use.</p>`
            : html`<ul class="rows" aria-label="Servers">${rows}</ul>
        <p class="hint">What you switch off here, only you switch on again, here: a client or its model cannot.</p>
        <div class="actions"><button class="primary">Save</button></div>`
        }
      </form>
    </section>`,
  )
}

/** Older clients have a session, and what is switched is forgotten with it. */
function reachOfOwner(owner: string): string {
  return owner.startsWith('session:') ? ', until it ends its session' : ''
}

/** Of a server that works with the person's own account: whether one is connected, and the way there. */
function ownLine({ name, id }: ServerSpec, connection: ConnectionRecord | undefined, isOffered: boolean): Markup | '' {
  const wrong = connection === undefined ? null : wrongWith(connection)
  if (connection !== undefined && wrong === null)
    return html`<p class="hint">Connected: ${accountOf(connection)}. <a href="/connect/${id}" aria-label="Your connection to ${name}">Your connection</a></p>`
  if (!isOffered) return wrong === null ? '' : html`<p class="hint">${wrong}</p>`
  const said = wrong ?? 'It works with your own account there, and you have not connected one yet.'
  return html`<p class="hint">${said} <a href="/connect/${id}" aria-label="Connect ${name}">Connect</a></p>`
}

interface Row {
  isOn: boolean
  isNew: boolean
  own: Markup | ''
}

function serverRow(call: PageCall, { uid, id, name }: ServerSpec, { isOn, isNew, own }: Row): Markup {
  const { status, error, circuit } = call.deps.selection.health(uid)
  const isWell = status === 'ready' && circuit.state === 'closed'
  const how = isWell ? 'It answers.' : (error ?? 'It was not reached yet.')
  return html`<li>
    <div class="what">
      <label class="tick first"><input type="checkbox" role="switch" name="on_${id}" value="yes" aria-describedby="how-${id}" ${isOn ? html`checked` : ''} /><span><bdi>${name}</bdi> ${isNew ? html`<span class="tag">new</span>` : ''} ${isWell ? '' : html`<span class="tag">down</span>`}</span></label>
      <p class="hint" id="how-${id}">${how}</p>${own}
    </div>
  </li>`
}

function sayChanged(servers: readonly ServerSpec[], changed: ReadonlyMap<ServerUid, boolean>): Markup {
  const named = (on: boolean) => servers.filter(({ uid }) => changed.get(uid) === on).map(({ name }) => name)
  if (changed.size === 0) return html`<p>Nothing was changed: it is as you left it.</p>`
  const line = (word: string, names: readonly string[]) =>
    names.length === 0 ? '' : html`<p>${word}: ${names.join(', ')}.</p>`
  return html`${line('Switched on', named(true))}${line('Switched off', named(false))}
    <p>It is in force now. You can close this page.</p>`
}

function overPage(call: PageCall): Promise<Response> {
  const title = 'This link is over, or not yours'
  const actions = html`<a class="button" href="/">To the portal’s home</a>`
  const advice =
    'Links to this page work for a quarter of an hour, for the person whose client asked. Ask your client for a new one; it calls portal_toggle_servers.'
  const body = problemBody({ title, happened: 'Nothing was changed.', advice, actions })
  return show(call, title, body, { status: 404 })
}
