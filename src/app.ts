/**
 * Opens the rooms in order, wires them, closes them in reverse. The only file that knows everyone; it decides nothing.
 */
import { readFileSync } from 'node:fs'
import { applyDeclared } from './admin/declared.ts'
import { prepareFirstStart } from './admin/first-start.ts'
import { createAdmin } from './admin/index.ts'
import { heldRecorder } from './admin/record-held.ts'
import type { Audit } from './audit/event.ts'
import { openAudit } from './audit/log.ts'
import { systemClock } from './base/clock.ts'
import { openEgress } from './base/egress.ts'
import type { PortalUid, ServerUid } from './base/ids.ts'
import { type Log, openLog } from './base/log.ts'
import { openSealer } from './base/secret.ts'
import type { Config } from './config.ts'
import { openClientAddresses } from './http/client-address.ts'
import { openGuards } from './http/guards.ts'
import { openDoor } from './http/mcp.ts'
import { openServer, type RequestTimes } from './http/server.ts'
import { type Held, openHeld } from './http/streams.ts'
import { openAuthenticator } from './identity/authenticate.ts'
import { openBrowserSessions } from './identity/browser-session-store.ts'
import { makeFirstOwner } from './identity/local/bootstrap.ts'
import { authenticateOperator, authenticatePerson, type BrowserShown } from './identity/operators.ts'
import type { Figures } from './metrics/figures.ts'
import { openMetrics } from './metrics/metrics.ts'
import { homePage, notFoundPage } from './pages/home.ts'
import { openChanges } from './portal/changes.ts'
import { openDirectory } from './portal/directory.ts'
import { namesBeside } from './portal/names-beside.ts'
import { openSessions, type Sessions } from './portal/sessions.ts'
import { openToggles } from './portal/toggles.ts'
import { openVisitors } from './portal/visit.ts'
import { identity } from './protocol/era-2026/encode.ts'
import { readEpoch } from './store/epoch.ts'
import { keyFits, proveKey } from './store/key-check.ts'
import { openStore } from './store/open.ts'
import type { Upstreams } from './upstream/model.ts'
import { openUpstreams } from './upstream/upstreams.ts'

export interface RunningPortico {
  /** Base URL without trailing slash: the public one, else loopback with the port in use. */
  url: string
  port: number
  /** Where the owner's API token was written, if this was the first start. */
  tokenFile: string | null
  /** Finishes what is under way, then closes everything. Safe to call twice. */
  close(): Promise<void>
}

export interface StartOptions {
  log?: Log
  /** The file that declares objects, for the sentence that refuses to change them. */
  configFile?: string | null
  /** For tests of the listener's patience. */
  times?: RequestTimes
}

const UPKEEP_MS = 3_600_000

const PROXY_GUARDS =
  'requests to other machines go through the proxy in outbound.proxy, which resolves names and so decides which of them may be reached; addresses that are private as written are refused here'

/** Rooms are closed in the reverse of the order in which they were opened, also when opening a later one fails. */
class Openings {
  readonly #closers: (() => Promise<void> | void)[] = []
  #closing: Promise<void> | null = null

  add<T>(room: T, close: (room: T) => Promise<void> | void): T {
    this.#closers.push(() => close(room))
    return room
  }

  close(): Promise<void> {
    this.#closing ??= this.#closeAll()
    return this.#closing
  }

