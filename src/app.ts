/**
 * Opens the rooms in order, wires them, closes them in reverse. With the files of `app/` the only one that knows everyone; it decides
 * nothing.
 */
import { readFileSync } from 'node:fs'
import { offerAdminLink } from './admin/admin-links.ts'
import { applyDeclared } from './admin/declared.ts'
import type { AdminDeps } from './admin/deps.ts'
import { endIdleServiceTokens } from './admin/end-idle-service-tokens.ts'
import { prepareFirstStart } from './admin/first-start.ts'
import { HeldAnswers } from './admin/held-answers.ts'
import { createAdmin } from './admin/index.ts'
import { openConsole } from './app/open-console.ts'
import { type Ground, openGround } from './app/open-ground.ts'
import { openPortal } from './app/open-portal.ts'
import { openSignIn, type SignIn } from './app/open-sign-in.ts'
import { Openings } from './app/openings.ts'
import { openSetUpWays } from './app/set-up-ways.ts'
import type { Audit } from './audit/event.ts'
import { newUuid, type PortalUid, type ServerUid } from './base/ids.ts'
import { type Log, openLog } from './base/log.ts'
import { openSealer } from './base/secret.ts'
import type { Config } from './config.ts'
import { openClientAddresses } from './http/client-address.ts'
import { openClientCertificates } from './http/client-certificate.ts'
import { openGuards } from './http/guards.ts'
import { KeptStreams } from './http/kept-streams.ts'
import { openDoor } from './http/mcp.ts'
import { originReader } from './http/origin.ts'
import { openServer, type RequestTimes } from './http/server.ts'
import { type Held, openHeld } from './http/streams.ts'
import { openPasswords } from './identity/local/password.ts'
import { isOpenToOrigins } from './identity/oauth/open-to-origins.ts'
import { authenticateOperator, authenticatePerson } from './identity/operators.ts'
import { openProviders } from './identity/providers/providers.ts'
import type { Figures } from './metrics/figures.ts'
import { openMetrics } from './metrics/metrics.ts'
import { namesBeside } from './portal/names-beside.ts'
import { identity } from './protocol/era-2026/encode.ts'
import { keyFits } from './store/key-check.ts'

type Portal = Awaited<ReturnType<typeof openPortal>>

export interface RunningPortico {
  /** Base URL without trailing slash: the public one, else loopback with the port in use. */
  url: string
  port: number
  /** Where the owner's API token was written, if this was the first start. */
  tokenFile: string | null
  /** Makes the link by which the first person becomes owner; null where somebody is. It is a secret: for a terminal or a private file. */
  adminLink(): Promise<string | null>
  /** Finishes what is under way, then closes everything. Safe to call twice. */
  close(): Promise<void>
}

export interface StartOptions {
  log?: Log
  /** The file that declares objects, for the sentence that refuses to change them. */
  configFile?: string | null
  /** For tests of the listener's patience. */
  times?: RequestTimes
  /** For tests, where nothing is to be kept safe: what a password costs, a power of two. */
  passwordCost?: number
}

const UPKEEP_MS = 3_600_000

/** @throws Fault or Error with a sentence for the operator, when a room cannot be opened; nothing stays open then */
export async function startPortico(config: Config, options: StartOptions = {}): Promise<RunningPortico> {
  const openings = new Openings()
  try {
    return await open(config, options, openings)
  } catch (error) {
    await openings.close()
    throw error
  }
}

