/** Makes a server from what was said on the command line: the one way, whichever verb asked for it. */
import type { z } from 'zod'
import { placeOf } from '../base/destination.ts'
import { idFromName } from '../contract/ids.ts'
import type { ServerCreate } from '../contract/server.ts'
import type { Api } from './api.ts'
import { attachServer, findPortal } from './attach.ts'
import { usageError } from './cli-error.ts'
import { PATHS, SHAPES } from './paths.ts'

export type Server = z.infer<typeof SHAPES.server>

export interface AddedServer {
  server: Server
  /** The portal that it was attached to, or null. */
  portal: string | null
}

/**
 * @param portal its id; undefined for the default portal, null for none
 * @param onBehalf whether its calls there carry each person's own account; undefined: as is usual for it
 * @throws CliError when the portal says no
 */
export async function addServer(
  api: Api,
  body: ServerCreate,
  portal: string | undefined | null,
  onBehalf?: boolean,
): Promise<AddedServer> {
  // Looked up first: a server is not made when the portal that it is for does not exist.
  const target = portal === null ? null : await findPortal(api, portal)
  const server = await api.post(PATHS.servers, SHAPES.server, body)
  if (target !== null) await attachServer(api, target, server.id, { onBehalf })
  return { server, portal: target?.id ?? null }
}

/** An id from a name: `Health Ledger!` becomes `health-ledger`. */
export function idFrom(name: string): string {
  const id = idFromName(name)
  if (id === '') throw usageError(`"${name}" has no letter or digit to make an id of; choose one with --id.`)
  return id
}

/** Host and port as `allow_private` names them. */
export function placeIn(hostname: string): string {
  const { host, port } = placeOf(new URL(hostname))
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** `Name: value` or `Name=value` pairs, each name once. */
export function readPairs(texts: readonly string[], separator: ':' | '=', flag: string): Record<string, string> {
  const pairs = new Map<string, string>()
  for (const text of texts) {
    const at = text.indexOf(separator)
    if (at < 1) throw usageError(`${flag} takes NAME${separator === ':' ? ': ' : '='}VALUE.`)
    const name = text.slice(0, at).trim()
    if (pairs.has(name)) throw usageError(`${flag} ${name} is given twice.`)
    pairs.set(name, separator === ':' ? text.slice(at + 1).trim() : text.slice(at + 1))
  }
  return Object.fromEntries(pairs)
}
