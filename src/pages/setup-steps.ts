/**
 * What the steps of the first run share: who may be here, how far it has come, and the frame. Each step has a URL of its own and does its
 * work without script; what was done stands in the portal itself, so it is left and taken up again at any time.
 */
import { html } from 'hono/html'
import type { BrowserSession } from '../identity/browser-session-store.ts'
import { roleOf } from '../identity/roles.ts'
import { readSetting, writeSetting } from '../store/settings-store.ts'
import type { PageCall } from './deps.ts'
import { type Markup, type PageOptions, seeOther, show } from './page.ts'
import { problemPage } from './problem.ts'
import { signInPath } from './return-to.ts'

export const STEPS = [
  { id: 'name', title: 'Name and address' },
  { id: 'server', title: 'First server' },
  { id: 'sign-in', title: 'Sign-in' },
  { id: 'client', title: 'Connect a client' },
] as const
export type StepId = (typeof STEPS)[number]['id']

export function pathOf(step: StepId): string {
  return `/setup/${step}`
}

/** @returns the answer for who is not signed in, or is no owner */
export async function ownerAt(call: PageCall, step: StepId): Promise<BrowserSession | Response> {
  const { session } = call.browser
  if (session === null) return seeOther(signInPath(pathOf(step)))
  if ((await roleOf(call.deps.store.db, session)) === 'owner') return session
  return problemPage('not-owner', { organization: call.deps.organization.current().name, signedInAs: session.label })
}

const KEY = 'set_up'

/** Steps that an owner went through, or past; or of which what they are for is there. */
export async function doneSteps({ deps }: Pick<PageCall, 'deps'>): Promise<ReadonlySet<StepId>> {
  const text = await readSetting(deps.store.db, KEY)
  const marked: readonly string[] = text === undefined ? [] : JSON.parse(text)
  const hasServer = (deps.directory.byHostname('localhost')?.servers.length ?? 0) > 0
  const hasProvider = deps.providers.offered().length > 0 || deps.local.offersPin()
  const done = (id: StepId): boolean =>
    marked.includes(id) || (id === 'server' && hasServer) || (id === 'sign-in' && hasProvider)
  return new Set(STEPS.map(({ id }) => id).filter(done))
}

export async function markDone({ deps }: PageCall, step: StepId): Promise<void> {
  await deps.store.write(async (trx) => {
    const text = await readSetting(trx, KEY)
    const marked = new Set<string>(text === undefined ? [] : JSON.parse(text))
    await writeSetting(trx, KEY, JSON.stringify([...marked.add(step)]))
  })
}

/** The page after a step. */
export function goOnFrom(step: StepId): Response {
  const next = STEPS[STEPS.findIndex(({ id }) => id === step) + 1]
  return seeOther(next === undefined ? '/setup' : pathOf(next.id))
}

export async function showStep(
  call: PageCall,
  step: StepId,
  body: Markup,
  options: Pick<PageOptions, 'script'> & { status?: number } = {},
): Promise<Response> {
  const { title } = STEPS.find(({ id }) => id === step) ?? STEPS[0]
  return show(
    call,
    `Set-up: ${title}`,
    html`${stepList(await doneSteps(call), step)}
      ${awaitedAddress(call)}
      ${body}`,
    { wide: true, ...options },
  )
}

export function stepList(done: ReadonlySet<StepId>, here: StepId | null): Markup {
  return html`<nav aria-label="Steps of the set-up">
    <ol class="steps">
      ${STEPS.map(
        ({ id, title }, at) => html`<li><a href="${pathOf(id)}" ${id === here ? html`aria-current="step"` : ''}>
          ${at + 1}. ${title} <span>${done.has(id) ? 'done' : id === here ? 'you are here' : 'to do'}</span></a></li>`,
      )}
    </ol>
  </nav>`
}

/** Until the next start, what was stored and what is in force are two things: on every step, or somebody registers the wrong address. */
export function awaitedAddress({ deps }: PageCall): Markup | '' {
  const { now, next } = deps.setUp.publicUrl
  const then = next()
  if (then === now) return ''
  return html`<div class="note warn" role="status">
    <p>
      The address of the portal changes at its next start: <strong>${then ?? 'this machine only'}</strong>. Restart Portico
      ${then === null ? '' : html`once the proxy at that address passes requests on to it`}; what this page shows is good until then.
    </p>
  </div>`
}
