/** `portico org`: what the organisation has settled about signing in. */
import { type Command, Option } from 'commander'
import type { OrganizationUpdate } from '../contract/organization.ts'
import { usageError } from './cli-error.ts'
import { action, type Context, type Surroundings } from './context.ts'
import { PATHS, SHAPES } from './paths.ts'

interface SetOptions {
  name?: string
  session?: string
  grant?: string
  accessToken?: string
  strictServiceTokens?: 'on' | 'off'
  localSignIn?: 'on' | 'off'
  keyRotation?: string
}

export function defineOrg(program: Command, io: Surroundings, rest: readonly string[]): void {
  const org = program.command('org').description('what is settled about signing in')
  org
    .command('show')
    .description('all of it')
    .action(action(io, rest, show))
  org
    .command('set')
    .description('change some of it; durations as 24h or 1h30m')
    .option('--name <name>', 'what people are shown beside the name of the portal')
    .option('--session <duration>', 'how long a browser stays signed in')
    .option('--grant <duration>', 'how long a client renews what it was given without its person')
    .option('--access-token <duration>', 'how long an access token is good, from 1m to 1h')
    .addOption(
      switchOf('--strict-service-tokens <on-or-off>', 'a bad service token is 401 and nothing beside it counts'),
    )
    .addOption(switchOf('--local-sign-in <on-or-off>', 'accounts with a password, kept by the portal itself'))
    .option('--key-rotation <days>', 'how often the keys for signed identities are replaced')
    .action(action(io, rest, set))
}

function switchOf(flags: string, what: string): Option {
  return new Option(flags, what).choices(['on', 'off'])
}

async function show(context: Context): Promise<void> {
  tell(context, await context.api().get(PATHS.organization, SHAPES.organization))
}

async function set(context: Context, options: SetOptions): Promise<void> {
  const body = changesIn(options)
  if (Object.keys(body).length === 0) throw usageError('Say what to change.')
  tell(context, await context.api().put(PATHS.organization, SHAPES.organization, body))
}

function changesIn(options: SetOptions): OrganizationUpdate {
  const { name, session, grant, accessToken, strictServiceTokens, localSignIn, keyRotation } = options
  return {
    ...(name === undefined ? {} : { name }),
    ...(session === undefined ? {} : { session_duration: session }),
    ...(grant === undefined ? {} : { grant_lifetime: grant }),
    ...(accessToken === undefined ? {} : { access_token_lifetime: accessToken }),
    ...(strictServiceTokens === undefined ? {} : { strict_service_token_auth: strictServiceTokens === 'on' }),
    ...(localSignIn === undefined ? {} : { local_sign_in: localSignIn }),
    ...(keyRotation === undefined ? {} : { key_rotation_interval_days: wholeDays(keyRotation) }),
  }
}

function wholeDays(text: string): number {
  if (!/^[0-9]{1,3}$/.test(text)) throw usageError(`"${text}" is no number of days.`)
  return Number(text)
}

function tell(context: Context, shown: Record<string, unknown>): void {
  const rows = Object.entries(shown).map(([name, value]) => [
    name,
    typeof value === 'string' ? value : JSON.stringify(value),
  ])
  context.terminal.answer(shown, () => context.terminal.table(['SETTING', 'VALUE'], rows, ''))
}
