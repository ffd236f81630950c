/**
 * How a provider is spoken to: through the guard of outgoing connections, over https. Plain http is for a provider on this very machine
 * that the owner opened by name, and for nothing that such a one points to.
 */
import { kindOfAddress } from '../../base/address.ts'
import { isAllowed, isLoopbackName, type Place, placeOf } from '../../base/destination.ts'
import { DestinationDenied, type Egress } from '../../base/egress.ts'
import { Fault } from '../../base/fault.ts'
import { openSafeFetch, type SafeFetch } from '../../base/safe-fetch.ts'

export interface Net {
  /** For documents at known addresses: up to three redirects, of https only. */
  read: SafeFetch
  /** For all that carries a secret or a token: an answer that points elsewhere is an answer. */
  send: SafeFetch
}

const LIMITS = { answerBytes: 512 * 1024, connectMs: 5000, firstByteMs: 10_000, totalMs: 15_000 }

export function openNet(egress: Egress, allowed: readonly Place[]): Net {
  const over = (limits: object): SafeFetch => openSafeFetch(egress, { ...LIMITS, allowed, ...limits })
  const plain = over({ allowHttp: true })
  const choose = (secure: SafeFetch): SafeFetch => {
    return (input, init) => {
      const url = URL.parse(input instanceof Request ? input.url : String(input))
      if (url?.protocol !== 'http:') return secure(input, init)
      if (mayBePlain(url, allowed)) return plain(input, init)
      return Promise.reject(
        new Fault('upstream-unreachable', 'The address cannot be reached.', new DestinationDenied('scheme')),
      )
    }
  }
  return { read: choose(over({ redirects: 3 })), send: choose(over({})) }
}

/** Whether nobody but this machine can read along, and the owner meant it. */
export function mayBePlain(url: URL, allowed: readonly Place[]): boolean {
  const place = placeOf(url)
  const isHere = isLoopbackName(place.host) || kindOfAddress(place.host) === 'loopback'
  return isHere && isAllowed(place, allowed)
}
