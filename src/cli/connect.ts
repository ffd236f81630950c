/** `portico connect`: what to paste into a client. Prints; never writes another program's file. */
import { type Command, Option } from 'commander'
import { CLIENTS, type Client, type Credential, commandsFor, configFor } from '../contract/client-config.ts'
import { findPortal } from './attach.ts'
import { usageError } from './cli-error.ts'
import { action, type Context, type Surroundings } from './context.ts'
import { urlOf } from './portals.ts'
import { mintAccessToken } from './token.ts'

interface Options {
  portal?: string
  user?: string
  accessToken?: string
  tokenReference?: true
  as?: string
}

export function defineConnect(program: Command, io: Surroundings, rest: readonly string[]): void {
  program
    .command('connect')
    .description('print the configuration that connects a client; its person signs in when it first connects')
    .argument('<client>', CLIENTS.join(', '))
    .option('--portal <id>', 'portal to connect to (default: the default portal)')
    .option('--user <email>', 'make an access token for this person and put it in')
    .addOption(new Option('--access-token <token>', 'put this access token in').conflicts('user'))
    .addOption(
      new Option(
        '--token-reference',
        'refer to an access token in PORTICO_ACCESS_TOKEN, as far as the client can',
      ).conflicts(['user', 'accessToken']),
    )
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
  const credential = credentialOf(token, options)
  const config = configFor(client, entry, credential)
  const commands = credential.kind === 'sign-in' ? commandsFor(client, entry) : []
  // The configuration alone on stdout, so that it can be sent into a file.
  context.terminal.answer({ client, file: config.file, config: config.text, commands, note: config.note }, () => {
    for (const line of config.text.split('\n')) context.terminal.print(line)
  })
  context.terminal.note(`This belongs in ${config.file}.`)
  if (commands.length > 0) context.terminal.note(`Or type: ${commands.join(' && ')}`)
  if (config.note !== null) context.terminal.note(config.note)
  if (minted !== null) context.terminal.note(`It holds the access token ${minted.id}: keep the file to yourself.`)
}

function credentialOf(token: string | undefined, { tokenReference }: Options): Credential {
  if (token !== undefined) return { kind: 'token', token }
  return { kind: tokenReference === true ? 'reference' : 'sign-in' }
}

function isClient(text: string): text is Client {
  return CLIENTS.some((client) => client === text)
}
