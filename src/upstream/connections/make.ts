/** Connections that the portal makes by itself when they are first needed: the machine's own, and people's on the word of their identity provider. */
import type { ServerUid } from '../../base/ids.ts'
import type { UserPrincipal } from '../../base/principal.ts'
import { type ConnectionContent, type OpenedConnection, openConnectionRow, saveConnection } from './connection-store.ts'
import { grantOnWord } from './enterprise.ts'
import { fateOf } from './fate.ts'
import { lifeOf } from './life.ts'
import { AWAY, needOf } from './live.ts'
import { grantAsMachine } from './machine.ts'
import type { Owner } from './model.ts'
import type { RenewDeps, Renewer, Seen } from './renew.ts'
import { closed, type KeptServer, missingName } from './resolve.ts'
import { isSameClient } from './same-client.ts'

interface Making {
  setup: KeptServer
  owner: Owner
  /** Null for the machine's own. */
  principal: UserPrincipal | null
}

/** Whoever makes one is done by then, or dead. */
const DEADLINE_MS = 60_000
const RESTING =
  '{server} could not be connected a moment ago. Nothing was sent; try again soon, or ask an administrator.'

/** Under which one that does not exist yet rests, and is made by one process alone. */
export function makingKey(server: ServerUid, owner: Owner | ''): string {
  return `new/${server}/${owner}`
}

const CHANGED = '{server} was changed while it was being connected. Nothing was sent; try again.'

/** One at a time over all processes. @throws Trouble where it cannot be made now */
export async function makeConnection(deps: RenewDeps, renewer: Renewer, making: Making): Promise<void> {
  const { store, sealer } = deps
  const { setup, owner } = making
  const { uid } = setup.record
  const key = makingKey(uid, owner)
  if (renewer.rests.isResting(key)) throw closed(RESTING)
  const read = (): Promise<OpenedConnection | undefined> => openConnectionRow(store.db, sealer, uid, owner)
  const look = async (waitedMs: number): Promise<Seen> => {
    const row = await read()
    return row === undefined && waitedMs < DEADLINE_MS ? 'wait' : { row }
  }
  const lead = async (): Promise<OpenedConnection | undefined> => {
    const row = await read()
    if (row !== undefined) return row
    const content = await obtained(deps, renewer, { ...making, key })
    const made = { ...content, serverUid: uid, owner, createdBy: 'portal' }
    const record = await store.write(async (trx) => {
      // Whoever forgets the connections of this server comes before or after this.
      await store.versions.bump(trx, 'connections')
      return (await isSameClient(trx, sealer, setup)) ? saveConnection(store, trx, sealer, made) : undefined
    })
    if (record === undefined) throw closed(CHANGED)
    return { record, tokens: content.tokens }
  }
  const row = await renewer.once(key, () => renewer.alone(`connection/${key}`, lead, look))
  if (row === undefined) throw closed(AWAY)
}

async function obtained(
  deps: RenewDeps,
  { rests }: Renewer,
  { setup, principal, key, owner }: Making & { key: string },
): Promise<ConnectionContent> {
  const { target } = setup
  if (target === null) throw closed('{server} has an OAuth client that cannot be read. Store it again.')
  const lives = (expiresIn: number | null, isRenewable: boolean) => lifeOf(deps.clock.now(), expiresIn, isRenewable)
  try {
    const server = await deps.ways.discover(target)
    const content =
      principal === null
        ? await grantAsMachine(deps.ways, { target, lives }, server)
        : await grantOnWord(deps, { target, principal, lives }, server)
    rests.end(key)
    return content
  } catch (error) {
    const fate = fateOf(error)
    rests.failed(key)
    const detail = error instanceof Error ? error.message : ''
    deps.log.warn({ server: target.id, detail }, 'a connection could not be made')
    if (fate.kind === 'later') throw closed(AWAY)
    throw refused({ setup, principal, owner }, fate.reason === 'identity')
  }
}

function refused({ setup, owner, principal }: Making, isIdentity: boolean): ReturnType<typeof needOf> {
  const kind = principal === null ? ('machine' as const) : ('enterprise' as const)
  const reason = isIdentity ? ('identity' as const) : ('client-gone' as const)
  const needed = needOf({ kind, owner, status: 'needs_reauth', reason, id: 'none' }, setup.record)
  needed.credential = missingName(kind, principal === null ? 'machine' : 'user')
  return needed
}
