/**
 * The one guard for outgoing connections: every socket that the portal opens to somebody else's address is made here. It
 * resolves a name once, judges every answer, and connects to what it judged, again for each new socket; what was true of
 * a name a second ago is no reason. It must never hand a name to a layer that would resolve it a second time.
 */
import { lookup as systemLookup } from 'node:dns/promises'
import type { LookupFunction } from 'node:net'
import { networkInterfaces } from 'node:os'
import { buildConnector, Pool } from 'undici'
import { addressBytes, kindOfAddress } from './address.ts'
import {
  type Denial,
  defaultPort,
  isAllowed,
  isLoopbackName,
  judgeAddress,
  judgePlace,
  judgeUrl,
  type Place,
  placeOf,
  plainHost,
  type Territory,
} from './destination.ts'

export interface Answer {
  address: string
  family: number
}

export interface EgressOptions {
  /** The address that the portal listens on, and its public URL. */
  host: string
  publicUrl: string | null
  /** The port in use, or null while it is not known. */
  port(): number | null
  /** Whether a portal here has this hostname. */
  isOwnName(name: string): boolean
  /** `http://` or `https://`, with user and password where it wants them; null goes direct. */
  proxy: string | null
  /** Names, `.suffixes` and addresses, with or without a port, that are reached without the proxy; `*` is all. */
  noProxy: readonly string[]
  /** @returns all addresses of a name */
  resolve?(name: string): Promise<readonly Answer[]>
}

export interface Dialling {
  /** What the owner opened for this one destination. */
  allowed: readonly Place[]
  /** For the name, and again for the connection. */
  timeoutMs: number
}

export interface Egress {
  /** What speaks against a URL before anybody is asked for its address, or null. */
  judge(url: URL, allowed: readonly Place[]): Denial | null
  /** For undici's `connect`: all its sockets pass the guard. One for each origin. */
  connector(dialling: Dialling): buildConnector.connector
  /**
   * A plain connection to the mail server of the settings. Who runs the portal named it, so it may be inside, its port is one of mail,
   * and no proxy stands between; but it is never the portal itself, nor what nothing opens.
   *
   * @throws DestinationDenied, or what the network says
   */
  dialMail(server: Place, timeoutMs: number): Promise<Socket>
  close(): Promise<void>
}

/** What the guard refused. The message is for the log; outside, it is told like any address that cannot be reached. */
export class DestinationDenied extends Error {
  readonly denial: Denial

  constructor(denial: Denial) {
    super(`the destination is refused: ${denial}`)
    this.name = 'DestinationDenied'
    this.denial = denial
  }
}

export type Socket = NonNullable<Parameters<buildConnector.Callback>[1]>

export function openEgress(options: EgressOptions): Egress {
  const territory = territoryOf(options)
  const proxy = options.proxy === null ? null : openProxy(options.proxy, options.noProxy)
  const resolve = options.resolve ?? ((name: string) => systemLookup(name, { all: true, order: 'verbatim' }))
  return {
    judge: (url, allowed) => judgeUrl(url, territory, allowed),
    connector(dialling) {
      const connect = connectWith({ territory, proxy, resolve, judge: judgePlace, ...dialling })
      return (wanted, callback) => {
        connect(wanted).then(
          (socket) => callback(null, socket),
          (error: unknown) => callback(error instanceof Error ? error : new Error(String(error)), null),
        )
      }
    },
    dialMail(server, timeoutMs) {
      const connect = connectWith({ territory, proxy: null, resolve, judge: judgeMail, allowed: [server], timeoutMs })
      const { host, port } = server
      return connect({ protocol: 'http:', hostname: host, port: String(port) })
    },
    close: async () => proxy?.pool.destroy(),
  }
}

/** As `judgePlace`, but for the ports: those of mail are closed to everything else, because a request is text to a mail server. */
function judgeMail(place: Place, territory: Territory, allowed: readonly Place[]): Denial | null {
  if (territory.isSelf(place)) return 'self'
  return addressBytes(place.host) === null ? null : judgeAddress(place.host, place, territory, allowed)
}

function territoryOf({ host, publicUrl, port, isOwnName }: EgressOptions): Territory {
  const shown = publicUrl === null ? null : placeOf(new URL(publicUrl))
  const isLocal = isLoopbackHost(host) && (shown === null || isLoopbackHost(shown.host))
  const shownPorts = shown !== null && isLoopbackHost(shown.host) ? [shown.port] : []
  return {
    loopback: isLocal,
    // The default portal is called `localhost`, which many servers are; its port tells them apart.
    isSelf: ({ host: name }) => !isLoopbackHost(name) && (name === shown?.host || isOwnName(name)),
    ownPorts: () => [...shownPorts, ...[port()].filter((own) => own !== null)],
    ownAddresses: () =>
      Object.values(networkInterfaces()).flatMap((all) =>
        (all ?? []).map(({ address }) => address.split('%')[0] ?? ''),
      ),
  }
}

function isLoopbackHost(host: string): boolean {
  return isLoopbackName(host) || kindOfAddress(host) === 'loopback'
}

