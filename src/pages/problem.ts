/**
 * What a person reads when something did not work: what happened, and what to do next. No detail that helps an attacker: which of
 * several reasons it was stands in the audit.
 */
import { html } from 'hono/html'
import type { SignInRefusal } from '../identity/complete-sign-in.ts'
import type { DeskRefusal } from '../upstream/connections/desk-model.ts'
import { type Markup, type PageOptions, page } from './page.ts'
import { signInPath } from './return-to.ts'

interface Telling {
  status: number
  title: string
  /** What happened, and what did not. */
  happened: string
  advice: string
  /** What the page offers: to sign in again, or the home. A client is not ours to open, so it is told in words. */
  offers: 'sign-in' | 'home'
}

const SIGN_IN_PROBLEMS = {
  'wrong-credentials': {
    status: 403,
    title: 'That did not match',
    happened:
      'The address, the password or the code is not right, or there is no such account. You were not signed in.',
    advice: 'Check what you typed, and whether the code is the newest one, and try again.',
    offers: 'sign-in',
  },
  'locked-out': {
    status: 429,
    title: 'Too many tries',
    happened: 'There were too many wrong tries, so the portal looks at no more of them for a while.',
    advice: 'Wait some minutes and try again, or sign in another way. If it was not you who tried, tell your admin.',
    offers: 'sign-in',
  },
  'login-binding': {
    status: 400,
    title: 'This sign-in is over, or began in another browser',
    happened:
      'The answer of your identity provider came too late, twice, or to a browser that did not ask. Nobody was signed in.',
    advice: 'Begin again, and finish in the same browser within ten minutes. Cookies must be allowed for this site.',
    offers: 'sign-in',
  },
  'provider-refused': {
    status: 403,
    title: 'Your identity provider said no',
    happened: 'The sign-in was cancelled there, or your account may not use this portal. You were not signed in.',
    advice: 'Try again. If it says no again, ask whoever runs your company’s accounts to let you use this portal.',
    offers: 'sign-in',
  },
  'provider-unreachable': {
    status: 502,
    title: 'Your identity provider does not answer',
    happened: 'The portal could not reach it, or could not understand what it said. You were not signed in.',
    advice:
      'Try again in a minute, or sign in another way. If it goes on, tell your admin: the portal’s log has the cause.',
    offers: 'sign-in',
  },
  'bad-token': {
    status: 502,
    title: 'The answer of your identity provider was not accepted',
    happened: 'What it sent does not prove who you are, so you were not signed in.',
    advice: 'Try again. If it goes on, tell your admin: the audit says which check failed.',
    offers: 'sign-in',
  },
  'foreign-address': {
    status: 403,
    title: 'Your address is not accepted',
    happened:
      'The identity provider has not verified your address, or may not speak for its domain here. You were not signed in.',
    advice: 'Verify your address there, or sign in with your company’s account.',
    offers: 'sign-in',
  },
  'user-disabled': {
    status: 403,
    title: 'Your access is switched off',
    happened: 'An admin of this portal has switched your access off. You were not signed in.',
    advice: 'Ask an admin of this portal, if you think that it should not be so.',
    offers: 'home',
  },
  'not-offered': {
    status: 404,
    title: 'This way to sign in is not offered',
    happened: 'It was switched off, or was never there.',
    advice: 'Choose another way to sign in.',
    offers: 'sign-in',
  },
  'link-over': {
    status: 410,
    title: 'This link is over',
    happened: 'It was used before, is too old, or was never made. Nothing was changed.',
    advice:
      'Links work once, for an hour. Where the portal has no admin yet, make another one with: portico admin link',
    offers: 'home',
  },
} as const satisfies Readonly<Record<SignInRefusal, Telling>>

const CLIENT_ADVICE = 'Remove the portal from the program and add it again; it then asks anew.'

