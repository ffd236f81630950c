/**
 * Ties an authorization to the browser in which it began. The library has cookies for that, but they have paths, so they cannot have the
 * prefix `__Host-`: a neighbour under the same domain could plant one, and have a person say yes in their browser to what waits in the
 * neighbour's (RFC 6265bis, section 4.1.3.2). Ours says in its name which authorization it is of, and nobody but this host can set it.
 */
import type { Provider } from './library.ts'

const SECONDS = 600
/** So many may wait in one browser. Who is made to begin more loses the first ones, not the way in: headers have an end. */
const MOST = 20
const ASKED = /^\/consent\/([\w-]{1,64})$/

/** Sets the cookie with the answer that sends a browser to our page, and takes it away when the authorization is over. */
export function markBegun(provider: Provider, issuer: string): void {
  provider.use(async (ctx, next) => {
    await next()
    if (ctx.status !== 303) return
    const begun = ASKED.exec(ctx.response.get('location'))?.[1]
    if (begun !== undefined) {
      const waiting = waitingIn(ctx.get('cookie'), issuer)
      for (const old of waiting.slice(0, Math.max(0, waiting.length - MOST + 1))) {
        ctx.append('set-cookie', written(old, issuer, false))
      }
      ctx.append('set-cookie', written(begun, issuer, true))
    }
    const over = ctx.oidc?.route === 'resume' ? /\/([\w-]{1,64})$/.exec(ctx.path)?.[1] : undefined
    if (over !== undefined) ctx.append('set-cookie', written(over, issuer, false))
  })
}

export function isBegunHere(uid: string, cookie: string | null, issuer: string): boolean {
  return waitingIn(cookie ?? '', issuer).includes(uid)
}

function prefixOf(issuer: string): string {
  return `${issuer.startsWith('https:') ? '__Host-' : ''}portico-begun-`
}

function waitingIn(cookie: string, issuer: string): string[] {
  const prefix = prefixOf(issuer)
  return cookie
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(prefix) && pair.endsWith('=1'))
    .map((pair) => pair.slice(prefix.length, -2))
}

function written(uid: string, issuer: string, isOn: boolean): string {
  const secure = issuer.startsWith('https:') ? '; Secure' : ''
  return `${prefixOf(issuer)}${uid}=1; Path=/; HttpOnly; SameSite=Lax; Max-Age=${isOn ? SECONDS : 0}${secure}`
}
