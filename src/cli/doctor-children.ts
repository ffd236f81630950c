/**
 * What `doctor` sees of servers that run as programs: whether anything stands between them and the portal's data, whether the
 * settings that say so can be kept, and which of them the portal would not start.
 */

import { ConfigError } from '../config/config-error.ts'
import { findProgram } from '../config/programs.ts'
import { requireReach, resolveRunAs } from '../config/run-as.ts'
import { guardedPaths } from '../config/stdio.ts'
import { type Settings, secretFilesOf } from '../config.ts'
import { serverCreate } from '../contract/server.ts'
import { type Program, refuseProgram } from '../upstream/child-rules.ts'
import { CliError } from './cli-error.ts'
import type { Context } from './context.ts'
import { type Finding, fine, type Place, problem, warning } from './finding.ts'
import { PATHS, SHAPES } from './paths.ts'

const GUIDE = 'See docs/guides/children.md'

interface Child {
  id: string
  program: Program
}

export async function checkChildren({ context, settings }: Place): Promise<Finding[]> {
  const path = context.surroundings.env.PATH ?? ''
  const children = await childrenOf(context, settings)
  return [
    ...checkWrapper(settings, path),
    ...checkUser(settings),
    ...checkCommands(settings, path),
    ...(children.length === 0 ? [] : checkWalls(settings, children)),
    ...children.flatMap((child) => checkProgram(settings, context, child)),
  ]
}

/** As the portal has them; where none answers, as the file declares them. */
async function childrenOf(context: Context, { declared }: Settings): Promise<Child[]> {
  try {
    const servers = await context.api().list(PATHS.servers, SHAPES.server)
    return servers.flatMap(({ id, transport }) =>
      transport === undefined ? [] : [{ id, program: programOf(transport) }],
    )
  } catch (error) {
    // That it does not answer is told by its own check.
    if (!(error instanceof CliError || error instanceof ConfigError)) throw error
    return declared.servers.flatMap((entry) => {
      const parsed = serverCreate.safeParse(entry)
      return parsed.data?.transport ? [{ id: parsed.data.id, program: programOf(parsed.data.transport) }] : []
    })
  }
}

function programOf(transport: {
  command: string
  args?: readonly string[] | undefined
  env?: Readonly<Record<string, string>> | undefined
  cwd?: string | undefined
}): Program {
  const { command, args = [], env = {}, cwd } = transport
  return { command, args, env, ...(cwd === undefined ? {} : { cwd }) }
}

function checkWrapper({ values, origins }: Settings, path: string): Finding[] {
  const [command] = values['stdio.wrapper']
  if (command === undefined || findProgram(command, path) !== null) return []
  const where = origins.get('stdio.wrapper')?.where ?? 'stdio.wrapper'
  return [problem('children', `${where}: ${command} is no program on this machine`, `Install ${command}; ${GUIDE}`)]
}

function checkUser({ values, origins }: Settings): Finding[] {
  const runAs = values['stdio.run_as']
  const homes = values['stdio.homes']
  if (runAs === null || homes === null) return []
  const where = origins.get('stdio.run_as')?.where ?? 'stdio.run_as'
  if (process.getuid?.() !== 0) {
    return [warning('children', `${where} works where the portal is started as root`, 'sudo portico doctor')]
  }
  try {
    requireReach(resolveRunAs(runAs, where), homes)
    return [fine('children', `run as ${runAs}, in ${homes}`)]
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return [problem('children', error.message, GUIDE)]
  }
}

function checkCommands({ values, origins }: Settings, path: string): Finding[] {
  const where = origins.get('stdio.commands')?.where ?? 'stdio.commands'
  const missing = values['stdio.commands'].filter((name) => findProgram(name, path) === null)
  const open =
    values['stdio.register'] === 'api'
      ? [
          warning(
            'children',
            `every token that may write servers, from anywhere, can run ${values['stdio.commands'].join(', ')} here with any arguments`,
            'stdio.register: local',
          ),
        ]
      : []
  return [
    ...missing.map((name) =>
      warning('children', `${where}: ${name} is no program on this machine`, `Install ${name}, or take it out`),
    ),
    ...open,
  ]
}

function checkWalls({ values }: Settings, children: readonly Child[]): Finding[] {
  const who = children.map(({ id }) => id).join(', ')
  const findings: Finding[] = []
  if (values['stdio.wrapper'].length === 0 && values['stdio.run_as'] === null) {
    findings.push(
      warning(
        'children',
        `${who}: nothing keeps ${children.length === 1 ? 'this program' : 'these programs'} from reading the portal's data, key and memory`,
        `Set stdio.wrapper or stdio.run_as. ${GUIDE}`,
      ),
    )
  }
  if (values['stdio.limits.memory_mb'] > 0 && process.platform !== 'linux') {
    findings.push(
      warning('children', 'this system does not keep stdio.limits.memory_mb', 'Limit the portal as a whole instead'),
    )
  }
  return findings
}

/** The values of variables are not shown to anybody, so what they hold is judged by the portal alone. */
function checkProgram(settings: Settings, { surroundings }: Context, { id, program }: Child): Finding[] {
  const { values } = settings
  const path = surroundings.env.PATH ?? ''
  const rules = {
    commands: values['stdio.commands'].map((name) => findProgram(name, path) ?? name),
    allowUnpinned: values['stdio.allow_unpinned'],
    guarded: guardedPaths({ values, secretFiles: secretFilesOf(settings) }, surroundings.env),
    homes: values['stdio.homes'] ?? values.data,
    env: { PATH: path },
  }
  const refusal = refuseProgram(rules, program)
  if (refusal !== null) {
    const text = `the portal does not start it: its ${refusal.field} ${refusal.text}`
    return [problem(`server ${id}`, text, `portico servers rm ${id}, and add it as it should be`)]
  }
  if (findProgram(program.command, path) !== null) return []
  return [problem(`server ${id}`, `${program.command} is no program on this machine`, `Install ${program.command}`)]
}
