/**
 * Whether a program may run as a child at all: asked when a server is registered, so that whoever does it is told, and
 * again at each start, because settings, links and `PATH` change. One set of rules for the file, the API and the command
 * line; who may register is another question, and `admin/stdio-gate.ts` answers it.
 *
 * The rule on paths catches what is written in the command. It is no wall: a program that computes a path is stopped by
 * `stdio.wrapper` or `stdio.run_as` alone.
 */
import { isAbsolute, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findProgram } from '../config/programs.ts'
import { overlap } from '../config/real-path.ts'
import type { StdioConfig } from '../config/stdio.ts'
import { isAllowedVariable } from './child-environment.ts'
import { unpinnedPackage } from './pinned-package.ts'

export type ChildRules = Pick<StdioConfig, 'commands' | 'allowUnpinned' | 'guarded' | 'homes' | 'env'>

export interface Program {
  command: string
  args: readonly string[]
  env: Readonly<Record<string, string>>
  cwd?: string
}

export interface ProgramRefusal {
  field: string
  /** What is wrong and what to do, without the value of a variable. */
  text: string
}

/** @returns the first rule that the program breaks, or null */
export function refuseProgram(rules: ChildRules, program: Program): ProgramRefusal | null {
  return (
    refuseCommand(rules, program.command) ??
    refusePackage(rules, program) ??
    refuseVariables(program.env) ??
    refusePaths(rules, program)
  )
}

function refuseCommand({ commands, env }: ChildRules, command: string): ProgramRefusal | null {
  if (!isAbsolute(command) && /[\\/]/.test(command)) {
    return { field: 'command', text: 'must be an absolute path, or a name that is found in the PATH of the portal' }
  }
  if (commands.length === 0) return null
  const found = findProgram(command, env.PATH ?? '')
  if (found !== null && commands.includes(found)) return null
  return { field: 'command', text: 'is not among the programs that may run here (stdio.commands); ask the operator' }
}

function refusePackage({ allowUnpinned }: ChildRules, { command, args }: Program): ProgramRefusal | null {
  const unpinned = allowUnpinned ? null : unpinnedPackage(command, args)
  if (unpinned === null) return null
  return {
    field: 'args',
    text: `would fetch ${JSON.stringify(unpinned.slice(0, 128))} in whatever version there is that day; name the exact one, such as package@1.2.3`,
  }
}

function refuseVariables(env: Program['env']): ProgramRefusal | null {
  const name = Object.keys(env).find((one) => !isAllowedVariable(one))
  if (name === undefined) return null
  return { field: `env.${name}`, text: 'could load foreign code or choose another program; leave it out' }
}

function refusePaths(rules: ChildRules, { command, args, env, cwd }: Program): ProgramRefusal | null {
  if (cwd !== undefined && !isAbsolute(cwd)) return { field: 'cwd', text: 'must be an absolute path' }
  const texts: [string, string][] = [
    ['command', command],
    ...args.map((arg, i): [string, string] => [`args.${i}`, arg]),
    ...Object.entries(env).map(([name, value]): [string, string] => [`env.${name}`, value]),
    ...(cwd === undefined ? [] : [['cwd', cwd] as [string, string]]),
  ]
  for (const [field, text] of texts) {
    if (pathsIn(text, rules.homes, cwd).some((path) => rules.guarded.some((guarded) => overlap(path, guarded)))) {
      return {
        field,
        text: "leads to the portal's own data, keys or settings, or to a directory above them; a server may be given none of these. Choose a directory of its own",
      }
    }
  }
  return null
}

/** What a program could take for a path: the whole text, what follows a `=`, and the parts of a list. */
function pathsIn(text: string, homes: string, cwd: string | undefined): string[] {
  const parts = new Set([text, ...text.split(/[=,;]/), ...text.split(/[=,;:]/)])
  // A relative path starts from the private directory, which may be in the data directory itself; only one that
  // climbs leaves it.
  const start = cwd ?? join(homes, 'server', 'child')
  return [...parts].flatMap((part) => {
    if (part.startsWith('file:')) return URL.canParse(part) ? filePath(part) : []
    if (isAbsolute(part)) return [resolve(part)]
    return part.split(/[\\/]/).includes('..') ? [resolve(start, part)] : []
  })
}

function filePath(text: string): string[] {
  try {
    return [fileURLToPath(text)]
  } catch {
    // A URL of another host is no path here.
    return []
  }
}
