/** What `doctor` sees of the sandbox: whether code that a model wrote can be run here, and what stands around it. */
import { silentLog } from '../base/log.ts'
import { type SandboxConfig, sandboxOf } from '../config/sandbox.ts'
import { trySandbox } from '../sandbox/sandbox.ts'
import type { WallKind } from '../sandbox/walls.ts'
import { type Finding, fine, type Place, warning } from './finding.ts'

/** What a weaker wall leaves open, where it is not the strongest one. */
const OPEN: Readonly<Record<WallKind, string | null>> = {
  closed: null,
  offline: 'a fault of its engine would let code read files with the rights of the portal',
  limits: 'a fault of its engine would let code read files, reach the network and signal the portal',
  none: 'a fault of its engine would let code read files, reach the network and signal the portal, without limits',
}

export function checkSandbox({ context, settings }: Place): Promise<Finding[]> {
  return lookAtSandbox(sandboxOf(settings.values, context.surroundings.env))
}

export async function lookAtSandbox(config: SandboxConfig): Promise<Finding[]> {
  if (config.processes === 0) return [fine('sandbox', 'no code of models is run (sandbox.processes: 0)')]
  const found = await trySandbox({ config, log: silentLog })
  if ('unavailable' in found) return [warning('sandbox', `no code of models can be run: ${found.unavailable}`, MEND)]
  const { kind, what } = found.wall
  const open = OPEN[kind]
  const text = `code of models can be run, behind this wall: ${what}`
  if (open === null || process.platform !== 'linux') return [fine('sandbox', text)]
  const mend =
    'apt install bubblewrap, and let users make namespaces; sandbox.jit: off closes most such faults meanwhile'
  return [warning('sandbox', `${text}; ${open}`, mend)]
}

const MEND = 'npm ci with optional dependencies, or sandbox.processes: 0 where nobody needs it'
