/**
 * The settings of child processes, put together and judged: which programs may run, as whom, within what. What is set
 * but could not be done is an error of the start, never a child that runs with less around it than the operator asked.
 */
import { chmodSync, existsSync, mkdirSync } from 'node:fs'
import { join, sep } from 'node:path'
import { ConfigError } from './config-error.ts'
import { configDirectory } from './keys.ts'
import type { Environment, Provenance } from './layers.ts'
import { findProgram } from './programs.ts'
import { type RunAs, requireReach, resolveRunAs } from './run-as.ts'
import type { SettingName, SettingValues } from './settings-schema.ts'

export interface StdioConfig {
  register: 'off' | 'local' | 'api'
  maxChildren: number
  idleStopMs: number
  /** `PATH` and `LANG` as the portal has them: all that a child inherits. */
  env: Readonly<Record<string, string>>
  /** Absolute paths; empty allows every program. */
  commands: readonly string[]
  allowUnpinned: boolean
  /** Words before each command, the first an absolute path; `{home}`, `{tmp}` and `{cwd}` stand for the child's. */
  wrapper: readonly string[]
  runAs: RunAs | null
  /** Parent of the children's private directories. */
  homes: string
  /** 0 is none. */
  limits: { memoryMb: number; files: number; processes: number }
  /** What no child may be pointed at: the data, the keys, the secrets' files. */
  guarded: readonly string[]
}

export interface StdioSource {
  values: SettingValues
  origins: ReadonlyMap<SettingName, Provenance>
  /** Files that hold settings or secrets. */
  secretFiles: readonly string[]
}

/** What can be judged without touching anything. @returns a sentence for each thing that is wrong */
export function stdioProblems({ values, origins }: Pick<StdioSource, 'values' | 'origins'>): string[] {
  const at = (name: SettingName) => origins.get(name)?.where ?? name
  const problems: string[] = []
  if (values['stdio.register'] === 'api' && values['stdio.commands'].length === 0) {
    problems.push(
      `${at('stdio.register')}: with "api" every token that may write servers could run any program here, so stdio.commands must list those that may run.`,
    )
  }
  if (values['stdio.limits.processes'] > 0 && values['stdio.run_as'] === null) {
    problems.push(
      `${at('stdio.limits.processes')}: the system counts the processes of a user, the portal's own among them, so this needs stdio.run_as.`,
    )
  }
  if (values['stdio.run_as'] !== null && values['stdio.homes'] === null) {
    problems.push(
      `${at('stdio.run_as')}: another user cannot enter the data directory, so stdio.homes must name a directory outside of it, such as /var/lib/portico-children.`,
    )
  }
  const homes = values['stdio.homes']
  if (homes !== null && `${homes}${sep}`.startsWith(`${values.data}${sep}`)) {
    problems.push(`${at('stdio.homes')}: must lie outside the data directory, or be left out.`)
  }
  return problems
}

/**
 * @throws ConfigError when the user, the wrapper or the directory cannot be used
 * @returns the settings, and lines for the operator about what is odd but not wrong
 */
export function openStdio(source: StdioSource, env: Environment): { stdio: StdioConfig; warnings: string[] } {
  const { values, origins } = source
  const at = (name: SettingName) => origins.get(name)?.where ?? name
  const { PATH, LANG } = env
  const path = PATH ?? ''
  const commands = values['stdio.commands'].map((name) => ({ name, found: findProgram(name, path) }))
  const runAs = values['stdio.run_as'] === null ? null : resolveRunAs(values['stdio.run_as'], at('stdio.run_as'))
  const homes = values['stdio.homes'] ?? join(values.data, 'children')
  if (runAs !== null) openToOthers(homes, runAs)
  const stdio: StdioConfig = {
    register: values['stdio.register'],
    maxChildren: values['stdio.max_children'],
    idleStopMs: values['stdio.idle_stop_seconds'] * 1000,
    env: { ...(PATH === undefined ? {} : { PATH }), ...(LANG === undefined ? {} : { LANG }) },
    // One that is not here stays in the list as it was written and matches nothing: a list must not become empty.
    commands: commands.map(({ name, found }) => found ?? name),
    allowUnpinned: values['stdio.allow_unpinned'],
    wrapper: findWrapper(values['stdio.wrapper'], path, at('stdio.wrapper')),
    runAs,
    homes,
    limits: {
      memoryMb: values['stdio.limits.memory_mb'],
      files: values['stdio.limits.files'],
      processes: values['stdio.limits.processes'],
    },
    guarded: guardedPaths(source, env),
  }
  const missing = commands.filter(({ found }) => found === null)
  return {
    stdio,
    warnings: missing.map(({ name }) => `${at('stdio.commands')}: ${name} is no program on this machine`),
  }
}

/** The other user must pass through to its own directories, and may list nothing. */
function openToOthers(homes: string, runAs: RunAs): void {
  if (!existsSync(homes)) {
    mkdirSync(homes, { recursive: true })
    // Not by the mode of mkdir, which the umask cuts.
    chmodSync(homes, 0o711)
  }
  requireReach(runAs, homes)
}

function findWrapper(words: readonly string[], path: string, where: string): string[] {
  const [command, ...args] = words
  if (command === undefined) return []
  const found = findProgram(command, path)
  if (found !== null) return [found, ...args]
  throw new ConfigError([
    `${where}: ${command} is no program on this machine; install it, or no child is started without it.`,
  ])
}

/** The data, the children's directories, the key's, the files of secrets and settings, and what shows the memory of processes. */
export function guardedPaths(
  { values, secretFiles }: Pick<StdioSource, 'values' | 'secretFiles'>,
  env: Environment,
): string[] {
  const homes = values['stdio.homes']
  return [
    values.data,
    ...(homes === null ? [] : [homes]),
    ...secretFiles,
    ...[configDirectory(env), '/proc'].filter((path) => existsSync(path)),
  ]
}
