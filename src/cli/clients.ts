/** `portico clients`: programs that people may let in, beside those that introduce themselves. A secret is shown once, at creation, on stdout alone. */
import { type Command, Option } from 'commander'
import { CLIENT_AUTH_METHODS, type OauthClientCreate } from '../contract/oauth-client.ts'
import { CliError, usageError } from './cli-error.ts'
import { action, type Context, type Surroundings } from './context.ts'
import { one, PATHS, SHAPES } from './paths.ts'

interface AddOptions {
  redirect: string[]
  auth: (typeof CLIENT_AUTH_METHODS)[number]
  jwksUri?: string
  device?: true
}

const METHODS = CLIENT_AUTH_METHODS.join(', ')

export function defineClients(program: Command, io: Surroundings, rest: readonly string[]): void {
  const clients = program.command('clients').description('OAuth clients: programs that people let in')
  clients
    .command('list')
    .description('all that have a registration here, the newest first')
    .action(action(io, rest, list))
  clients
    .command('show')
    .description('one client')
    .argument('<id>')
    .action(action(io, rest, show))
  clients
    .command('add')
    .description('write down a client that cannot introduce itself, or that should have an id of its own')
    .argument('<name>', 'what people are shown')
    .option('--redirect <uri>', 'where it receives people back; may be given again', collect, [])
    .addOption(
      new Option('--auth <method>', `how it proves itself: ${METHODS}`).choices(CLIENT_AUTH_METHODS).default('none'),
    )
    .option('--jwks-uri <url>', 'for private_key_jwt: where its public keys are')
    .option('--device', 'it may also ask by a code that people type (the portal must take devices)')
    .action(action(io, rest, add))
  clients
    .command('remove')
    .description('delete a client and end all that people gave it')
    .argument('<id>')
    .action(action(io, rest, remove))
}

function collect(value: string, before: string[]): string[] {
  return [...before, value]
}

async function list(context: Context): Promise<void> {
  const clients = await context.api().list(PATHS.oauthClients, SHAPES.oauthClient)
  context.terminal.answer(clients, () =>
    context.terminal.table(
      ['ID', 'KIND', 'NAME', 'REDIRECTS', 'USED', 'ENDS'],
      clients.map((client) => [
        ...[client.id, client.kind, client.client_name, client.redirect_uris.join(' ')],
        ...[client.last_used_at ?? 'never', client.expires_at ?? 'never'],
      ]),
      'No clients. Most introduce themselves when somebody adds the portal to them.',
    ),
  )
}

async function show(context: Context, _options: unknown, [id = '']: readonly string[]): Promise<void> {
  const client = await context.api().get(one(PATHS.oauthClients, id), SHAPES.oauthClient)
  const { terminal } = context
  terminal.answer(client, () => {
    terminal.print(`${client.client_name} (${client.id})`)
    terminal.print(client.kind === 'admin' ? `made by    ${client.created_by}` : `registered from ${client.created_by}`)
    for (const uri of client.redirect_uris) terminal.print(`redirect   ${uri}`)
    terminal.print(`proof      ${client.token_endpoint_auth_method}`)
    terminal.print(`used       ${client.last_used_at ?? 'never'}`)
    terminal.print(`ends       ${client.expires_at ?? 'never'}`)
  })
}

async function add(context: Context, options: AddOptions, [name = '']: readonly string[]): Promise<void> {
  const isDevice = options.device === true
  if (options.redirect.length === 0 && !isDevice) throw usageError('Say where it receives people back: --redirect URI.')
  const grants = [
    ...(options.redirect.length === 0 ? [] : (['authorization_code'] as const)),
    ...(['refresh_token'] as const),
    ...(isDevice ? (['urn:ietf:params:oauth:grant-type:device_code'] as const) : []),
  ]
  const body: OauthClientCreate = {
    client_name: name,
    redirect_uris: options.redirect,
    grant_types: grants,
    token_endpoint_auth_method: options.auth,
    ...(options.jwksUri === undefined ? {} : { jwks_uri: options.jwksUri }),
  }
  const made = await context.api().post(PATHS.oauthClients, SHAPES.newOauthClient, body)
  const { terminal } = context
  terminal.answer(made, () => {
    terminal.print(`client_id: ${made.client_id}`)
    if (made.client_secret !== undefined) terminal.print(`client_secret: ${made.client_secret}`)
  })
  if (made.client_secret !== undefined) terminal.note('The secret is shown this once.')
}

async function remove(context: Context, _options: unknown, [id = '']: readonly string[]): Promise<void> {
  if (!(await context.api().remove(one(PATHS.oauthClients, id))))
    throw new CliError(`There is no client "${id}".`, { hint: 'See "portico clients list".' })
  context.terminal.answer({ id }, () => context.terminal.print(`Removed ${id}.`))
}
