/**
 * The admin console as far as the server is concerned: files that were built before, and one page that all paths below `/admin` show to
 * who is signed in. What a person sees in it comes from the REST API, which alone decides who may see and change what; so nothing here
 * looks at roles.
 */
import { randomBytes } from 'node:crypto'
import type { BrowserSessions } from '../identity/browser-session-store.ts'
import { type Asset, type Built, NONCE, readBuilt } from './assets.ts'
import type { ConsoleState } from './builder.ts'
import { notYet } from './not-yet.ts'

export interface ConsoleDeps {
  browsers: Pick<BrowserSessions, 'look'>
  /** Asked at each request until it is ready. */
  builder: { readonly state: ConsoleState }
  /** The base URL under which people sign in. */
  issuer(): string
}

export interface ConsoleCaller {
  /** That of the guarded Host. */
  origin: string
}

export interface Console {
  fetch(request: Request, caller: ConsoleCaller): Promise<Response>
}

const SAFE = {
  'x-content-type-options': 'nosniff',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'same-origin',
}

export function createConsole({ browsers, builder, issuer }: ConsoleDeps): Console {
  let built: Promise<Built> | undefined
  return {
    async fetch(request, { origin }) {
      if (request.method !== 'GET' && request.method !== 'HEAD')
        return new Response(null, { status: 405, headers: { allow: 'GET, HEAD', ...SAFE } })
      const asked = request.url.slice(request.url.indexOf('/', request.url.indexOf('//') + 2))
      const path = asked.split('?', 1)[0] ?? ''
      const state = builder.state
      if (state.is === 'ready') built ??= readBuilt(state.folder)
      const asset = (await built)?.assets.get(path)
      if (asset !== undefined) return file(request, asset)
      if (path.startsWith('/admin/assets/')) return new Response('Not found\n', { status: 404, headers: SAFE })
      // The session is the issuer's alone.
      const own = issuer()
      if (origin !== own) return away(`${own}${asked}`)
      const { session } = await browsers.look(request.headers.get('cookie'))
      if (session === null)
        return away(`/sign-in?return_to=${encodeURIComponent(asked.replace(/^\/admin\/(?=\?|$)/, '/admin'))}`)
      if (built === undefined) return notYet(state.is)
      return page(await built, own)
    },
  }
}

function file(request: Request, { type, bytes, zipped }: Asset): Response {
  const takesZip = zipped !== null && /\bgzip\b/.test(request.headers.get('accept-encoding') ?? '')
  const headers = {
    ...SAFE,
    'content-type': type,
    // Its name holds a hash of what is in it.
    'cache-control': 'public, max-age=31536000, immutable',
    ...(zipped === null ? {} : { vary: 'accept-encoding' }),
    ...(takesZip ? { 'content-encoding': 'gzip' } : {}),
  }
  return new Response(new Uint8Array(takesZip ? zipped : bytes), { headers })
}

function page(built: Built, issuer: string): Response {
  const nonce = randomBytes(16).toString('base64')
  return new Response(built.page.replaceAll(NONCE, nonce), {
    headers: {
      ...SAFE,
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': policy(`${issuer}/admin/assets/`, nonce),
      'x-frame-options': 'DENY',
      'cross-origin-opener-policy': 'same-origin',
      'permissions-policy': 'camera=(), geolocation=(), microphone=()',
      'cache-control': 'no-store',
    },
  })
}

/**
 * Scripts are files of our own and nothing else; styles are that, or made by those scripts, which know the nonce. Text becomes markup
 * nowhere: Trusted Types, with the one policy of `web/src/trusted-types.ts`.
 */
function policy(assets: string, nonce: string): string {
  return [
    "default-src 'none'",
    `script-src ${assets}`,
    `style-src ${assets} 'nonce-${nonce}'`,
    `img-src ${assets} data:`,
    "connect-src 'self'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "require-trusted-types-for 'script'",
    'trusted-types default',
  ].join('; ')
}

function away(location: string): Response {
  return new Response(null, { status: 303, headers: { location, 'cache-control': 'no-store', ...SAFE } })
}