/** By error code of RFC 6749, RFC 7591 and RFC 8707, where the browser must not be sent back to who asked. */
const AUTHORIZATION_PROBLEMS = {
  'oauth-invalid_client': {
    status: 400,
    title: 'The portal does not know this program',
    happened:
      'The program that sent you here was never registered, or its registration is over. Nothing was given away.',
    advice: CLIENT_ADVICE,
    offers: 'home',
  },
  'oauth-invalid_redirect_uri': {
    status: 400,
    title: 'This program wants its answer elsewhere than it said',
    happened:
      'The place that it wants you sent back to is not one that it registered, so nothing was sent there. It may be that somebody else made the link.',
    advice: `If you opened the link yourself, do this: ${CLIENT_ADVICE} If somebody sent it to you, close this page.`,
    offers: 'home',
  },
  'oauth-invalid_target': {
    status: 400,
    title: 'This portal is not here',
    happened: 'The program asks for a portal that does not exist at this address. Nothing was given away.',
    advice: 'Compare the address in the program with the one on the portal’s home.',
    offers: 'home',
  },
  'oauth-invalid_request': {
    status: 400,
    title: 'The program asked in a way that is not understood',
    happened: 'Its request is incomplete, out of date, or broken on its way. Nothing was given away.',
    advice: 'Begin again from the program. If it goes on, update the program, or tell its maker.',
    offers: 'home',
  },
  'oauth-access_denied': {
    status: 403,
    title: 'The program was not let in',
    happened: 'You or a policy of this portal said no. Nothing was given away.',
    advice: 'Begin again from the program, if you meant to let it in.',
    offers: 'home',
  },
  'oauth-server_error': {
    status: 500,
    title: 'Something went wrong in the portal',
    happened: 'You are not at fault, and nothing was given away.',
    advice: 'Try again in a minute. If it goes on, tell your admin: the portal’s log has the cause.',
    offers: 'home',
  },
  'oauth-temporarily_unavailable': {
    status: 503,
    title: 'The portal cannot do this now',
    happened: 'It is too busy, or cannot record what is done. Nothing was given away.',
    advice: 'Try again in a minute.',
    offers: 'home',
  },
} as const satisfies Readonly<Record<`oauth-${string}`, Telling>>

const AS_BEFORE = 'Nothing was connected; what was connected before is as it was.'
const ADMINS_LOG = 'the portal’s audit and log have the cause.'

/** By what the desk says where people connect accounts at servers. */
const CONNECT_PROBLEMS = {
  'connect-not-offered': {
    status: 404,
    title: 'No account can be connected here',
    happened: `The server takes none in this way, or not any more. ${AS_BEFORE}`,
    advice: 'Look at your connections on the portal’s home, or ask an admin of this portal.',
    offers: 'home',
  },
  'connect-unreachable': {
    status: 502,
    title: 'The server’s sign-in does not answer',
    happened: `The portal could not reach the place where you would sign in, or could not understand what it said. ${AS_BEFORE}`,
    advice: `Try again in a minute. If it goes on, tell an admin of this portal: ${ADMINS_LOG}`,
    offers: 'home',
  },
  'connect-unsafe-server': {
    status: 502,
    title: 'The server’s sign-in is not safe to use',
    happened: `What it says of itself would let others get at your account, so the portal does not send you there. ${AS_BEFORE}`,
    advice: `You can do nothing about it. Tell an admin of this portal: ${ADMINS_LOG}`,
    offers: 'home',
  },
  'connect-no-registration': {
    status: 502,
    title: 'The server does not know this portal yet',
    happened: `Its sign-in takes no new client by itself, so it would turn you away. ${AS_BEFORE}`,
    advice: 'Ask an admin of this portal to register it there, and to write the client down at this server.',
    offers: 'home',
  },
  'connect-not-yours': {
    status: 400,
    title: 'This is over, or began in another browser',
    happened: `The answer came too late, twice, after you signed out, to a browser that did not ask, or for a server that was changed or removed meanwhile. ${AS_BEFORE}`,
    advice: 'Begin again, and finish in the same browser within ten minutes, signed in as the same person.',
    offers: 'home',
  },
  'connect-wrong-issuer': {
    status: 502,
    title: 'The answer came from somewhere else',
    happened: `It does not name the place that you were sent to, as it must, so the portal threw it away. ${AS_BEFORE}`,
    advice: `Try again. If it goes on, do not sign in there, and tell an admin of this portal: ${ADMINS_LOG}`,
    offers: 'home',
  },
  'connect-denied': {
    status: 403,
    title: 'It was not allowed there',
    happened: `You, or the place where you signed in, said no. ${AS_BEFORE}`,
    advice: 'Try again if you meant to allow it, or with an account that has the rights.',
    offers: 'home',
  },
  'connect-no-token': {
    status: 502,
    title: 'The account could not be connected',
    happened: `You were let through, but what the portal was given for it is of no use. ${AS_BEFORE}`,
    advice: `Try again. If it goes on, tell an admin of this portal: ${ADMINS_LOG}`,
    offers: 'home',
  },
  'connect-bad-token': {
    status: 400,
    title: 'That is not a token',
    happened: 'A token is one word of plain letters, digits and signs. What you pasted was not kept.',
    advice: 'Copy it again, whole and alone, without quotes.',
    offers: 'home',
  },
} as const satisfies Readonly<Record<`connect-${DeskRefusal}`, Telling>>

