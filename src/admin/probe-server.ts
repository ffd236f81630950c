/**
 * `POST …/servers/probe`: what an address is, before it is a server. It goes out, so it needs the right to add servers; it keeps nothing.
 * One sentence stands for all that keeps an address from being reached, or whoever may ask could map the network inside (`upstream/probe`).
 */
import { parsePlace } from '../base/destination.ts'
import { isAutomaticOauth, parseBearerCredentials } from '../contract/credentials.ts'
import type { ProbeShown, ProbeStep, ServerProbe } from '../contract/server-look.ts'
import type { Probed } from '../upstream/model.ts'
import { passAllowGate } from './destination-gate.ts'
import { invalid } from './refusal.ts'
import type { Call, Outcome } from './route.ts'

const UNREACHABLE =
  'Nothing that speaks MCP can be reached at this address. Check that the server runs and that the address is right. With https, its certificate has to be one that the portal trusts (NODE_EXTRA_CA_CERTS adds a company’s own). Inside your network, its host and port have to be allowed (allow_private).'

/** @throws ApiRefusal */
export async function probeServer({ deps, operator, body }: Call<ServerProbe>): Promise<Outcome> {
  const { hostname, allow_private: opened = [], auth_credentials: sent } = body
  passAllowGate(operator, [], body.allow_private)
  const probed = await deps.upstreams.probe(
    {
      hostname,
      allowed: opened.map(parsePlace).filter((place) => place !== null),
      credential: credentialIn(sent),
    },
    operator.name,
  )
  const result: ProbeShown = { steps: stepsOf(probed), ...foundOf(hostname, probed) }
  return { result, change: { object: 'server', id: '', fields: ['probe'] } }
}

/** What is written of an OAuth client is no header: nobody signs in for a look. */
function credentialIn(sent: string | undefined): string | null {
  if (sent === undefined || isAutomaticOauth(sent)) return null
  const parsed = parseBearerCredentials(sent)
  if (typeof parsed === 'string') throw invalid('auth_credentials', parsed)
  return sent
}

const good = (step: ProbeStep['step'], says: string): ProbeStep => ({ step, ok: true, says })
const bad = (step: ProbeStep['step'], says: string): ProbeStep => ({ step, ok: false, says })

const some = (count: number, word: string): string => `${count} ${count === 1 ? word : `${word}s`}`

const ADDRESS = good('address', 'The address is one that a server can have.')
const CONNECTED = good('connect', 'Something answers there.')

function stepsOf(probed: Probed): ProbeStep[] {
  switch (probed.kind) {
    case 'unreachable':
      return [ADDRESS, bad('connect', UNREACHABLE)]
    case 'other':
      return [ADDRESS, CONNECTED, bad('transport', otherSays(probed.status))]
    case 'closed':
      return [ADDRESS, CONNECTED, authOf(probed)]
    case 'open':
      return openSteps(probed)
  }
}

const PATHS = 'Check the path: most servers have their endpoint at /mcp, older ones at /sse.'

/** What else than MCP it answered with, and what that mostly comes from. */
function otherSays(status: number | null): string {
  if (status === null || status < 300) return `It answered with something that is not MCP, such as a web page. ${PATHS}`
  if (status < 400)
    return `It answered HTTP ${status}, which sends elsewhere, and the portal does not go there: a credential would go along. Give the address that it leads to, often the same with https:// or without a slash at the end.`
  if (status >= 500)
    return `It answered HTTP ${status}: it is there, and something is wrong with it or with what stands before it. See its own log, and look again.`
  return `It answered HTTP ${status}. ${PATHS}`
}

function authOf({ auth, issuer, status, hadCredential }: Probed & { kind: 'closed' }): ProbeStep {
  if (hadCredential)
    return bad('auth', `It answered HTTP ${status} to this credential. Check it, or leave it out and look again.`)
  if (auth === 'oauth')
    return good(
      'auth',
      `It wants people to sign in with OAuth, at ${issuer ?? 'its own authorization server'}. Create it, then connect an account.`,
    )
  return bad(
    'auth',
    `It answered HTTP ${status} and names no place to sign in: it wants a token or a header of its own. Enter that and look again.`,
  )
}

function openSteps({ transport, era, path, hadCredential, counts }: Probed & { kind: 'open' }): ProbeStep[] {
  const speaks = transport === 'http' ? 'Streamable HTTP' : 'HTTP with server-sent events, the transport of 2024'
  const eraSays =
    era === '2026'
      ? 'It speaks MCP of 2026-07-28: no sessions.'
      : 'It speaks MCP of 2025-11-25 or earlier, with a handshake. The portal translates.'
  return [
    ...[ADDRESS, CONNECTED],
    good('transport', `${speaks}, at ${path}.`),
    good('era', eraSays),
    good('auth', hadCredential ? 'It takes this credential.' : 'It lets in whoever comes: no credential is needed.'),
    counts === null
      ? bad('lists', 'Its tools could not be listed now. Create it all the same, and its sync says why.')
      : good('lists', `It lists ${some(counts.tool, 'tool')} and ${some(counts.prompt, 'prompt')}.`),
  ]
}

function foundOf(hostname: string, probed: Probed): Pick<ProbeShown, 'found'> {
  if (probed.kind === 'closed') return { found: { hostname, auth_type: probed.hadCredential ? 'bearer' : probed.auth } }
  if (probed.kind !== 'open') return {}
  const { transport, era, info, counts, hadCredential } = probed
  return {
    found: {
      hostname: probed.hostname,
      auth_type: hadCredential ? 'bearer' : 'unauthenticated',
      ...{ transport, era },
      ...(info === null ? {} : info),
      ...(counts === null ? {} : { tool_count: counts.tool, prompt_count: counts.prompt }),
    },
  }
}
