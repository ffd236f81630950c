/**
 * What a caller has in the place of a server's task id: sealed, so that it can be neither guessed nor changed, and good for one caller,
 * grant and portal. Nothing is kept: any replica opens it, for as long as the server keeps the task.
 */
import type { Clock } from '../base/clock.ts'
import type { ServerUid } from '../base/ids.ts'
import { digest, type Sealer } from '../base/secret.ts'
import type { Era, JsonRpcId } from '../protocol/model.ts'
import { addresseeOf } from './ask.ts'
import type { Scene } from './scene.ts'

/** One task at one server. */
export interface TaskNote {
  server: ServerUid
  /** The tool that it is of, by the server's name. */
  tool: string
  /** Of its definition as it was then; the beginning, where it was opened. */
  hash: string
  /** The server's own. */
  id: string
  /** Of which revision it is: the extension of 2026, or the tasks of 2025-11-25. */
  era: Era
  /** By which token the caller of 2025 hears of its progress; null for nobody. */
  progress: JsonRpcId | null
}

type Caller = Pick<Scene, 'visit'>

export interface TaskHandles {
  /** @returns null where the server's id is too long for a header's value of ours */
  seal(note: TaskNote, caller: Caller): string | null
  /** @returns null for what is not ours, is somebody else's, or is of before the last restore */
  open(handle: string, caller: Caller): TaskNote | null
}

/** In characters. It travels as a header's value with each request about the task. */
const LONGEST = 1024

/** Of the hash, in characters: 128 bits are enough to tell definitions apart, and portals stand in front of portals. */
const HASHED = 32

type Sealed = [
  ...[server: string, tool: string, hash: string, id: string, made: number],
  // Not there in what was sealed before there were others.
  ...[era?: Era, progress?: JsonRpcId | null],
]

/** Of a token of the caller's, in characters; progress by a longer one is not told. */
const MOST_TOKEN = 64

/** @param since milliseconds since 1970: what was made before is over, because a backup was restored then */
export function openTaskHandles({
  sealer,
  clock,
  since,
}: {
  sealer: Sealer
  clock: Clock
  since: number
}): TaskHandles {
  return {
    seal({ server, tool, hash, id, era, progress }, caller) {
      const plain: Sealed = [server, tool, hash.slice(0, HASHED), id, clock.now()]
      if (era === '2025') plain.push(era, String(progress ?? '').length <= MOST_TOKEN ? progress : null)
      const handle = sealer.seal(JSON.stringify(plain), bindingOf(caller))
      return handle.length <= LONGEST ? handle : null
    },
    open(handle, caller) {
      const plain = handle.length <= LONGEST ? sealer.open(handle, bindingOf(caller)) : undefined
      if (plain === undefined) return null
      // Only what this program sealed comes out of a seal, so its form is trusted.
      const [server, tool, hash, id, made, era = '2026', progress = null] = JSON.parse(plain) as Sealed
      return made < since ? null : { server: server as ServerUid, tool, hash, id, era, progress }
    },
  }
}

/** It is the seal's additional data: for anybody else, or anywhere else, a handle does not even open. */
function bindingOf(caller: Caller): string {
  const { principal, owner, portalUid } = addresseeOf(caller)
  return digest(JSON.stringify([principal, owner, portalUid, caller.visit.mounted]))
}
