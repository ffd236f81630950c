/** `portico connect`: what to paste into a client. Prints; never writes another program's file. */
import { type Command, Option } from 'commander'
import { CLIENTS, type Client, configFor } from '../contract/client-config.ts'
import { findPortal } from './attach.ts'
import { usageError } from './cli-error.ts'
import { action, type Context, type Surroundings } from './context.ts'
import { urlOf } from './portals.ts'
import { mintAccessToken } from './token.ts'

interface Options {
  portal?: string
  user?: string
  accessToken?: string
  as?: string
}

export function defineConnect(program: Command, io: Surroundings, rest: readonly string[]): void {
  program
    .command('connect')
    .description('print the configuration that connects a client')
    .argument('<client>', CLIENTS.join(', '))
    .option('--portal <id>', 'portal to connect to (default: the default portal)')
    .option('--user <email>', 'make an access token for this person and put it in')
    .addOption(new Option('--access-token <token>', 'put this access token in').conflicts('user'))
    .option('--as <name>', 'what the client shall call it', 'portico')
    .action(action(io, rest, connect))
}

async function connect(context: Context, options: Options, [client = '']: readonly string[]): Promise<void> {
  if (!isClient(client)) throw usageError(`"${client}" is not one of ${CLIENTS.join(', ')}.`)
  const name = options.as ?? 'portico'
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(name)) throw usageError('--as takes letters, digits, - and _.')
  const api = context.api()
  const portal = await findPortal(api, options.portal)
  const minted =
    options.user === undefined
      ? null
      : await mintAccessToken(context, options.user, { portal: portal.id, name: client })
  const token = minted?.token ?? options.accessToken
  const entry = { name, url: urlOf(context.clientUrl(), portal) }
  const config = configFor(client, entry, token === undefined ? { kind: 'reference' } : { kind: 'token', token })
  // The configuration alone on stdout, so that it can be sent into a file.
  context.terminal.answer({ client, file: config.file, config: config.text, note: config.note }, () => {
    for (const line of config.text.split('\n')) context.terminal.print(line)
  })
  context.terminal.note(`This belongs in ${config.file}.`)
  if (config.note !== null) context.terminal.note(config.note)
  if (minted !== null) context.terminal.note(`It holds the access token ${minted.id}: keep the file to yourself.`)
}

function isClient(text: string): text is Client {
  return CLIENTS.some((client) => client === text)
}
