/**
 * Where a child may keep what it likes: two directories of its own, nobody else's, and the same at its next start. They
 * lie in directories of the portal's, so that no child can put a link where the portal will make something.
 */
import { chmod, chown, mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { digest } from '../base/secret.ts'
import type { StdioConfig } from '../config/stdio.ts'
import type { ChildPlaces } from './child-environment.ts'

type Homes = Pick<StdioConfig, 'homes' | 'runAs'>

/**
 * @param server its uid
 * @param key which of the server's children: its isolation key
 */
export async function openPlaces({ homes, runAs }: Homes, server: string, key: string): Promise<ChildPlaces> {
  const parent = join(homes, server)
  const name = digest(key).slice(0, 16)
  const places = { home: join(parent, name), tmp: join(parent, `${name}.tmp`) }
  for (const path of [parent, places.home, places.tmp]) await mkdir(path, { recursive: true, mode: 0o700 })
  if (runAs === null) return places
  // By chmod, because the umask cuts the mode of mkdir. Others pass through, and list nothing.
  await chmod(parent, 0o711)
  for (const path of [places.home, places.tmp]) await chown(path, runAs.uid, runAs.gid)
  return places
}

/**
 * What `npx` installed, or was installing when it was ended: it never mends a half of it by itself. Its cache stays, so the
 * next start fetches nothing twice. Not in the directories of another user, where this process would follow links of theirs.
 */
export async function forgetInstalled({ runAs }: Homes, { home }: ChildPlaces): Promise<void> {
  if (runAs === null) await rm(join(home, '.npm', '_npx'), { recursive: true, force: true })
}

/** Of a server that is gone. */
export function removePlaces({ homes }: Homes, server: string): Promise<void> {
  return rm(join(homes, server), { recursive: true, force: true })
}
