/**
 * Opens the connection that a server needs: a child, or whatever its address turns out to speak.
 */
import { parsePlace } from '../base/destination.ts'
import type { Principal } from '../base/principal.ts'
import { LIMITS } from '../config/limits.ts'
import { findProgram } from '../config/programs.ts'
import type { StdioConfig } from '../config/stdio.ts'
import type { Askable } from '../protocol/asked.ts'
import { childEnvironment } from './child-environment.ts'
import { forgetInstalled, openPlaces } from './child-places.ts'
import { refuseProgram } from './child-rules.ts'
import type { ChildSlots } from './child-slots.ts'
import type { Connection } from './connection.ts'
import type { LiveCredential } from './connections/model.ts'
import { detect, type Found, openStrategy, VERDICT_MS, type Verdict } from './detect.ts'
import type { Limits } from './exchange.ts'
import type { ParamHeaders } from './http-2026.ts'
import { atUrl, type HttpTarget, openHeaders, openSocketPool } from './http-target.ts'
import { identityHeaderOf } from './identity-header.ts'
import { launchOf } from './launch.ts'
import type { StdioTransport } from './model.ts'
import { fetchesPackage } from './pinned-package.ts'
import type { PoolDeps } from './pool.ts'
import type { Asking } from './questions.ts'
import { redactText } from './redact.ts'
import type { ServerSetup } from './setup.ts'
import { openStdio } from './stdio.ts'
import { Trouble, troubleOf } from './trouble.ts'

/** How long a package runner may take to fetch, unpack and start what it runs. */
const INSTALL_MS = LIMITS.child_install.value

export interface Opened {
  connection: Connection
  verdict: Verdict
}

export interface Opening {
  setup: ServerSetup
  /** Whose it is, whatever its callers can be asked: children of one caller share their directories. */
  key: string
  /** Whose connection it will be, or null where several share it. */
  alone: Principal | null
  credential: LiveCredential
  /** What each of its callers can be asked. */
  askable: Askable
  verdict: Verdict | null
  /** Others of the same key are in use. */
  hasSiblings: boolean
  /** Nobody calls on it, and no child ends for its sake. */
  isLook: boolean
  children: ChildSlots
}

/** @throws Trouble */
export async function openConnection(deps: PoolDeps, opening: Opening): Promise<Opened> {
  const { setup } = opening
  const found =
    setup.transport === null ? await openHttp(deps, opening) : await openChild(deps, opening, setup.transport)
  return { connection: found.connection, verdict: { ...found.verdict, at: deps.clock.now() } }
}

async function openHttp(deps: PoolDeps, opening: Opening): Promise<Found> {
  const { limits, watch, portal, clock } = deps
  const url = URL.parse(opening.setup.record.hostname)
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new Trouble('not-ready', 'not an HTTP address', {
      hint: 'The address of {server} is not an HTTP URL. Ask an administrator to mend it.',
    })
  }
  const allowed = opening.setup.record.allowPrivate.map(parsePlace).filter((place) => place !== null)
  const pool = openSocketPool(url, deps.egress.connector({ allowed, timeoutMs: limits.connectMs }))
  const { credential } = opening
  const own = openHeaders(portal, credential)
  const { uid } = opening.setup.record
  const paramHeaders: ParamHeaders = (out) => deps.paramHeaders(uid, out, credential.inventory)
  const identity = identityHeaderOf(opening.setup, opening.alone, deps.assertFor)
  const at = { pool, path: url.pathname, origin: url.origin, own, credential, identity }
  const target: HttpTarget = { ...at, asking: askingOf(deps, opening), portal, clock, limits, watch }
  try {
    return (
      (await openRemembered(target, opening.verdict, { deps, paramHeaders })) ??
      (await detect(target, url, paramHeaders))
    )
  } catch (error) {
    await pool.destroy()
    throw error
  }
}

/** @returns null when nothing is remembered, or when what is remembered is wrong by now */
async function openRemembered(
  target: HttpTarget,
  verdict: Verdict | null,
  { deps, paramHeaders }: { deps: PoolDeps; paramHeaders: ParamHeaders },
): Promise<Found | null> {
  if (verdict === null || deps.clock.now() - verdict.at > VERDICT_MS) return null
  try {
    return await openStrategy(atUrl(target, verdict.url), verdict, verdict.era, paramHeaders)
  } catch (error) {
    const trouble = troubleOf(error)
    if (trouble.kind === 'status' || trouble.kind === 'bad-answer') return null
    throw trouble
  }
}

async function openChild(deps: PoolDeps, opening: Opening, transport: StdioTransport): Promise<Found> {
  const { setup, key, verdict } = opening
  const { watch, portal, stdio } = deps
  const command = permittedCommand(stdio, transport)
  const places = await openPlaces(stdio, setup.record.uid, key)
  const cwd = transport.cwd ?? places.home
  const launch = launchOf(stdio, { command, args: transport.args }, { ...places, cwd })
  const env = childEnvironment(stdio.env, transport, places)
  const onEnded = (said: string) =>
    deps.log.debug({ server: setup.record.id, stderr: redactText(said, setup) }, 'a child ended')
  const era = verdict === null || deps.clock.now() - verdict.at > VERDICT_MS ? null : verdict.era
  const isFetched = fetchesPackage(transport.command, transport.args)
  const limits = isFetched ? withTimeToInstall(deps.limits) : deps.limits
  const asking = askingOf(deps, opening)
  const start = () => openStdio({ launch, env, cwd, portal, limits, watch, asking, era, onEnded })
  const connection = await opening.children
    .take(start, { makesRoom: !opening.isLook })
    .catch(async (error: unknown) => {
      // Not from under a child that runs from there.
      if (isFetched && !opening.hasSiblings) await forgetInstalled(stdio, places)
      throw error
    })
  return { connection, verdict: { transport: 'http', url: new URL('stdio:'), era: connection.era } }
}

function askingOf({ log }: PoolDeps, { setup, askable }: Opening): Asking {
  const server = setup.record.id
  return {
    askable,
    onRefused: (method, why, error) => {
      if (error === undefined) log.debug({ server, method, why }, 'a question of a server was not put')
      else log.error({ server, method, err: error }, 'a question of a server could not be put')
    },
  }
}

/** A package runner says nothing until the package is there, and ended in the middle it would have to begin again. */
function withTimeToInstall(limits: Limits): Limits {
  return {
    ...limits,
    probeMs: Math.max(limits.probeMs, INSTALL_MS),
    openingMs: Math.max(limits.openingMs, INSTALL_MS),
  }
}

/** @throws Trouble `not-ready`: it was registered under other rules, or what it names changed since */
function permittedCommand(rules: StdioConfig, transport: StdioTransport): string {
  const refusal = refuseProgram(rules, transport)
  if (refusal !== null) {
    const hint = `The portal does not start {server}: its ${refusal.field} ${refusal.text}.`
    throw new Trouble('not-ready', 'a program that may not run', { hint })
  }
  const command = findProgram(transport.command, rules.env.PATH ?? '')
  if (command !== null) return command
  throw new Trouble('not-ready', 'no such program', {
    hint: "The command of {server} is no program on the portal's machine. Install it there, or give its absolute path.",
  })
}
