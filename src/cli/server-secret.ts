/** `portico servers secret`: another secret for a server, from a file, so that it stands in no history and no list of processes. */
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { usageError } from './cli-error.ts'
import { action, type Context, type Surroundings } from './context.ts'
import { readSecret } from './oauth-options.ts'
import { one, PATHS, SHAPES } from './paths.ts'

interface Options {
  clientSecretFile?: string
  bearerFile?: string
}

export function defineSecret(servers: Command, io: Surroundings, rest: readonly string[]): void {
  servers
    .command('secret')
    .description('put another secret in the place of the one that the portal has for a server')
    .argument('<id>')
    .option('--client-secret-file <path>', 'file that holds the secret of its OAuth client, or the private key in PEM')
    .option('--bearer-file <path>', 'file that holds the token that the portal sends to it')
    .action(action<Options>(io, rest, replace))
}

async function replace(context: Context, options: Options, [id = '']: readonly string[]): Promise<void> {
  const body = read(options, context.surroundings.cwd)
  const { terminal } = context
  const server = await terminal.during(
    `asking ${id} with it…`,
    context.api().put(one(PATHS.servers, id), SHAPES.server, body),
  )
  terminal.answer(server, () =>
    terminal.print(
      `${id} has its new secret: ${server.status}${server.error === undefined ? '' : `. ${server.error}`}`,
    ),
  )
}

function read({ clientSecretFile: client, bearerFile: bearer }: Options, cwd: string): Record<string, string> {
  if (client !== undefined && bearer === undefined) return { client_secret: readSecret(resolve(cwd, client), client) }
  if (bearer !== undefined && client === undefined)
    return { auth_credentials: readSecret(resolve(cwd, bearer), bearer) }
  throw usageError('Give one of --client-secret-file and --bearer-file.')
}
