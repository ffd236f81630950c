/**
 * The pages that a person meets, as one table. One order for all: the host under which people sign in, the route, the browser,
 * for a form its size and its token, then the page. A page that is not in the table is not there.
 */

import { Fault } from '../base/fault.ts'
import { ADMIN_LINK_PAGES } from './admin-link.ts'
import { APPROVE_PAGES } from './approve.ts'
import { PURPOSE_PAGES } from './approve-purpose.ts'
import { STEP_UP_PAGES } from './approve-step-up.ts'
import { CONNECT_PAGES } from './connect.ts'
import { CONSENT_PAGES } from './consent.ts'
import type { PageCall, PageCaller, PageDeps, PageRoute } from './deps.ts'
import { DEVICE_PAGES } from './device.ts'
import { HOME_PAGES } from './home.ts'
import { seeOther } from './page.ts'
import { PASSWORD_LINK_PAGES } from './password-link.ts'
import { problemPage } from './problem.ts'
import { readForm } from './read-form.ts'
import { SELECTION_PAGES } from './selection.ts'
import { SETUP_PAGES } from './setup.ts'
import { SIGN_IN_PAGES } from './sign-in.ts'
import { SIGN_OUT_PAGES } from './sign-out.ts'

export const PAGES: readonly PageRoute[] = [
  ...HOME_PAGES,
  ...SIGN_IN_PAGES,
  ...SIGN_OUT_PAGES,
  ...ADMIN_LINK_PAGES,
  ...PASSWORD_LINK_PAGES,
  ...CONSENT_PAGES,
  ...DEVICE_PAGES,
  ...SELECTION_PAGES,
  ...CONNECT_PAGES,
  ...APPROVE_PAGES,
  ...PURPOSE_PAGES,
  ...STEP_UP_PAGES,
  ...SETUP_PAGES,
]

export interface Pages {
  fetch(request: Request, caller: PageCaller): Promise<Response>
}

export function createPages(deps: PageDeps, routes: readonly PageRoute[] = PAGES): Pages {
  return {
    async fetch(request, caller) {
      const issuer = deps.issuer()
      const url = underIssuer(request.url, issuer)
      const found = find(routes, request.method, url.pathname)
      if (found === null) return problemPage('not-found')
      if (found.route.anyHost !== true && caller.origin !== issuer && caller.hostname !== url.hostname) {
        // The session is the issuer's alone: a form sent elsewhere was not made by a page of ours.
        return request.method === 'GET' ? seeOther(`${issuer}${url.pathname}${url.search}`) : problemPage('not-found')
      }
      const asked = { route: found.route, params: found.params, request, url, caller }
      return serve(asked, deps).catch((error: unknown) => failed(error, deps))
    },
  }
}

/** The door of the pages gives a failure the form that a person can read; what really happened is the log's alone. */
function failed(error: unknown, { log, organization }: PageDeps): Promise<Response> {
  const isFault = error instanceof Fault
  if (isFault) log.warn({ err: error, code: error.code }, 'a page could not do what it was asked')
  else log.error({ err: error }, 'a page failed')
  return problemPage(isFault ? 'unavailable' : 'failed', { organization: organization.current().name })
}

/** What was asked for, as if the issuer had been: nothing that a page makes of it holds what a Host header said. */
function underIssuer(asked: string, issuer: string): URL {
  return new URL(issuer + asked.slice(asked.indexOf('/', asked.indexOf('//') + 2)))
}

interface Found {
  route: PageRoute
  params: Readonly<Record<string, string>>
}

interface Asked extends Found {
  request: Request
  url: URL
  caller: PageCaller
}

async function serve({ route, params, request, url, caller }: Asked, deps: PageDeps): Promise<Response> {
  const cookie = request.headers.get('cookie')
  let form: ReadonlyMap<string, string> = new Map()
  if (route.method === 'POST') {
    const read = await readForm(request)
    if (read === null) return problemPage('bad-form')
    if (!deps.browsers.isOwnForm(cookie, read.get('form_token'))) return problemPage('foreign-form')
    form = read
  }
  // Only now: a session that ended while a form was slow to come is over.
  const browser = await deps.browsers.look(cookie)
  const call: PageCall = { deps, caller, request, url, params, browser, form }
  const response = await route.handler(call)
  for (const value of browser.setCookies) response.headers.append('set-cookie', value)
  return response
}

function find(routes: readonly PageRoute[], method: string, path: string): Found | null {
  for (const route of routes) {
    if (route.method !== method) continue
    const params = match(route.path, path)
    if (params !== null) return { route, params }
  }
  return null
}

/** @returns the named parts, or null where the path is another one */
function match(pattern: string, path: string): Readonly<Record<string, string>> | null {
  const wanted = pattern.split('/')
  const given = path.split('/')
  if (wanted.length !== given.length) return null
  const params: Record<string, string> = {}
  for (const [at, part] of wanted.entries()) {
    const own = given[at] ?? ''
    if (part.startsWith(':')) params[part.slice(1)] = own
    else if (part !== own) return null
  }
  return params
}
