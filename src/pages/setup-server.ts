/**
 * Second step: a server behind the default portal. It is made by the REST API, so what is refused there is refused here; a program on this
 * machine cannot be registered from a browser at all.
 */
import { html } from 'hono/html'
import { visible } from '../base/visible.ts'
import { idFromName } from '../contract/ids.ts'
import { type PortalServerShown, type PortalShown, portalShown } from '../contract/portal.ts'
import { placesIn } from '../contract/server.ts'
import type { PageCall, PageRoute } from './deps.ts'
import { formToken, type Markup, seeOther } from './page.ts'
import { counted } from './people-words.ts'
import { alertOf, EMPTY, type Field, type Filled, formFields, type Problem, problemsAt, typed } from './setup-fields.ts'
import { ownerAt, pathOf, showStep } from './setup-steps.ts'

const PATH = '/setup/server'
const SERVERS = '/access/ai-controls/mcp/servers'
const PORTALS = '/access/ai-controls/mcp/portals'

export const SERVER_PAGES: readonly PageRoute[] = [
  { method: 'GET', path: PATH, handler: (call) => owned(call, () => page(call, EMPTY)) },
  { method: 'POST', path: PATH, handler: (call) => owned(call, () => add(call)) },
  { method: 'POST', path: `${PATH}/sync`, handler: (call) => owned(call, () => syncAgain(call)) },
  { method: 'POST', path: `${PATH}/remove`, handler: (call) => owned(call, () => remove(call)) },
]

const FIELDS: readonly Field[] = [
  { name: 'name', label: 'Name', hint: 'Such as GitHub or Handbook.', required: true, most: 350 },
  {
    name: 'id',
    label: 'Short name, its id',
    hint: 'Every tool’s name begins with it, as in handbook_search. Small letters, digits, - and _. Made from the name where it is empty.',
    most: 32,
  },
  {
    name: 'hostname',
    label: 'Address',
    hint: 'The full URL of its MCP endpoint, such as https://example.com/mcp.',
    required: true,
    inputmode: 'url',
  },
  {
    name: 'token',
    label: 'Bearer token',
    hint: 'Where the server asks for one. It is kept sealed and never shown again; your people’s clients do not get it.',
    kind: 'secret',
    most: 16_384,
  },
  {
    name: 'inside',
    label: 'It is on this machine or inside our own network, and the portal may reach it there.',
    kind: 'tick',
  },
]

/** What is open on a portal of this machine alone is closed at the next start, once others reach it. */
function fieldsNow({ deps }: PageCall): readonly Field[] {
  const { now, next } = deps.setUp.publicUrl
  if (now !== null || next() === null) return FIELDS
  const hint = 'Needed from the next start on, when the portal has its public address: tick it now.'
  return FIELDS.map((field) => (field.name === 'inside' ? { ...field, hint } : field))
}

/** The API's names of the same. */
const NAMES = { name: 'name', id: 'id', hostname: 'hostname', auth_credentials: 'token', allow_private: 'inside' }

async function owned(call: PageCall, then: () => Promise<Response>): Promise<Response> {
  const owner = await ownerAt(call, 'server')
  return owner instanceof Response ? owner : then()
}

async function page(call: PageCall, filled: Filled): Promise<Response> {
  const portal = await defaultPortal(call)
  const servers = portal?.servers ?? []
  return showStep(
    call,
    'server',
    html`${servers.length === 0 ? '' : behind(call, servers)}
      <section class="card" aria-labelledby="what">
        <h1 id="what">${servers.length === 0 ? 'Your first server' : 'Another server'}</h1>
        <p class="lead">An MCP server whose tools people are to reach through the portal.</p>
        <form method="post" action="${PATH}">
          ${formToken(call)}${alertOf(filled, FIELDS)}${formFields(fieldsNow(call), filled)}
          <div class="actions"><button class="${servers.length === 0 ? 'primary' : ''}">Add the server</button></div>
        </form>
        <p class="hint">
          A program on this machine becomes a server from its command line alone: <code>portico servers add NAME -- COMMAND</code>.
        </p>
      </section>
      ${onward(call, servers.length === 0 ? 'Go on without a server' : 'Go on')}`,
    { status: filled.problems.length === 0 ? 200 : 400 },
  )
}

function onward(call: PageCall, label: string): Markup {
  return html`<form method="post" action="/setup/done" class="actions">
    ${formToken(call)}<input type="hidden" name="step" value="server" />
    <button class="${label === 'Go on' ? 'primary' : ''}">${label}</button>
  </form>`
}

