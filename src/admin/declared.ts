/**
 * Brings the store to what the configuration file declares: policies, servers, portals, through the same checks as the API
 * and in one transaction. What stands in the file belongs to it: it is marked so, and goes when it is taken out.
 */
import type { ActorSnapshot, DeedEnd, Entry } from '../audit/event.ts'
import { type DeedId, newId } from '../base/ids.ts'
import { ConfigError } from '../config/config-error.ts'
import type { Declared } from '../config.ts'
import type { Author } from '../store/columns.ts'
import type { Trx } from '../store/open.ts'
import { isUniqueViolation } from '../store/trouble.ts'
import { applyPortals, applyServers } from './declared-objects.ts'
import { giveUpDeclared, removeUndeclared } from './declared-removals.ts'
import { applyRules } from './declared-rules.ts'
import { type DeclaredShapes, readDeclared } from './declared-shapes.ts'
import type { AdminDeps } from './deps.ts'
import { refuseMachineOnBehalf } from './on-behalf.ts'
import { ApiRefusal } from './refusal.ts'

type Needs = Pick<
  AdminDeps,
  'store' | 'sealer' | 'config' | 'egress' | 'audit' | 'clock' | 'log' | 'configFile' | 'issuer'
>

/** One object that the file changed. */
export type NoteChange = (verb: 'create' | 'update' | 'remove', object: string, id: string) => Promise<void>

export interface Applying {
  needs: Needs
  trx: Trx
  shapes: DeclaredShapes
  author: Author
  note: NoteChange
}

const ATTEMPTS = 3

/**
 * Call it at every start, before anything is served. Where nothing changed, nothing is written.
 *
 * @throws ConfigError naming every field that is wrong; then nothing was applied
 */
export async function applyDeclared(needs: Needs, declared: Declared): Promise<void> {
  const shapes = readDeclared(declared)
  for (let attempt = 1; ; attempt++) {
    try {
      return await applyOnce(needs, shapes)
    } catch (error) {
      if (error instanceof ApiRefusal) throw new ConfigError(error.problems.map((problem) => problem.message))
      // Another replica applied the same file at the same moment: look again at what is left to do.
      if (!isUniqueViolation(error) || attempt === ATTEMPTS) throw error
    }
  }
}

async function applyOnce(needs: Needs, shapes: DeclaredShapes): Promise<void> {
  const label = needs.configFile ?? 'configuration file'
  const deeds: { entry: Entry; end: DeedEnd }[] = []
  const giveUp = async () => {
    for (const { entry } of deeds.splice(0)) await entry.finish({ outcome: 'failed', error: 'not-applied' })
  }
  const note: NoteChange = async (verb, object, id) => {
    const entry = await needs.audit.begin({
      deed: newId<DeedId>(needs.clock.now()),
      plane: 'admin',
      actor: { kind: 'config', id: 'file', label } satisfies ActorSnapshot,
      method: `${verb} ${object}`,
    })
    deeds.push({ entry, end: { outcome: 'answered', decision: 'allow', change: { object, id, fields: [verb] } } })
  }
  const author: Author = { label, origin: 'file' }
  try {
    await needs.store.write(async (trx) => {
      // The store may have to begin anew; what it undid was not applied.
      await giveUp()
      await applyAll({ needs, trx, shapes, author, note })
    })
  } catch (error) {
    await giveUp()
    throw error
  }
  for (const { entry, end } of deeds) await entry.finish(end)
}

async function applyAll(applying: Applying): Promise<void> {
  const { shapes, needs } = applying
  const nothing = Object.values(shapes).every((section) => section.length === 0)
  // Started without a file, perhaps by mistake: nothing is taken away, and the API may change it from now on.
  if (nothing && needs.configFile === null) return giveUpDeclared(applying)
  await applyRules(applying)
  await applyServers(applying)
  // Portals give their hostnames free before others take them.
  await removeUndeclared(applying)
  await applyPortals(applying)
  // Portals of the API may be in the way too, and only now is it known how all of them stand.
  await refuseMachineOnBehalf(applying.trx)
}
