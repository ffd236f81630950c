/**
 * How authorization servers are spoken to: through the guard of outgoing connections, over https, or in clear text with this very machine.
 * All that one operation asks has one deadline. What a server behind the portal names is somebody else's word: every hop is judged anew.
 */
import { kindOfAddress } from '../../base/address.ts'
import { isLoopbackName, type Place, placeOf } from '../../base/destination.ts'
import { DestinationDenied, type Egress } from '../../base/egress.ts'
import { openSafeFetch, type SafeFetch } from '../../base/safe-fetch.ts'
import { OauthTrouble } from './model.ts'

export interface Net {
  /** For documents that anybody may read: up to three redirects, none of which leads to plain http. Carries no secret. */
  read: SafeFetch
  /** For all that carries a secret, a code or a token: it goes where it was meant to go, or nowhere. */
  send: SafeFetch
}

export const DEADLINE_MS = 15_000
const LIMITS = { answerBytes: 256 * 1024, connectMs: 5000, firstByteMs: 10_000, totalMs: DEADLINE_MS }
const REDIRECTS = [301, 302, 303, 307, 308]
const MOST_REDIRECTS = 3

/** @param totalMs for everything that is asked through it, from now on */
export function openNet(egress: Egress, allowed: readonly Place[], totalMs = DEADLINE_MS): Net {
  const deadline = AbortSignal.timeout(totalMs)
  const secure = openSafeFetch(egress, { ...LIMITS, allowed })
  const plain = openSafeFetch(egress, { ...LIMITS, allowed, allowHttp: true })
  const ask: SafeFetch = (input, init = {}) => {
    const url = urlOf(input)
    if (!isSafeUrl(url)) return Promise.reject(new OauthTrouble('insecure', 'an address is not https'))
    return (url.protocol === 'http:' ? plain : secure)(input, { ...init, signal: deadline })
  }
  return {
    read: (input, init) => follow(ask, urlOf(input), init),
    send: async (input, init) => settled(await ask(input, init)),
  }
}

/** Whether nobody can read along: https, or this machine alone. */
export function isSafeUrl(url: URL): boolean {
  if (url.username !== '' || url.password !== '') return false
  if (url.protocol === 'https:') return true
  const { host } = placeOf(url)
  return url.protocol === 'http:' && (isLoopbackName(host) || kindOfAddress(host) === 'loopback')
}

/** The library would follow redirects within one origin by itself, so none of them may reach it. */
async function follow(ask: SafeFetch, first: URL, init?: RequestInit): Promise<Response> {
  let url = first
  for (let left = MOST_REDIRECTS; ; left--) {
    const response = await ask(url, init)
    if (!REDIRECTS.includes(response.status)) return response
    const next = URL.parse(response.headers.get('location') ?? '', url)
    if (next === null || left === 0) throw new OauthTrouble('unreachable', 'too many redirects, or one to nowhere')
    if (url.protocol === 'https:' && next.protocol !== 'https:')
      throw new OauthTrouble('insecure', 'a redirect from https to another scheme')
    url = next
  }
}

function settled(response: Response): Response {
  const { status } = response
  if (REDIRECTS.includes(status)) throw new OauthTrouble('bad-answer', 'an endpoint answered with a redirect')
  if (status >= 500 || status === 429) throw new OauthTrouble('unreachable', `an endpoint answered ${status}`)
  return response
}

function urlOf(input: string | URL | Request): URL {
  const url = URL.parse(input instanceof Request ? input.url : String(input))
  if (url === null) throw new DestinationDenied('scheme')
  return url
}
