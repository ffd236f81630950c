/**
 * What a child is given and what it is never given. The environment is built up from nothing: a variable of the portal's
 * own (its keys, its database) has no way in.
 */
import type { StdioTransport } from './model.ts'
import { Trouble } from './trouble.ts'

/** `PATH`, `HOME` and `LANG`, as the configuration gives them. */
export type BaseEnvironment = Readonly<Record<string, string>>

/**
 * Variables that make a loader, a shell or an interpreter run somebody else's code before the program's first line, or
 * choose which program a name is. The list can only be of those that are known: a program may have variables of its own.
 */
const LOADERS = [
  'LD_.*|DYLD_.*|GCONV_PATH|GLIBC_TUNABLES|LOCPATH|NLSPATH',
  'PATH|HOME|IFS|ENV|BASH_ENV|BASH_FUNC_.*|SHELLOPTS|BASHOPTS|PS4|PROMPT_COMMAND|ZDOTDIR|CDPATH',
  'NODE_OPTIONS|NODE_PATH|NODE_REPL_.*|NODE_COMPILE_CACHE|NPM_CONFIG_(NODE[-_]OPTIONS|SCRIPT[-_]SHELL|SHELL|PREFIX|GLOBALCONFIG)',
  'PYTHON(STARTUP|PATH|HOME|USERBASE|EXECUTABLE|PLATLIBDIR|WARNINGS|BREAKPOINT|INSPECT)|PERL(LIB|5LIB|5OPT|5DB)|RUBY(OPT|LIB)',
  'JAVA_TOOL_OPTIONS|_JAVA_OPTIONS|JDK_JAVA_OPTIONS|CLASSPATH|LUA_(INIT|PATH|CPATH).*|PHPRC|PHP_INI_SCAN_DIR',
  'DOTNET_STARTUP_HOOKS|DOTNET_ADDITIONAL_DEPS|COR(ECLR)?_(ENABLE_)?PROFIL.*|OPENSSL_(CONF|MODULES|ENGINES)',
  'GIT_(SSH|SSH_COMMAND|EXEC_PATH|EXTERNAL_DIFF|PROXY_COMMAND|CONFIG.*)',
]
const LOADER = new RegExp(`^(${LOADERS.join('|')})$`, 'i')

/** @returns whether a server may declare a variable of this name */
export function isAllowedVariable(name: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && !LOADER.test(name)
}

/** Two directories of one child alone, and the same at its next start. */
export interface ChildPlaces {
  home: string
  tmp: string
}

/**
 * @throws Trouble `not-ready` for a variable that may not be set
 */
export function childEnvironment(
  base: BaseEnvironment,
  transport: StdioTransport,
  { home, tmp }: ChildPlaces,
): Record<string, string> {
  const env: Record<string, string> = { HOME: home, TMPDIR: tmp }
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
