/** A browser that left a server's page to sign in for it, and is here again. */
import { useEffect, useState } from 'react'
import type { ServerShown, SyncShown } from '../../../../src/contract/server.ts'
import { syncServer } from '../../api/servers.ts'
import { noteForReturn, takeNote } from '../../parts/remembered.ts'
import { useDeed } from '../../parts/use-deed.ts'

/** Under what the tab notes which server it left. */
const LEFT_FOR = 'authenticating'

/** Which server, and which account it had: one that was there before is no new one. */
function noteOf({ id, connection }: ServerShown): string {
  return JSON.stringify([id, connection?.id ?? null])
}

/** Leaves this page for the one where somebody signs in. */
export function leaveToSignIn(server: ServerShown, url: string): void {
  noteForReturn(LEFT_FOR, noteOf(server))
  location.assign(url)
}

export type CameBack =
  | { kind: 'not-yet' }
  | { kind: 'syncing' }
  | { kind: 'synced'; sync: SyncShown }
  | { kind: 'failed'; error: unknown }

/** What became of it, once: what is there now is listed at once, and that is watched. Null where nobody came back. */
export function useComeBack(server: ServerShown): CameBack | null {
  // Taken once, and kept while the page stands: React draws it more than once.
  const [left] = useState(() => takeNote(LEFT_FOR))
  const isBack = left?.startsWith(`["${server.id}",`) ?? false
  const [isReady] = useState(server.connection?.status === 'ready' && noteOf(server) !== left)
  const [sync, setSync] = useState<SyncShown | null>(null)
  const { mutate, error, isIdle } = useDeed(() => syncServer(server.id), { reads: [['servers']], after: setSync })
  useEffect(() => {
    if (isBack && isReady && isIdle) mutate(undefined)
  }, [isBack, isReady, isIdle, mutate])
  if (!isBack) return null
  if (sync !== null) return { kind: 'synced', sync }
  if (error !== null) return { kind: 'failed', error }
  return { kind: isReady ? 'syncing' : 'not-yet' }
}
