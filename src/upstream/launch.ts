/**
 * What is really executed for a child: its limits, then the operator's wrapper, then its command, word for word. The one
 * shell in this is `/bin/sh` with a fixed text that lowers the limits and turns into what follows; no word of a server's is
 * ever read by it.
 */
import type { StdioConfig } from '../config/stdio.ts'
import type { ChildPlaces } from './child-environment.ts'

export type LaunchRules = Pick<StdioConfig, 'limits' | 'wrapper' | 'runAs'>

export interface Launch {
  command: string
  args: readonly string[]
  uid?: number
  gid?: number
}

/**
 * Shells differ in the letter for processes (`u` in bash, `p` in dash and busybox). A limit that is lower already cannot be
 * raised and stays. The limit on memory is that of the data segment: one on address space ends every program that
 * reserves more than it uses, Node among them.
 */
const LIMITS = [
  'set_limit() { [ "$2" = 0 ] || ulimit "$1" "$2" 2>/dev/null; }',
  'set_limit -d "$1"',
  'set_limit -n "$2"',
  'set_limit -u "$3" || set_limit -p "$3"',
  // What shells add to the environment by themselves.
  'unset PWD OLDPWD SHLVL',
  'shift 3',
  'exec "$@"',
].join('\n')

/** @param program with an absolute path as its command */
export function launchOf(
  { limits, wrapper, runAs }: LaunchRules,
  program: { command: string; args: readonly string[] },
  places: ChildPlaces & { cwd: string },
): Launch {
  const words = [...wrapper.map((word) => filled(word, places)), program.command, ...program.args]
  const { memoryMb, files, processes } = limits
  const isLimited = memoryMb + files + processes > 0 && process.platform !== 'win32'
  const [command = '', ...args] = isLimited
    ? ['/bin/sh', '-c', LIMITS, 'sh', String(memoryMb * 1024), String(files), String(processes), ...words]
    : words
  return { command, args, ...(runAs ?? {}) }
}

function filled(word: string, { home, tmp, cwd }: ChildPlaces & { cwd: string }): string {
  const values: Record<string, string> = { home, tmp, cwd }
  return word.replaceAll(/\{(home|tmp|cwd)\}/g, (_, name: string) => values[name] ?? '')
}
