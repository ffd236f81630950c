/**
 * What the portal costs a model, in tokens: before its first word, and for whole tasks. All of it is measured at a real portal in this
 * process, in front of servers that list what real ones listed, by a real client in each mode.
 */
import { MODES, type Mode } from '../../src/portal/context/mode.ts'
import { doTask, type Place, type TaskCost } from './agent.ts'
import { type Catalog, realCatalogs } from './catalogs.ts'
import { type Guest, type Listed, openContextPortal } from './portal.ts'
import { syntheticCatalogs } from './synthetic.ts'
import { isWithin, TASKS, type Task } from './tasks.ts'
import { tokensOf } from './tokens.ts'

export interface FixedCost {
  mode: Mode
  /** What is listed, the portal's own among them. */
  tools: number
  /** Tokens of the definitions as `tools/list` has them. */
  listed: number
  /** Tokens of name, description and schema of each, as clients hand them on to a model. */
  compact: number
  /** Tokens of the portal's instructions. */
  instructions: number
}

export interface TaskCosts {
  task: Task
  costs: readonly TaskCost[]
}

export interface Measured {
  set: SetName
  servers: number
  /** Of the servers. */
  tools: number
  modes: readonly FixedCost[]
  /** Those that can be done there. */
  tasks: readonly TaskCosts[]
}

export const SETS = ['one', 'four', 'real', 'thousand', 'ten-thousand'] as const
export type SetName = (typeof SETS)[number]

const FOUR = ['filesystem', 'github', 'memory', 'slack']

export function catalogsOf(set: SetName): Catalog[] {
  const real = realCatalogs()
  switch (set) {
    case 'one':
      return real.filter(({ server }) => server === 'slack')
    case 'four':
      return real.filter(({ server }) => FOUR.includes(server))
    case 'real':
      return real
    case 'thousand':
      return syntheticCatalogs(1000, real)
    case 'ten-thousand':
      return syntheticCatalogs(10_000, real)
  }
}

export async function measure(set: SetName): Promise<Measured> {
  const catalogs = catalogsOf(set)
  const servers = new Set(catalogs.map(({ server }) => server))
  const portal = await openContextPortal(catalogs)
  try {
    const guests = await Promise.all(MODES.map(async (mode) => ({ mode, guest: await portal.connect(mode) })))
    const modes = guests.map(({ mode, guest }) => ({ mode, ...costOf(guest) }))
    const places = guests.map(({ mode, guest }, at) => ({ mode, guest, fixed: fixedOf(modes[at]) }))
    const tasks: TaskCosts[] = []
    for (const task of TASKS.filter((one) => isWithin(one, servers))) tasks.push(await inAllModes(task, places))
    for (const { guest } of guests) await guest.close()
    return { set, servers: servers.size, tools: catalogs.flatMap(({ tools }) => tools).length, modes, tasks }
  } finally {
    await portal.close()
  }
}

async function inAllModes(task: Task, places: readonly Place[]): Promise<TaskCosts> {
  const costs: TaskCost[] = []
  for (const place of places) costs.push(await doTask(task, place))
  return { task, costs }
}

function costOf({ tools, instructions }: Guest): Omit<FixedCost, 'mode'> {
  return {
    tools: tools.length,
    listed: tokensOf(JSON.stringify(tools)),
    compact: tokensOf(compactly(tools)),
    instructions: tokensOf(instructions),
  }
}

/** In the form in which a model is given it. */
function fixedOf(cost: FixedCost | undefined): number {
  return (cost?.compact ?? 0) + (cost?.instructions ?? 0)
}

/** The form in which the interfaces of models take tools. */
function compactly(tools: readonly Listed[]): string {
  return JSON.stringify(
    tools.map(({ name, description, inputSchema }) => ({ name, description, input_schema: inputSchema })),
  )
}
