/** What `doctor` can see through the portal: whether it answers, whether it is ready, and how its servers are. */

import { connect } from 'node:net'
import { ConfigError } from '../config/config-error.ts'
import { unpinnedPackage } from '../upstream/pinned-package.ts'
import type { Server } from './add-server.ts'
import { CliError } from './cli-error.ts'
import type { Context } from './context.ts'
import { checkClientDocument, credentialOf } from './doctor-credentials.ts'
import { checkDestinations } from './doctor-destinations.ts'
import { checkOwner } from './doctor-set-up.ts'
import { type Finding, fine, problem, warning } from './finding.ts'
import { PATHS, SHAPES } from './paths.ts'

const TIMEOUT_MS = 5000

export async function checkPortal(context: Context): Promise<Finding[]> {
  let url: string
  try {
    url = context.url()
  } catch (error) {
    // Settings that cannot be read are told by their own check.
    if (error instanceof ConfigError) return []
    if (error instanceof CliError)
      return [problem('portal', error.message, 'Say where it is with --url, or set PORTICO_URL.')]
    throw error
  }
  const health = await look(`${url}/healthz`)
  if (health === null) return [await nobody(url)]
  if (!isPortal(health)) return [stranger(url, `answers ${health.status} to /healthz`)]
  const ready = await look(`${url}/readyz`)
  return [
    fine('portal', `${url} answers`),
    ready?.status === 200
      ? fine('ready', 'store, keys and audit are in order')
      : problem('ready', `not ready: ${ready?.text.slice(0, 300) ?? 'no answer'}`, 'Its log on stderr says more.'),
    ...(await checkOwner(context)),
    ...(await checkServers(context)),
  ]
}

async function nobody(url: string): Promise<Finding> {
  if (await isListening(new URL(url))) return stranger(url, 'does not speak HTTP')
  return problem('portal', `nobody answers at ${url}`, 'portico start; or say where it is with --url')
}

function stranger(url: string, what: string): Finding {
  const { port, protocol } = new URL(url)
  const number = port || (protocol === 'https:' ? '443' : '80')
  return problem(
    'portal',
    `what listens at ${url} is no portal: it ${what}`,
    `ss -ltnp 'sport = :${number}' shows which program; end it, or: portico start --port ANOTHER`,
  )
}

function isPortal({ status, text }: { status: number; text: string }): boolean {
  return status === 200 && /^\{"status":"\w+"/.test(text)
}

function isListening({ hostname, port, protocol }: URL): Promise<boolean> {
  const number = Number(port) || (protocol === 'https:' ? 443 : 80)
  return new Promise((resolve) => {
    const socket = connect({ host: hostname.replace(/^\[|\]$/g, ''), port: number, timeout: TIMEOUT_MS })
    const settle = (is: boolean): void => {
      socket.destroy()
      resolve(is)
    }
    socket.on('connect', () => settle(true))
    socket.on('timeout', () => settle(false))
    socket.on('error', () => settle(false))
  })
}

async function look(url: string): Promise<{ status: number; text: string } | null> {
  try {
    const response = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(TIMEOUT_MS) })
    return { status: response.status, text: (await response.text()).trim() }
  } catch {
    // Refused, timed out or unknown: for the person at the terminal it is one thing, nobody answers.
    return null
  }
}

async function checkServers(context: Context): Promise<Finding[]> {
  try {
    const servers = await context.api().list(PATHS.servers, SHAPES.server)
    if (servers.length === 0) return [fine('servers', 'none yet', 'Add one: portico servers add NAME URL')]
    return [
      ...servers.flatMap((server) => [...stateOf(server), ...heldBy(server), ...habitsOf(server)]),
      ...checkClientDocument(servers),
      ...checkDestinations(context, servers),
    ]
  } catch (error) {
    if (error instanceof CliError) return [problem('servers', error.message, error.hint ?? 'portico servers list')]
    throw error
  }
}

function stateOf(server: Server): Finding[] {
  const { id, status, error, last_successful_sync: synced } = server
  const check = `server ${id}`
  const credential = credentialOf(server)
  if (status === 'ready') return [fine(check, 'ready'), ...credential]
  // Syncing again helps nobody there.
  if (credential.length > 0) return credential
  if (status === 'waiting' && server.auth_config_summary?.auth_mode === 'enterprise')
    return [fine(check, "works with each user's own account; nothing is listed for all")]
  if (status === 'waiting') return [warning(check, error ?? 'not synced yet', `portico servers sync ${id}`)]
  const since = synced === undefined ? 'never synced' : `last synced ${synced}`
  return [problem(check, `${error ?? status} (${since})`, `When it is mended: portico servers sync ${id}`)]
}

function heldBy({ id, held_definitions: held }: Server): Finding[] {
  if (held === 0) return []
  const text =
    held === 1
      ? 'a definition is held: nobody sees it or can call it'
      : `${held} definitions are held: nobody sees them or can call them`
  return [warning(`server ${id}`, text, `portico servers definitions ${id} --held, then approve or reject`)]
}

/** What works today and may hurt tomorrow. */
function habitsOf({ id, isolation, transport }: Server): Finding[] {
  const check = `server ${id}`
  const findings: Finding[] = []
  const unpinned = transport === undefined ? null : unpinnedPackage(transport.command, transport.args)
  if (unpinned !== null) {
    findings.push(
      warning(
        check,
        `"${unpinned}" has no exact version: each start may run new code`,
        `Write ${unpinned.replace(/(?<=.)@.*$/, '')}@1.2.3`,
      ),
    )
  }
  if (isolation === 'shared') {
    findings.push(
      warning(
        check,
        'shared: all callers are one session to this server',
        'Use per_credential or per_user where it keeps state or knows people.',
      ),
    )
  }
  return findings
}
