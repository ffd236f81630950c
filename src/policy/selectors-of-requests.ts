/** Selectors that speak of a request, whoever sent it: where it came from, what machine it is, what others say of it. */
import type { Selector } from '../contract/criteria.ts'
import type { AddressRanges } from './address-ranges.ts'
import { openRanges, parseRange } from './address-ranges.ts'
import type { Truth } from './model.ts'
import { type Judged, NEEDS_NOTHING, NEEDS_ORIGIN, type Prepare } from './selector.ts'

type OfRequests = Extract<
  Selector,
  | (
      | 'everyone'
      | 'ip'
      | 'ip_list'
      | 'geo'
      | 'certificate'
      | 'common_name'
      | 'service_token'
      | 'any_valid_service_token'
    )
  | ('external_evaluation' | 'linked_app_token' | 'device_posture' | 'saml' | 'user_risk_score')
  | 'cloudflare_account_member'
>

export const OF_REQUESTS: { [S in OfRequests]: Prepare<S> } = {
  everyone: () => ({ judge: () => true, why: () => 'speaks of everyone' }),
  ip({ ip }) {
    const range = parseRange(ip)
    return range === null ? `"${ip}" is no address and no range` : ranged(openRanges([range]), ip, false)
  },
  ip_list({ id }, lookups) {
    const list = lookups.list(id)
    if (list === undefined) return `there is no list ${id}`
    if (list.ranges === null) return `the list "${list.name}" does not hold addresses of machines`
    return ranged(list.ranges, `the list "${list.name}"`, list.isBroken)
  },
  geo: ({ country_code: code }) => ({
    judge: ({ country }) => (country === null ? 'unknown' : country === code),
    why: ({ country, origin }) =>
      country === null
        ? `wanted: ${code}; ${origin.ip === null ? 'there is no address to tell the country from' : `the country of ${origin.ip} is not known`}`
        : `wanted: ${code}; the request came from ${country}`,
    needs: NEEDS_ORIGIN,
  }),
  certificate: () => ({
    judge: ({ origin }) => (origin.certificate === null ? 'unknown' : origin.certificate.present),
    why: ({ origin }) =>
      origin.certificate === null
        ? NO_CERTIFICATES
        : `the client showed ${origin.certificate.present ? 'a' : 'no'} certificate`,
    needs: NEEDS_ORIGIN,
  }),
  common_name: ({ common_name: name }) => ({
    judge: ({ origin: { certificate } }) =>
      certificate === null ? 'unknown' : certificate.present && certificate.commonName === name,
    why: ({ origin: { certificate } }) =>
      certificate === null
        ? NO_CERTIFICATES
        : `wanted: the common name "${name}"; the client showed ${certificate.present ? `"${certificate.commonName ?? ''}"` : 'no certificate'}`,
    needs: NEEDS_ORIGIN,
  }),
  service_token: ({ token_id: id }) => ({
    judge: ({ principal }) => principal.kind === 'service' && principal.id === id,
    why: ({ principal }) =>
      principal.kind === 'service'
        ? `wanted: the service token ${id}; the caller is ${principal.id}`
        : 'the caller is no service token',
  }),
  any_valid_service_token: () => ({
    judge: ({ principal }) => principal.kind === 'service',
    why: ({ principal }) => `the caller is ${principal.kind === 'service' ? 'a' : 'no'} service token`,
  }),
  external_evaluation({ evaluate_url: evaluateUrl, keys_url: keysUrl }) {
    const key = `${evaluateUrl} ${keysUrl}`
    return {
      judge: ({ external }) => external.get(key) ?? 'unknown',
      why({ external }) {
        const answer = external.get(key)
        return answer === undefined
          ? `${evaluateUrl} gave no answer that counts`
          : `${evaluateUrl} says ${answer ? 'yes' : 'no'}`
      },
      needs: { ...NEEDS_NOTHING, external: [{ key, evaluateUrl, keysUrl }] },
    }
  },
  linked_app_token: () => sourceless('this portal knows no tokens of other applications'),
  device_posture: () => sourceless('nothing tells this portal of the devices of callers'),
  saml: () => sourceless('this portal has no identity provider that speaks SAML'),
  user_risk_score: () => sourceless('nothing tells this portal of the risk of callers'),
  cloudflare_account_member: () => sourceless('this portal does not know the members of Cloudflare accounts'),
}

const NO_CERTIFICATES = 'no trusted proxy tells this portal of client certificates, so it is not known'

function ranged(ranges: AddressRanges, asked: string, isBroken: boolean): Judged {
  return {
    judge({ origin: { ip } }): Truth {
      const found = ip === null ? null : ranges.has(ip)
      return found === null ? 'unknown' : found || (isBroken && 'unknown')
    },
    why: ({ origin: { ip } }) =>
      ip === null
        ? `wanted: an address of ${asked}; there is none`
        : `wanted: an address of ${asked}; the request came from ${ip}`,
    needs: NEEDS_ORIGIN,
  }
}

/** Kept, shown, and never met: an `allow` by it lets nobody in, a `deny` by it spares nobody. */
function sourceless(why: string): Judged {
  return { judge: () => 'unknown', why: () => why }
}
