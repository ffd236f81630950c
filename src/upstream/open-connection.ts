/**
 * Opens the connection that a server needs: a child, or whatever its address turns out to speak.
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { parsePlace } from '../base/destination.ts'
import { digest } from '../base/secret.ts'
import { childEnvironment, unpinnedPackage } from './child-environment.ts'
import type { ChildSlots } from './child-slots.ts'
import type { Connection } from './connection.ts'
import type { Credential } from './credentials.ts'
import { detect, type Found, openStrategy, VERDICT_MS, type Verdict } from './detect.ts'
import type { ParamHeaders } from './http-2026.ts'
import { atUrl, baseHeaders, type HttpTarget, openSocketPool } from './http-target.ts'
import type { StdioTransport } from './model.ts'
import type { PoolDeps } from './pool.ts'
import type { ServerSetup } from './setup.ts'
import { openStdio } from './stdio.ts'
import { Trouble, troubleOf } from './trouble.ts'

export interface Opened {
  connection: Connection
  verdict: Verdict
}

export interface Opening {
  setup: ServerSetup
  key: string
  verdict: Verdict | null
  children: ChildSlots
}

/** @throws Trouble */
export async function openConnection(deps: PoolDeps, opening: Opening): Promise<Opened> {
  const { setup } = opening
  if (setup.credential instanceof Trouble) throw setup.credential
  const found =
    setup.transport === null
      ? await openHttp(deps, opening, setup.credential)
      : await openChild(deps, opening, setup.transport)
  return { connection: found.connection, verdict: { ...found.verdict, at: deps.clock.now() } }
}

async function openHttp(deps: PoolDeps, opening: Opening, credential: Credential): Promise<Found> {
  const { limits, watch, portal, clock } = deps
  const url = URL.parse(opening.setup.record.hostname)
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new Trouble('not-ready', 'not an HTTP address', {
      hint: 'The address of {server} is not an HTTP URL. Ask an administrator to mend it.',
    })
  }
  const allowed = opening.setup.record.allowPrivate.map(parsePlace).filter((place) => place !== null)
  const pool = openSocketPool(url, deps.egress.connector({ allowed, timeoutMs: limits.connectMs }))
  const headers = baseHeaders(portal, credential.headers)
  const { uid } = opening.setup.record
  const paramHeaders: ParamHeaders = (out) => deps.paramHeaders(uid, out)
  const target: HttpTarget = { pool, path: url.pathname, origin: url.origin, headers, portal, clock, limits, watch }
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
  const unpinned = unpinnedPackage(transport.command, transport.args)
  if (unpinned !== null) {
    throw new Trouble('not-ready', 'an unpinned package', {
      hint: `The command of {server} fetches ${unpinned} without an exact version. Pin it, such as package@1.2.3.`,
    })
  }
  const home = await privateDirectory(deps.childrenDir, setup.record.uid, key)
  const env = childEnvironment(deps.baseEnv, transport, home)
  const { limits, watch, portal } = deps
  const cwd = transport.cwd ?? home
  const { command, args } = transport
  const onEnded = (stderr: string) => deps.log.debug({ server: setup.record.id, stderr }, 'a child ended')
  const era = verdict === null || deps.clock.now() - verdict.at > VERDICT_MS ? null : verdict.era
  const connection = await opening.children.take(() =>
    openStdio({ command, args, env, cwd, portal, limits, watch, era, onEnded }),
  )
  return { connection, verdict: { transport: 'http', url: new URL('stdio:'), era: connection.era } }
}

/** Where one child may keep what it likes: nobody else's, and the same at the next start. */
async function privateDirectory(parent: string, uid: string, key: string): Promise<string> {
  const dir = join(parent, uid, digest(key).slice(0, 16))
  await mkdir(dir, { recursive: true, mode: 0o700 })
  return dir
}