  async #closeAll(): Promise<void> {
    for (const close of this.#closers.reverse()) await close()
  }
}

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
  const clock = systemClock
  const log = options.log ?? openLog(config.logLevel)
  const { data: dir, databaseUrl } = config
  const info = { name: 'portico', title: 'Portico', version: programVersion() }

  const store = openings.add(await openStore({ dir, databaseUrl, clock, log }), (room) => room.close())
  const audit = openings.add(
    await openAudit({ dir, databaseUrl, ...config.audit, keys: config.keys, clock, log }),
    (room) => room.close(),
  )
  const sealer = openSealer(config.keys, 'store')
  await proveKey(store, sealer)
  const own = { port: config.port || null, hasName: (_name: string) => false }
  const { host, publicUrl } = config
  const itself = { host, publicUrl, port: () => own.port, isOwnName: (name: string) => own.hasName(name) }
  const egress = openings.add(openEgress({ ...itself, ...config.outbound }), (room) => room.close())
  if (config.outbound.proxy !== null) log.info(PROXY_GUARDS)
  const recordHeld = heldRecorder(audit, clock)
  const upstreams = openings.add(
    await openUpstreams({ store, sealer, clock, log, config, egress, portalInfo: info, recordHeld }),
    (room) => room.close(),
  )

  const toggles = openToggles(store)
  const sessions = openings.add(
    openSessions({
      ...{ store, clock, log, most: config.limits.sessions_per_principal, since: await readEpoch(store.db) },
      sealer: openSealer(config.keys, 'session'),
    }),
    (room) => room.close(),
  )
  const upkeep = setInterval(() => {
    sessions.forget().catch((error: unknown) => log.warn({ err: error }, 'old sessions could not be deleted'))
  }, UPKEEP_MS)
  openings.add(upkeep.unref(), clearInterval)
  const directory = await openDirectory({
    store,
    inventory: (server) => upstreams.inventory(server.uid),
    onInventoryChanged: (listener) => upstreams.onInventoryChanged(listener),
  })
  own.hasName = (name) => directory.byHostname(name) !== undefined
  const visitors = openVisitors(directory, toggles, clock)
  const changes = openings.add(openChanges(directory, toggles, visitors), (room) => room.close())
  const authenticator = openAuthenticator(store, clock)

  const adminDeps = {
    ...{ store, sealer, upstreams, egress, audit, clock, log, config, configFile: options.configFile ?? null },
    lostNames: (uid: PortalUid) => {
      const spec = directory.current(uid)
      return spec ? directory.catalog({ spec, mount: null }).reports() : []
    },
    namesBeside: (uid: ServerUid) => namesBeside(directory, uid),
    authenticate: (authorization: string | null) => authenticateOperator(authorization, store, clock),
  const issuer = () => publicUrl ?? `http://127.0.0.1:${own.port}`
  const browsers = openBrowserSessions(store, issuer)
  }
  // The file first: what it declares is not made a second time.
  await applyDeclared(adminDeps, config.declared)
  const { tokenFile } = await prepareFirstStart(adminDeps, dir)
  const admin = createAdmin(adminDeps)

  const rooms = { audit, upstreams, toggles, sessions, info, authenticator, directory, visitors, changes, clock, log }
  const held = openHeld(config.limits, options.times)
  const door = openDoor({ ...rooms, identity: identity(info), ...held })
    authenticatePerson: (shown: BrowserShown) => authenticatePerson(shown, { store, browsers, issuer }),
    issuer,
  const figures = () => figuresOf({ held, sessions, audit, upstreams })
  const metrics = openMetrics({ figures, authenticate: adminDeps.authenticate })
  const server = await openServer(config, {
    guards: openGuards(config, directory),
    addresses: openClientAddresses(config.trustedProxies),
    door,
    metrics: metrics.answer,
    audit,
    rest(request, caller) {
      if (caller.what === 'api') return admin.fetch(request, caller)
      if (caller.what === 'home' && request.method === 'GET') return homePage(caller, directory, config.publicUrl)
      return notFoundPage()
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
  own.port = server.port
  openings.add(server, (room) => room.close())
  const url =
    config.publicUrl ?? `http://${config.host.includes(':') ? `[${config.host}]` : config.host}:${server.port}`
  return { url, port: server.port, tokenFile, close: () => openings.close() }
}

interface Keeping {
  held: Held
  sessions: Sessions
  audit: Audit
  upstreams: Upstreams
}

function figuresOf({ held, sessions, audit, upstreams }: Keeping): Figures {
  const { requests, inFlight } = held.tally
  const streams = held.streams.open
  return { requests, inFlight, streams, sessions: sessions.known, audit, servers: upstreams.figures() }
}

function programVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  return String(version)
}
