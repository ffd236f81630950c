/** A list of tools as a mode shows it: their names alone, or none. */
import { digest } from '../../base/secret.ts'
import type { Listing } from '../listing.ts'
import type { Mode } from './mode.ts'

/** @param parts definitions, as JSON texts */
export function partsIn(mode: Exclude<Mode, 'all'>, parts: readonly string[]): readonly string[] {
  return mode === 'minimize_tools' ? parts.map(nameAlone) : []
}

/** Beside the pages of a list, which are kept by where they begin. */
const NAMES = -1

/** Changes exactly when the list does as the mode shows it: of a tool that a client is not shown it is not told either. */
export function fingerprintIn(mode: Mode, listing: Pick<Listing, 'fingerprint' | 'kept'>): string {
  if (mode === 'all') return listing.fingerprint()
  if (mode !== 'minimize_tools') return mode
  const names = ({ parts }: Listing) => Buffer.from(digest(partsIn(mode, parts).join()))
  return `${mode} ${listing.kept(NAMES, names)}`
}

/** A tool must have a schema (MCP, server/tools); this one says nothing. */
function nameAlone(part: string): string {
  const { name } = JSON.parse(part)
  return JSON.stringify({ name, inputSchema: { type: 'object' } })
}
