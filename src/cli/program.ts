/** The command line: one program, one file a command. Exit codes: 0 done, 1 it could not be done, 2 wrong usage. */
import { Command, CommanderError, Help } from 'commander'
import { ConfigError } from '../config/config-error.ts'
import { processEnvironment } from '../config.ts'
import { defineAdmin } from './admin.ts'
import { defineApprovals } from './approvals.ts'
import { defineAudit } from './audit.ts'
import { defineBackup } from './backup.ts'
import { AlreadySaid, CliError, usageError } from './cli-error.ts'
import { defineClients } from './clients.ts'
import { defineConfig } from './config.ts'
import { defineConnect } from './connect.ts'
import type { Surroundings } from './context.ts'
import { defineContext } from './context-report.ts'
import { defineDemo } from './demo.ts'
import { defineDoctor } from './doctor.ts'
import { defineGroups } from './groups.ts'
import { defineIdentityProviders } from './identity-providers.ts'
import { defineKeys } from './keys.ts'
import { defineLists } from './lists.ts'
import { defineLogs } from './logs.ts'
import { defineOrg } from './org.ts'
import { definePolicies } from './policies.ts'
import { definePolicy } from './policy.ts'
import { definePortals } from './portals.ts'
import { defineRestore } from './restore.ts'
import { defineRoles } from './roles.ts'
import { defineServers } from './servers.ts'
import { defineSetupMcpPortal } from './setup-mcp-portal.ts'
import { defineStart } from './start.ts'
import { openTerminal } from './terminal.ts'
import { defineToken } from './token.ts'
import { defineUsers } from './users.ts'
import { defineVersion } from './version.ts'
import { defineWebhooks } from './webhooks.ts'

/** This process's own surroundings. */
export function processSurroundings(): Surroundings {
  // A reader that has seen enough, such as `head`, is no failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))
  return {
    argv: process.argv.slice(2),
    env: processEnvironment(),
    cwd: process.cwd(),
    stdout: process.stdout,
    stderr: process.stderr,
  }
}

/** @returns the exit code */
export async function run(surroundings: Surroundings): Promise<number> {
  const [words, rest] = splitAtDashes(surroundings.argv)
  const isJson = words.includes('--json')
  const unsaid: string[] = []
  const program = defineProgram(surroundings, rest, (text) => unsaid.push(text))
  try {
    if (rest.length > 0 && !(words.includes('servers') && words.includes('add')))
      throw usageError('Only "servers add" takes a command after "--".')
    await program.parseAsync(words, { from: 'user' })
    return 0
  } catch (error) {
    return explain(surroundings, isJson, error, { help: unsaid.join(''), verb: verbIn(program, words) })
  }
}

/** The command that was meant, as far as there is one: `portico servers add`. */
function verbIn(program: Command, words: readonly string[]): string {
  let [at, path] = [program, program.name()]
  for (const word of words) {
    const next = at.commands.find((command) => command.name() === word)
    if (next !== undefined) [at, path] = [next, `${path} ${word}`]
  }
  return path
}

/** What stands after `--` is a command for the portal to run: no option of it is ours. */
function splitAtDashes(argv: readonly string[]): [string[], string[]] {
  const at = argv.indexOf('--')
  return at < 0 ? [[...argv], []] : [argv.slice(0, at), argv.slice(at + 1)]
}

function defineProgram(surroundings: Surroundings, rest: readonly string[], writeErr: (text: string) => void): Command {
  const program = new Command('portico')
    .description('One door to every MCP server.')
    .option('--json', 'answer as JSON on stdout')
    .option('--url <url>', 'where the portal is (default: PORTICO_URL, else this machine)')
    .option('--token <token>', 'API token (default: PORTICO_TOKEN, else the owner token in the data directory)')
    .option('--account <id>', "account id in the API's addresses", 'default')
    .option('--data <dir>', 'data directory (default: PORTICO_DATA, else ./data)')
    .option('--config <file>', 'configuration file (default: PORTICO_CONFIG, else ./portico.yaml where it exists)')
    .exitOverride()
    // An option that may be given again begins with none, which is nothing to tell of.
    .configureHelp({
      optionDescription: (option) => new Help().optionDescription(option).replace(' (default: [])', ''),
    })
    .configureOutput({
      writeOut: (text) => void surroundings.stdout.write(text),
      // Kept, to be said in one place with everything else that goes wrong.
      writeErr,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .showSuggestionAfterError()
  const parts = [
    defineStart,
    defineDemo,
    defineServers,
    definePortals,
    definePolicies,
    defineGroups,
    defineLists,
    definePolicy,
    defineApprovals,
    defineToken,
    defineClients,
    defineAdmin,
    defineIdentityProviders,
    defineRoles,
    defineUsers,
    defineOrg,
    defineWebhooks,
    defineConnect,
    defineContext,
    defineLogs,
    defineAudit,
    defineDoctor,
    defineConfig,
    defineKeys,
    defineBackup,
    defineRestore,
    defineSetupMcpPortal,
    defineVersion,
  ]
  for (const define of parts) define(program, surroundings, rest)
  return program
}

interface Usage {
  /** What commander would have printed. */
  help: string
  verb: string
}

function explain({ stdout, stderr }: Surroundings, isJson: boolean, error: unknown, { help, verb }: Usage): number {
  const terminal = openTerminal(stdout, stderr, isJson)
  if (error instanceof AlreadySaid) return error.exitCode
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0
    // A group without its verb answers with its help.
    if (error.code === 'commander.help') return complain(terminal, help.trimEnd(), null, 2, null)
    return complain(terminal, error.message.replace(/^error: /, ''), `See ${verb} --help`, 2, null)
  }
  if (error instanceof CliError) {
    const hint = error.hint ?? (error.exitCode === 2 ? `See ${verb} --help` : null)
    return complain(terminal, error.message, hint, error.exitCode, error.code)
  }
  if (error instanceof ConfigError) return complain(terminal, error.message, null, 1, null)
  throw error
}

function complain(
  terminal: ReturnType<typeof openTerminal>,
  message: string,
  hint: string | null,
  exitCode: number,
  code: number | null,
): number {
  terminal.answer(
    { success: false, errors: [{ ...(code === null ? {} : { code }), message, ...(hint === null ? {} : { hint }) }] },
    () => {
      for (const line of message.split('\n')) terminal.note(line)
      if (hint !== null) terminal.note(hint)
    },
  )
  return exitCode
}
