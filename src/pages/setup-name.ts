/** First step: what the organisation is called, and under which address others will reach the portal. */
import { html } from 'hono/html'
import { type DeedId, newId } from '../base/ids.ts'
import { takePublicUrl } from '../config/set-up.ts'
import type { BrowserSession } from '../identity/browser-session-store.ts'
import type { PageCall, PageRoute } from './deps.ts'
import { formToken, type Markup } from './page.ts'
import { alertOf, type Field, type Filled, formFields, type Problem, problemsAt, typed } from './setup-fields.ts'
import { goOnFrom, markDone, ownerAt, showStep } from './setup-steps.ts'

const PATH = '/setup/name'

export const NAME_PAGES: readonly PageRoute[] = [
  { method: 'GET', path: PATH, handler: look },
  { method: 'POST', path: PATH, handler: save },
]

const NAME: Field = {
  name: 'name',
  label: 'Name of your organisation',
  hint: 'People see it on every page, when they sign in and when they let a client in.',
  required: true,
  most: 350,
}
const ADDRESS: Field = {
  name: 'public_url',
  label: 'Public address',
  hint: 'Such as https://mcp.example.com. Leave it empty while only you use the portal, on this machine.',
  inputmode: 'url',
}

async function look(call: PageCall): Promise<Response> {
  const owner = await ownerAt(call, 'name')
  if (owner instanceof Response) return owner
  const { organization, setUp } = call.deps
  const values = new Map([
    ['name', organization.current().name],
    ['public_url', setUp.publicUrl.next() ?? ''],
  ])
  return ask(call, { values, problems: [] })
}

function ask(call: PageCall, filled: Filled): Promise<Response> {
  const { publicUrl } = call.deps.setUp
  const fields = publicUrl.fixedBy === null ? [NAME, ADDRESS] : [NAME]
  return showStep(
    call,
    'name',
    html`<section class="card" aria-labelledby="what">
      <h1 id="what">Name and address</h1>
      <p class="lead">What people call this portal, and where they find it.</p>
      <form method="post" action="${PATH}">
        ${formToken(call)}${alertOf(filled, fields)}${formFields(fields, filled)}
        ${publicUrl.fixedBy === null ? aboutProxy(call) : settledElsewhere(publicUrl.now, publicUrl.fixedBy)}
        <div class="actions"><button class="primary">Save and go on</button></div>
      </form>
    </section>`,
    { status: filled.problems.length === 0 ? 200 : 400 },
  )
}

function settledElsewhere(now: string | null, by: string): Markup {
  return html`<h2>Public address</h2>
    <p><strong>${now ?? 'not set'}</strong>, settled by <code>${by}</code>. It is changed there, not here.</p>`
}

function aboutProxy({ deps }: PageCall): Markup {
  return html`<details>
    <summary>What a public address needs</summary>
    <div>
      <p>
        A proxy of yours (nginx, Caddy, a load balancer) answers at that address with https. TLS ends there: the proxy passes requests on
        to Portico in plain HTTP, with their <code>Host</code> header as it came.
      </p>
      <p>
        Name the proxy in the setting <code>trusted_proxies</code> (<code>PORTICO_TRUSTED_PROXIES</code>). Without it everybody has the proxy’s
        address, and one who types wrong passwords makes all others wait.
      </p>
      <p>
        The address is in force at the next start of Portico. From then on people sign in there and nowhere else, and servers on this
        machine or inside your network must be opened one by one.
      </p>
      <p>
        Should it be wrong, take it back by removing <code>${deps.setUp.publicUrl.file}</code> and starting again, or overrule it with
        <code>PORTICO_PUBLIC_URL</code>. Where several of Portico run, set that on each instead.
      </p>
    </div>
  </details>`
}

async function save(call: PageCall): Promise<Response> {
  const owner = await ownerAt(call, 'name')
  if (owner instanceof Response) return owner
  const { setUp } = call.deps
  const values = typed(call.form, [NAME, ADDRESS])
  const address = judge(values.get('public_url') ?? '', setUp.publicUrl.needsHttps)
  // Judged before anything is changed: a form with a mistake in it changes nothing.
  if (setUp.publicUrl.fixedBy === null && 'problem' in address)
    return ask(call, { values, problems: [{ field: 'public_url', text: address.problem }] })
  const named = await setUp.ask(call, {
    method: 'PUT',
    path: '/access/organizations',
    body: { name: values.get('name') },
  })
  if (!named.ok) return ask(call, { values, problems: inWords(named.problems) })
  if (setUp.publicUrl.fixedBy === null && 'publicUrl' in address && address.publicUrl !== setUp.publicUrl.next()) {
    const failed = await store(call, owner, address.publicUrl)
    if (failed !== null) return ask(call, { values, problems: [{ field: 'public_url', text: failed }] })
  }
  await markDone(call, 'name')
  return goOnFrom('name')
}

function inWords(problems: readonly string[]): Problem[] {
  return problemsAt(problems, { name: 'name' })
}

function judge(text: string, needsHttps: boolean): { publicUrl: string | null } | { problem: string } {
  if (text === '') {
    return needsHttps
      ? { problem: 'is needed, since other machines can reach this portal; or start it on 127.0.0.1' }
      : { publicUrl: null }
  }
  const taken = takePublicUrl(text)
  if ('publicUrl' in taken && needsHttps && !taken.publicUrl.startsWith('https:'))
    return { problem: 'must begin with https://, since other machines can reach this portal' }
  return taken
}

/**
 * A setting is no object of the REST API, so its deed is written here: first, since what cannot be recorded is not changed.
 *
 * @returns why it could not be stored, or null
 */
async function store(
  call: PageCall,
  { userId, label, id }: BrowserSession,
  url: string | null,
): Promise<string | null> {
  const { audit, clock, setUp } = call.deps
  const entry = await audit.begin({
    ...{ deed: newId<DeedId>(clock.now()), plane: 'admin', method: `POST ${PATH}`, clientIp: call.caller.clientIp },
    ...{ actor: { kind: 'user', id: userId, label, role: 'owner' }, session: id },
  })
  try {
    setUp.publicUrl.store(url)
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException
    await entry.finish({ outcome: 'failed', error: syscall === undefined ? 'bug' : 'not-written' })
    if (syscall === undefined) throw error
    return `could not be written to ${setUp.publicUrl.file} (${code}). Set PORTICO_PUBLIC_URL instead, or let the portal write there.`
  }
  const change = { object: 'setting', id: 'public_url', fields: ['public_url'] }
  await entry.finish({ outcome: 'answered', decision: 'allow', change })
  return null
}
