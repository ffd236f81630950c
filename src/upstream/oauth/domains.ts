/**
 * Which hosts are one party. There is no list of public suffixes here: the last two labels count, or three where the last but one is a
 * well-known second level of a country. Where that is not enough (`SHARED` is what strangers commonly rent), the issuer's own metadata
 * would still have to name a neighbour.
 */
import { addressBytes } from '../../base/address.ts'
import { hostOf, isLoopbackName } from '../../base/destination.ts'

const SECOND_LEVELS = new Set(['ac', 'co', 'com', 'edu', 'gob', 'gov', 'mil', 'ne', 'net', 'nhs', 'or', 'org'])
/** Suffixes under which strangers are neighbours: below them each host is its own party. */
const SHARED = [
  ...['github.io', 'gitlab.io', 'pages.dev', 'workers.dev', 'vercel.app', 'netlify.app', 'herokuapp.com', 'fly.dev'],
  ...['onrender.com', 'railway.app', 'web.app', 'firebaseapp.com', 'azurewebsites.net', 'cloudfront.net'],
  ...[
    'amazonaws.com',
    'run.app',
    'appspot.com',
    'deno.dev',
    'ngrok.io',
    'ngrok.app',
    'ngrok-free.app',
    'trycloudflare.com',
  ],
]

/** Whether two addresses are of one party: one host, or hosts under one registrable domain. */
export function isSameParty(a: URL, b: URL): boolean {
  const [one, other] = [hostOf(a), hostOf(b)]
  if (one === other) return true
  const domain = registrableDomain(one)
  return domain !== null && domain === registrableDomain(other)
}

/** @returns null for what has none: addresses, names of one label, this machine, and hosts under a shared suffix */
export function registrableDomain(host: string): string | null {
  if (addressBytes(host) !== null || isLoopbackName(host)) return null
  if (SHARED.some((suffix) => host === suffix || host.endsWith(`.${suffix}`))) return null
  const labels = host.split('.')
  const isDeep = SECOND_LEVELS.has(labels.at(-2) ?? '') && (labels.at(-1) ?? '').length === 2
  const length = isDeep ? 3 : 2
  return labels.length < length ? null : labels.slice(-length).join('.')
}
