/** `GET …/servers/{id}/processes`: the children of a stdio server in the portal process that answers; other replicas have their own. */
import { readFile } from 'node:fs/promises'
import type { ProcessShown } from '../contract/server-look.ts'
import type { ChildFigures } from '../upstream/model.ts'
import type { Call, Outcome } from './route.ts'
import { existingServer } from './servers.ts'
import { shownTime } from './times.ts'

export async function listProcesses({ deps, id }: Call): Promise<Outcome> {
  const { uid } = await existingServer(deps.store.db, id)
  return { result: await Promise.all(deps.upstreams.children(uid).map(show)) }
}

async function show({ pid, startedAt, whose, inFlight }: ChildFigures): Promise<ProcessShown> {
  const memory = await memoryOf(pid)
  return {
    ...{ pid, started_at: shownTime(startedAt), whose, in_flight: inFlight },
    ...(memory === null ? {} : { memory_bytes: memory }),
  }
}

/** As Linux tells it; null elsewhere, or where the process has just ended. */
async function memoryOf(pid: number): Promise<number | null> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  const [, kibibytes] = /^VmRSS:\s+(\d+) kB$/m.exec(status) ?? []
  return kibibytes === undefined ? null : Number(kibibytes) * 1024
}