const PROBLEMS = {
  ...SIGN_IN_PROBLEMS,
  ...AUTHORIZATION_PROBLEMS,
  ...CONNECT_PROBLEMS,
  'not-found': {
    status: 404,
    title: 'There is nothing here',
    happened: 'This page does not exist, or not any more.',
    advice: 'The portal’s home tells how to connect a client.',
    offers: 'home',
  },
  'not-owner': {
    status: 403,
    title: 'Only an owner sets the portal up',
    happened: 'You are signed in, and are not an owner of this portal. Nothing was changed.',
    advice:
      'Ask whoever set this portal up: an owner can do it, or make you an owner with: portico roles add owner --email YOUR-ADDRESS',
    offers: 'home',
  },
  'bad-form': {
    status: 400,
    title: 'That form could not be read',
    happened: 'Nothing was changed.',
    advice: 'Go back, load the page again, and send it once more.',
    offers: 'home',
  },
  'foreign-form': {
    status: 403,
    title: 'This page was too old, or not ours',
    happened: 'Nothing was changed.',
    advice: 'Go back, load the page again, and send it once more. Cookies must be allowed for this site.',
    offers: 'home',
  },
  unavailable: {
    status: 503,
    title: 'The portal cannot do this now',
    happened: 'It cannot reach its database, or cannot record what is done. Nothing was changed.',
    advice: 'Try again in a minute. If it goes on, tell your admin: the portal’s log has the cause.',
    offers: 'home',
  },
  failed: {
    status: 500,
    title: 'Something went wrong in the portal',
    happened: 'You are not at fault. It may be that only a part of what you asked for was done.',
    advice: 'Go back and look, then try again. If it goes on, tell your admin: the portal’s log has the cause.',
    offers: 'home',
  },
  'unknown-authorization': {
    status: 400,
    title: 'This sign-in is over, or began in another browser',
    happened: 'Nothing was given away.',
    advice: 'Start again from your client; the link it opens works once, and only in the browser that opened it.',
    offers: 'home',
  },
} as const satisfies Readonly<Record<string, Telling>>

export type Problem = keyof typeof PROBLEMS

/** For tests, and for whoever lists them. */
export const PROBLEM_NAMES = Object.keys(PROBLEMS) as readonly Problem[]

/** What happened and what to do, where the page that was asked for shows it itself: above its own form. */
export function tell(problem: Problem): Telling {
  return PROBLEMS[problem]
}

/** @param options `returnTo`: where a person who signs in again wants to go on to */
export function problemPage(
  problem: Problem,
  options: Pick<PageOptions, 'organization' | 'signedInAs'> & { returnTo?: string } = {},
): Promise<Response> {
  const { returnTo = '/', ...frame } = options
  const { status, title, happened, advice, offers } = tell(problem)
  const again =
    offers === 'sign-in' ? html`<a class="button primary" href="${signInPath(returnTo)}">Sign in again</a>` : ''
  return page(
    title,
    problemBody({
      title,
      happened,
      advice,
      actions: html`${again}<a class="button" href="/">To the portal’s home</a>`,
    }),
    status,
    frame,
  )
}

export function problemBody(said: { title: string; happened: string; advice: string; actions: Markup }): Markup {
  return html`<section class="card" aria-labelledby="what">
    <h1 id="what">${said.title}</h1>
    <p class="lead">${said.happened}</p>
    <p>${said.advice}</p>
    <div class="actions">${said.actions}</div>
  </section>`
}

/** Other names of the same, by RFC 6749 section 4.1.2.1 and what oidc-provider says beyond it. */
const SAME: Readonly<Record<string, Problem>> = {
  invalid_client_metadata: 'oauth-invalid_client',
  unauthorized_client: 'oauth-invalid_client',
  invalid_session: 'unknown-authorization',
}

/**
 * For an error of an authorization that must not be told by sending the browser on: an unknown client, a redirect that is not
 * registered. Nothing of the request stands on the page.
 *
 * @param error the OAuth error code; one that is not known is told as `invalid_request`
 */
export function authorizationProblem(error: string): Promise<Response> {
  const own = `oauth-${error}`
  const known = Object.hasOwn(AUTHORIZATION_PROBLEMS, own) ? (own as Problem) : undefined
  return problemPage(known ?? (Object.hasOwn(SAME, error) ? SAME[error] : undefined) ?? 'oauth-invalid_request')
}
