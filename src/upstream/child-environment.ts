/**
 * What a child is given and what it is never given. The environment is built up from nothing: a variable of the portal's
 * own (its keys, its database) has no way in.
 */
import type { StdioTransport } from './model.ts'
import { Trouble } from './trouble.ts'

/** `PATH`, `HOME` and `LANG`, as the configuration gives them. */
export type BaseEnvironment = Readonly<Record<string, string>>

/** Variables that make a loader or an interpreter run somebody else's code before the program's first line. */
const LOADERS =
  /^(LD_|DYLD_|BASH_FUNC_)|^(NODE_OPTIONS|NODE_PATH|NODE_REPL_EXTERNAL_MODULE|PYTHONSTARTUP|PYTHONPATH|PYTHONHOME|PERL5LIB|PERL5OPT|RUBYOPT|RUBYLIB|JAVA_TOOL_OPTIONS|_JAVA_OPTIONS|JDK_JAVA_OPTIONS|BASH_ENV|ENV|GCONV_PATH|PATH|HOME|SHELLOPTS|IFS)$/i

/** @returns whether a server may declare a variable of this name */
export function isAllowedVariable(name: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && !LOADERS.test(name)
}

/**
 * @param home the child's private directory
 * @throws Trouble `not-ready` for a variable that may not be set
 */
export function childEnvironment(
  base: BaseEnvironment,
  transport: StdioTransport,
  home: string,
): Record<string, string> {
  const env: Record<string, string> = { HOME: home }
  for (const name of ['PATH', 'LANG']) if (base[name] !== undefined) env[name] = base[name]
  for (const [name, value] of Object.entries(transport.env)) {
    if (!isAllowedVariable(name) || value.includes('\0')) {
      throw new Trouble('not-ready', `the variable ${name} may not be set for a child`, {
        hint: `The environment of {server} sets ${name}, which could load foreign code. Remove it.`,
      })
    }
    env[name] = value
  }
  return env
}

/** Commands that fetch a package and run it, and how many words come before the package. */
const RUNNERS: Readonly<Record<string, readonly string[][]>> = {
  npx: [[]],
  bunx: [[]],
  npm: [['exec'], ['x']],
  pnpm: [['dlx']],
  yarn: [['dlx']],
  uvx: [[]],
}
const EXACT = /@v?\d+\.\d+\.\d+(?:[-+][0-9A-Za-z.+-]+)?$|==[0-9][0-9A-Za-z.!+-]*$|@[0-9]+(?:\.[0-9A-Za-z]+)+$/

/**
 * A package without an exact version is new code at each start, from whoever holds the name that day.
 *
 * @returns the package that a runner would fetch without an exact version, or null
 */
export function unpinnedPackage(command: string, args: readonly string[]): string | null {
  const name = command.replace(/^.*[\\/]/, '').replace(/\.(cmd|exe)$/i, '')
  const verbs = RUNNERS[name]?.find((words) => words.every((word, i) => args[i] === word))
  if (verbs === undefined) return null
  const rest = args.slice(verbs.length)
  for (let i = 0; i < rest.length; i++) {
    const word = rest[i] ?? ''
    const named = /^(?:--package|--from|-p)(?:=(.*))?$/.exec(word)
    if (named !== null) {
      const wanted = named[1] ?? rest[i + 1] ?? ''
      return isExact(wanted) ? null : wanted
    }
    if (word === '--' || word.startsWith('-')) continue
    return isExact(word) ? null : word
  }
  return null
}

function isExact(wanted: string): boolean {
  // A path names what is already here.
  return EXACT.test(wanted) || wanted.startsWith('/') || wanted.startsWith('./')
}