interface Guarding extends Dialling {
  territory: Territory
  proxy: Proxy | null
  resolve(name: string): Promise<readonly Answer[]>
  judge: typeof judgePlace
}

function connectWith(guarding: Guarding): (wanted: buildConnector.Options) => Promise<Socket> {
  const { territory, allowed, proxy, timeoutMs, judge } = guarding
  let checked: readonly Answer[] = []
  // Asked by `net.connect` in the same turn in which `checked` was set.
  const lookup: LookupFunction = (_name, { all }, callback) => {
    if (all) callback(null, [...checked])
    else callback(null, checked[0]?.address ?? '', checked[0]?.family)
  }
  const dial = promised(buildConnector({ allowH2: false, timeout: timeoutMs, lookup }))
  return async (wanted) => {
    const place = { host: plainHost(wanted.hostname), port: Number(wanted.port) || defaultPort(wanted.protocol) }
    refuse(judge(place, territory, allowed))
    if (proxy?.serves(place, allowed)) return throughProxy(proxy, { dial, wanted, place, timeoutMs })
    if (addressBytes(place.host) === null) checked = await admittedAnswers(place, guarding)
    const socket = await dial(wanted)
    const denial = judgeAddress(socket.remoteAddress ?? '', place, territory, allowed)
    if (denial !== null) socket.destroy()
    refuse(denial)
    return socket
  }
}

/** One closed address among open ones is how a name is made to lead inside now and then: it closes the name. */
async function admittedAnswers(place: Place, guarding: Guarding): Promise<readonly Answer[]> {
  const { territory, allowed, resolve, timeoutMs } = guarding
  const answers = await within(timeoutMs, resolve(place.host))
  if (answers.length === 0) throw new Error('the name has no address')
  for (const { address } of answers) refuse(judgeAddress(address, place, territory, allowed))
  return answers
}

function refuse(denial: Denial | null): void {
  if (denial !== null) throw new DestinationDenied(denial)
}

async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('the name was not resolved in time')), ms)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

type Dial = (wanted: buildConnector.Options) => Promise<Socket>

function promised(connector: buildConnector.connector): Dial {
  return (wanted) =>
    new Promise((resolve, reject) => {
      connector(wanted, (...[error, socket]) => (error === null ? resolve(socket) : reject(error)))
    })
}

/** The way out for names, where the network has one. It resolves them itself, so it is the guard for them. */
interface Proxy {
  pool: Pool
  authorization: Readonly<Record<string, string>>
  serves(place: Place, allowed: readonly Place[]): boolean
}

function openProxy(address: string, noProxy: readonly string[]): Proxy {
  const { origin, username, password } = new URL(address)
  const user = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return {
    pool: new Pool(origin, { allowH2: false }),
    authorization: username === '' ? {} : { 'proxy-authorization': `Basic ${Buffer.from(user).toString('base64')}` },
    // What the owner opened inside, and this machine itself, no proxy outside can reach; both were judged already.
    serves: (place, allowed) =>
      !isLoopbackHost(place.host) && !isAllowed(place, allowed) && !noProxy.some((entry) => exempts(entry, place)),
  }
}

function exempts(entry: string, { host, port }: Place): boolean {
  if (entry === '*') return true
  const [, name = '', wanted] = /^(\[[^\]]*\]|[^:]*|[0-9a-f:.]+)(?::(\d+))?$/i.exec(entry) ?? []
  if (wanted !== undefined && Number(wanted) !== port) return false
  const suffix = plainHost(name.replace(/^\*?\./, ''))
  return suffix !== '' && (host === suffix || host.endsWith(`.${suffix}`))
}

interface Crossing {
  dial: Dial
  wanted: buildConnector.Options
  place: Place
  timeoutMs: number
}

/** CONNECT for http too, so that the proxy sees where it goes and not what is said. */
async function throughProxy(proxy: Proxy, { dial, wanted, place, timeoutMs }: Crossing): Promise<Socket> {
  const path = `${place.host.includes(':') ? `[${place.host}]` : place.host}:${place.port}`
  const tunnel = await openTunnel(proxy, path, timeoutMs)
  return wanted.protocol === 'https:' ? dial({ ...wanted, httpSocket: tunnel }) : tunnel
}

async function openTunnel({ pool, authorization }: Proxy, path: string, timeoutMs: number): Promise<Socket> {
  try {
    const signal = AbortSignal.timeout(timeoutMs)
    const { socket, statusCode } = await pool.connect({ path, signal, headers: { host: path, ...authorization } })
    if (statusCode >= 200 && statusCode < 300) return socket as Socket
    socket.on('error', () => {}).destroy()
    throw new Error(`the proxy answered ${statusCode}`)
  } catch (cause) {
    throw Object.assign(new Error('the proxy did not open the way', { cause }), systemCode(cause))
  }
}

/**
 * A proxy that is away for a moment is waited for like a server. undici's own code of a broken socket must not get through:
 * it takes that for one that it may mend, and would try for ever.
 */
function systemCode(cause: unknown): { code?: string } {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  return /^E[A-Z]+$/.test(code) ? { code } : {}
}