function behind(call: PageCall, servers: readonly PortalServerShown[]): Markup {
  return html`<section class="card" aria-labelledby="behind">
    <h2 id="behind">Behind the portal</h2>
    <ul class="rows">
      ${servers.map(
        (server) => html`<li>
          <span class="what"><strong><bdi>${visible(server.name)}</bdi></strong> <code class="soft">${server.server_id}</code><br />
            ${stateOf(server)}</span>
          <div class="pair">
            ${server.status === 'ready' ? '' : small(call, { action: 'sync', label: 'Ask again', server })}
            ${server.origin === 'file' ? '' : small(call, { action: 'remove', label: 'Remove', server })}
          </div>
        </li>`,
      )}
    </ul>
    ${servers.every(({ status }) => status === 'ready') ? '' : html`<p class="hint">An address cannot be changed: where it is wrong, remove the server and add it anew. Where it is inside your network, tick the box at its address then.</p>`}
  </section>`
}

function stateOf({ status, error, tools, prompts }: PortalServerShown): Markup {
  if (status === 'ready')
    return html`<span class="soft">answers, and offers ${counted(tools.length, 'tool')} and ${counted(prompts.length, 'prompt')}</span>`
  if (status === 'waiting' && error === undefined)
    return html`<span class="soft">was not asked yet, or has not answered so far; ask again in a moment</span>`
  return html`<span>does not work yet: ${visible(error ?? status)}</span>`
}

function small(
  call: PageCall,
  { action, label, server }: { action: string; label: string; server: PortalServerShown },
): Markup {
  return html`<form method="post" action="${PATH}/${action}">
    ${formToken(call)}<input type="hidden" name="id" value="${server.server_id}" />
    <button class="quiet ${action === 'remove' ? 'danger' : ''}" aria-label="${label}: ${visible(server.name)}">${label}</button>
  </form>`
}

/** The portal that `/mcp` leads to, as the API shows it; null where there is none. */
async function defaultPortal(call: PageCall): Promise<PortalShown | null> {
  const id = call.deps.directory.byHostname('localhost')?.id
  if (id === undefined) return null
  const told = await call.deps.setUp.ask(call, { method: 'GET', path: `${PORTALS}/${id}` })
  return told.ok ? portalShown.loose().parse(told.result) : null
}

async function add(call: PageCall): Promise<Response> {
  const values = typed(call.form, FIELDS)
  const given = (name: string): string => values.get(name) ?? ''
  const id = given('id') === '' ? idFromName(given('name')) : given('id')
  const token = given('token')
  const made = await call.deps.setUp.ask(call, {
    method: 'POST',
    path: SERVERS,
    body: {
      ...{ id, name: given('name'), hostname: given('hostname') },
      ...(token === '' ? { auth_type: 'unauthenticated' } : { auth_type: 'bearer', auth_credentials: token }),
      ...(given('inside') === '' ? {} : { allow_private: placesIn(given('hostname')) }),
    },
  })
  if (!made.ok) return page(call, { values, problems: inWords(made.problems) })
  const attached = await attach(call, id)
  if (attached.length > 0) return page(call, { values: new Map(), problems: notAttached(id, attached) })
  return seeOther(PATH)
}

function inWords(problems: readonly string[]): Problem[] {
  return problemsAt(problems, NAMES).map(({ field, text }) => {
    // The API names the field that opens an inner address; here it is a box.
    // Nor is a program registered from here.
    const [said = '', opened] = text.replace(/, or "stdio:.*$/, '').split('. To allow it all the same,')
    return { field, text: opened === undefined ? said : `${said}. If that is meant, tick the box below.` }
  })
}

/** @returns what the API said against it */
async function attach(call: PageCall, id: string): Promise<readonly string[]> {
  const portal = await defaultPortal(call)
  if (portal === null) return ['There is no default portal.']
  const servers = [...portal.servers, { server_id: id }]
  const told = await call.deps.setUp.ask(call, { method: 'PUT', path: `${PORTALS}/${portal.id}`, body: { servers } })
  return told.ok ? [] : told.problems
}

function notAttached(id: string, problems: readonly string[]): Problem[] {
  const text = `The server was added, and is behind no portal yet: ${problems.join(' ')} Put it behind one with: portico portals attach PORTAL ${id}`
  return [{ field: null, text }]
}

async function syncAgain(call: PageCall): Promise<Response> {
  return change(call, { method: 'POST', path: `${SERVERS}/${idIn(call)}/sync` })
}

async function remove(call: PageCall): Promise<Response> {
  return change(call, { method: 'DELETE', path: `${SERVERS}/${idIn(call)}` })
}

async function change(call: PageCall, wish: { method: 'POST' | 'DELETE'; path: string }): Promise<Response> {
  const told = await call.deps.setUp.ask(call, wish)
  if (told.ok) return seeOther(pathOf('server'))
  return page(call, { values: new Map(), problems: told.problems.map((text) => ({ field: null, text })) })
}

/** One segment of a path and nothing that steers it elsewhere; what is no id is the id of no server. */
function idIn(call: PageCall): string {
  const id = call.form.get('id') ?? ''
  return /^[a-z0-9_-]{1,32}$/.test(id) ? id : '-'
}
