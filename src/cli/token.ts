/** `portico token`: three tokens, never confused. A secret is shown once, at creation, on stdout alone. */
import { type Command, Option } from 'commander'
import { systemClock } from '../base/clock.ts'
import { parseDuration } from '../contract/duration.ts'
import { ROLES } from '../contract/rights.ts'
import { CliError, usageError } from './cli-error.ts'
import { action, type Context, type Surroundings } from './context.ts'
import { one, PATHS, SHAPES } from './paths.ts'

interface CreateOptions {
  api?: (typeof ROLES)[number]
  user?: string
  service?: string
  name?: string
  portal?: string
  scope: string[]
  expires?: string
}

export function defineToken(program: Command, io: Surroundings, rest: readonly string[]): void {
  const token = program.command('token').description('tokens: for this API, for people, for bots')
  token
    .command('create')
    .description('make a token and show it once')
    .addOption(new Option('--api <role>', 'API token, for the REST API and this program').choices(ROLES))
    .option('--user <email>', "access token, for a person's MCP client")
    .option('--service <name>', 'service token, for a bot')
    .option('--name <name>', 'what to call it')
    .option('--portal <id>', 'the portal that an access token is good for (default: the default portal)')
    .option(
      '--scope <right>',
      'for --api: only this right, such as servers:read; may be given again',
      (value: string, before: string[]) => [...before, value],
      [],
    )
    .option('--expires <duration>', 'such as 90d or 12h')
    .action(action(io, rest, create))
  token
    .command('list')
    .description('all tokens, without their secrets')
    .action(action(io, rest, list))
  token
    .command('revoke')
    .description('end a token at once')
    .argument('<id>')
    .action(action(io, rest, revoke))
}

async function create(context: Context, options: CreateOptions): Promise<void> {
  const kinds = [options.api, options.user, options.service].filter((kind) => kind !== undefined)
  if (kinds.length !== 1) throw usageError('Say which: --api ROLE, --user EMAIL or --service NAME.')
  if (options.api !== undefined) return createApiToken(context, options, options.api)
  if (options.scope.length > 0) throw usageError('--scope is for --api.')
  if (options.user !== undefined) return createAccessToken(context, options, options.user)
  return createServiceToken(context, options, options.service ?? '')
}

async function createApiToken(context: Context, options: CreateOptions, role: (typeof ROLES)[number]): Promise<void> {
  if (options.portal !== undefined) throw usageError('--portal is for --user.')
  const body = { name: options.name ?? `${role} token`, role, scopes: options.scope, ...expiry(options) }
  showSecret(context, await context.api().post(PATHS.apiTokens, SHAPES.newApiToken, body))
}

async function createAccessToken(context: Context, options: CreateOptions, email: string): Promise<void> {
  showSecret(context, await mintAccessToken(context, email, options))
}

/** An access token for a person; also what `connect` and the demo use. */
export async function mintAccessToken(
  context: Pick<Context, 'api'>,
  email: string,
  options: { portal?: string; name?: string; expires?: string },
) {
  const body = {
    email,
    ...(options.portal === undefined ? {} : { portal: options.portal }),
    ...(options.name === undefined ? {} : { name: options.name }),
    ...expiry(options),
  }
  return context.api().post(PATHS.accessTokens, SHAPES.newAccessToken, body)
}

async function createServiceToken(context: Context, options: CreateOptions, name: string): Promise<void> {
  if (options.portal !== undefined)
    throw usageError('--portal is for --user; what a service token may enter is for policies to say.')
  const duration =
    options.expires === undefined ? {} : { duration: `${Math.round(milliseconds(options.expires) / 3_600_000)}h` }
  const made = await context.api().post(PATHS.serviceTokens, SHAPES.newServiceToken, { name, ...duration })
  context.terminal.answer(made, () => {
    context.terminal.print(`CF-Access-Client-Id: ${made.client_id}`)
    context.terminal.print(`CF-Access-Client-Secret: ${made.client_secret ?? ''}`)
  })
  context.terminal.note(`Service token ${made.id}. The secret is shown this once.`)
}

/** The bare token on stdout, so that `$(portico token create …)` is the token. */
function showSecret(context: Context, made: { id: string; token: string; expires_at: string | null }): void {
  context.terminal.answer(made, () => context.terminal.print(made.token))
  context.terminal.note(
    `Token ${made.id}, ${made.expires_at === null ? 'without end' : `until ${made.expires_at}`}. It is shown this once.`,
  )
}

function expiry({ expires }: { expires?: string }): { expires_at?: string } {
  if (expires === undefined) return {}
  return { expires_at: new Date(systemClock.now() + milliseconds(expires)).toISOString() }
}

function milliseconds(text: string): number {
  const days = /^(\d{1,5})d$/.exec(text)?.[1]
  const ms = days === undefined ? parseDuration(text) : Number(days) * 86_400_000
  if (ms === undefined || ms <= 0) throw usageError(`"${text}" is no duration; write 90d, 12h or 30m.`)
  return ms
}

async function list(context: Context): Promise<void> {
  const api = context.api()
  const [apiTokens, accessTokens, serviceTokens] = await Promise.all([
    api.list(PATHS.apiTokens, SHAPES.apiToken),
    api.list(PATHS.accessTokens, SHAPES.accessToken),
    api.list(PATHS.serviceTokens, SHAPES.serviceToken),
  ])
  const rows = [
    ...apiTokens.map((token) => [token.id, 'api', token.role, token.name, endOf(token)]),
    ...accessTokens.map((token) => [token.id, 'access', token.email ?? token.user_id, token.name ?? '', endOf(token)]),
    ...serviceTokens.map((token) => [
      token.id,
      'service',
      token.client_id,
      token.name,
      token.enabled ? (token.expires_at ?? 'never') : 'switched off',
    ]),
  ]
  context.terminal.answer({ api: apiTokens, access: accessTokens, service: serviceTokens }, () =>
    context.terminal.table(['ID', 'KIND', 'FOR', 'NAME', 'ENDS'], rows, 'No tokens.'),
  )
}

function endOf({ expires_at, revoked_at }: { expires_at: string | null; revoked_at: string | null }): string {
  return revoked_at === null ? (expires_at ?? 'never') : `revoked ${revoked_at}`
}

async function revoke(context: Context, _options: unknown, [id = '']: readonly string[]): Promise<void> {
  const api = context.api()
  for (const path of [PATHS.accessTokens, PATHS.apiTokens, PATHS.serviceTokens]) {
    if (await api.remove(one(path, id))) {
      context.terminal.answer({ id }, () => context.terminal.print(`Revoked ${id}.`))
      return
    }
  }
  throw new CliError(`There is no token "${id}".`, { hint: 'See "portico token list".' })
}