async function open(config: Config, options: StartOptions, openings: Openings): Promise<RunningPortico> {
  const log = options.log ?? openLog(config.logLevel)
  const ground = await openGround(config, log, openings)
  const { store, audit, sealer, issuer } = ground
  const info = { name: 'portico', title: 'Portico', version: programVersion() }
  const providers = openings.own(await openProviders(ground))
  const portal = await openPortal({ ...ground, providers }, info, openings)
  const { directory, upstreams, accesses } = portal
  const guards = openGuards(config, directory)
  const originOf = originReader(config.publicUrl)
  const { questions, toggles, announcements } = portal
  const selection = { questions, toggles, announcements, health: (uid: ServerUid) => upstreams.health(uid) }
  const waysIn = { ...ground, providers, selection, upstreams, directory, accesses, hostname: guards.host, originOf }
  const passwords = openPasswords(options.passwordCost)
  const signIn = openings.own(await openSignIn({ ...waysIn, passwords }))

  const adminDeps = adminDepsOf(ground, portal, options)
  // The file first: what it declares is not made a second time.
  await applyDeclared(adminDeps, config.declared)
  const { tokenFile } = await prepareFirstStart(adminDeps, config.data)
  const admin = createAdmin(adminDeps)
  const shown = openings.own(openConsole(ground))

  const held = openHeld(config.limits, options.times)
  const kept = new KeptStreams({
    sealer: openSealer(config.keys, 'stream'),
    node: newUuid(),
    hasReplicas: store.dialect === 'postgres',
  })
  const metrics = openMetrics({
    figures: () => figuresOf({ held, audit, ...portal }),
    authenticate: adminDeps.authenticate,
  })
  const addresses = openClientAddresses(config.trustedProxies)
  const server = await openServer(config, {
    guards,
    addresses,
    certificates: openClientCertificates(config.clientCertificate, addresses),
    originOf,
    isOpenToOrigins,
    door: openDoor({ ...ground, ...portal, ...held, kept, identity: identity(info), originOf }),
    metrics: metrics.answer,
    audit,
    oauth: signIn.oauth,
    rest(request, caller) {
      if (caller.what === 'api') return admin.fetch(request, caller)
      return caller.what === 'console' ? shown.fetch(request, caller) : signIn.rest(request, caller)
    },
    async readiness() {
      const [answers, isCurrent, fits] = await Promise.all([store.answers(), store.isCurrent(), keyFits(store, sealer)])
      const checks = { store: answers, migrations: isCurrent, keys: fits, audit: audit.writable }
      return { ready: Object.values(checks).every(Boolean), checks }
    },
    log,
    limits: config.limits,
    ...(options.times === undefined ? {} : { times: options.times }),
  })
  ground.own.port = server.port
  signIn.begin(openSetUpWays(ground, admin, signIn.local))
  openings.own(server)
  // Closed before the listener, which waits for every answer under way.
  openings.own(adminDeps.held)
  openings.own(lookAfter({ ...ground, ...portal, signIn }))
  const url =
    config.publicUrl ?? `http://${config.host.includes(':') ? `[${config.host}]` : config.host}:${server.port}`
  const adminLink = async () => {
    const made = await offerAdminLink(adminDeps)
    return made && `${issuer()}${made.path}`
  }
  return { url, port: server.port, tokenFile, adminLink, close: () => openings.close() }
}

function adminDepsOf(ground: Ground, { directory, facts, upstreams }: Portal, options: StartOptions): AdminDeps {
  const { store, clock } = ground
  return {
    ...ground,
    held: new HeldAnswers(),
    upstreams,
    directory,
    facts,
    version: programVersion(),
    configFile: options.configFile ?? null,
    lostNames: (uid: PortalUid) => {
      const spec = directory.current(uid)
      return spec ? directory.catalog({ spec, mount: null }).reports() : []
    },
    namesBeside: (uid: ServerUid) => namesBeside(directory, uid),
    authenticate: (authorization) => authenticateOperator(authorization, store, clock),
    authenticatePerson: (shown) => authenticatePerson(shown, ground),
  }
}

interface Kept extends Ground, Pick<Portal, 'sessions' | 'upstreams' | 'notices' | 'counting' | 'flow'> {
  signIn: SignIn
}

/** Once an hour, what is over is deleted and what is due is done; what fails is tried again the next time. */
function lookAfter({ sessions, signIn, upstreams, notices, counting, flow, keys, log, ...ground }: Kept): {
  close(): void
} {
  const idle = { ...ground, holder: newUuid<string>() }
  const deeds: readonly [string, () => Promise<unknown>][] = [
    ['old sessions could not be deleted', () => sessions.forget()],
    ['signing keys could not be looked after', () => keys.upkeep()],
    ['what is over could not be deleted', () => signIn.forget()],
    ['ways to servers that are over could not be deleted', () => upstreams.desk.forget()],
    ['what counts for no limit any more could not be deleted', () => counting.forget()],
    ['what was called long ago could not be deleted', () => flow.forget()],
    ['old deliveries could not be deleted', () => notices.forget()],
    ['idle service tokens could not be ended', () => endIdleServiceTokens(idle)],
  ]
  const timer = setInterval(() => {
    for (const [failed, deed] of deeds) deed().catch((error: unknown) => log.warn({ err: error }, failed))
  }, UPKEEP_MS)
  timer.unref()
  return { close: () => clearInterval(timer) }
}

interface Keeping extends Pick<Portal, 'sessions' | 'upstreams' | 'notices' | 'limits'> {
  held: Held
  audit: Audit
}

function figuresOf({ held, sessions, audit, upstreams, notices, limits }: Keeping): Figures {
  const { requests, inFlight } = held.tally
  const streams = held.streams.open
  const webhooks = notices.figures()
  const counted = { requests, inFlight, streams, sessions: sessions.known, limited: limits.refused }
  return { ...counted, audit, webhooks, servers: upstreams.figures() }
}

function programVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  return String(version)
}
