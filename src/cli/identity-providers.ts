/** `portico idp`: where people sign in. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { type Command, Option } from 'commander'
import type { z } from 'zod'
import { GROUP_SOURCES, PROVIDER_TYPES, type ProviderType } from '../contract/identity-provider.ts'
import { CliError, usageError } from './cli-error.ts'
import { action, type Context, type Surroundings } from './context.ts'
import { one, PATHS, SHAPES } from './paths.ts'

type Provider = z.infer<typeof SHAPES.identityProvider>

interface AddOptions {
  type: ProviderType
  clientId?: string
  clientSecret?: string
  clientSecretFile?: string
  issuer?: string
  directoryId?: string
  oktaAccount?: string
  authorizationServer?: string
  appsDomain?: string
  emailDomain: string[]
  emailClaim?: string
  tenantOwnsDomains?: true
  allowUnknownAddresses?: true
  groups?: string
  groupsFrom?: (typeof GROUP_SOURCES)[number]
  scope: string[]
  claim: string[]
  allowPrivate: string[]
}

export function defineIdentityProviders(program: Command, io: Surroundings, rest: readonly string[]): void {
  const idp = program.command('idp').description('identity providers: where people sign in')
  idp
    .command('list')
    .description('all identity providers')
    .action(action(io, rest, list))
  defineAdd(idp, io, rest)
  idp
    .command('show')
    .description('one identity provider, and the redirect URI to register there')
    .argument('<id>')
    .action(action(io, rest, show))
  idp
    .command('test')
    .description('try one without signing anybody in, and say what is wrong')
    .argument('<id>')
    .action(action(io, rest, test))
  idp
    .command('remove')
    .description('remove one, and sign out everybody who came through it')
    .argument('<id>')
    .action(action(io, rest, remove))
}

function defineAdd(idp: Command, io: Surroundings, rest: readonly string[]): void {
  idp
    .command('add')
    .description('add an identity provider (owner token only)')
    .argument('<name>', 'what people read on its button')
    .addOption(new Option('--type <type>', 'what it is').choices(PROVIDER_TYPES).default('oidc'))
    .option('--client-id <id>', 'id of the client that you registered there')
    .option('--client-secret <secret>', 'its secret (others on this machine can see it; better --client-secret-file)')
    .option('--client-secret-file <path>', 'file that holds it')
    .option('--issuer <url>', 'oidc: its issuer, from which the rest is found')
    .option('--directory-id <guid>', 'azureAD: the tenant')
    .option('--okta-account <domain>', 'okta: your Okta domain')
    .option('--authorization-server <id>', 'okta: the authorization server, where it is not the organisation’s own')
    .option('--apps-domain <domain>', 'google: the Workspace domain whose people may enter')
    .option(
      '--email-domain <domain>',
      'domain that it may speak for; addresses of no other count; may be given again',
      collect,
      [],
    )
    .option('--email-claim <name>', 'claim that holds the address')
    .option('--tenant-owns-domains', 'azureAD: nobody but your own admins gives accounts addresses of these domains')
    .option('--allow-unknown-addresses', 'let people in whose address does not count, without an address')
    .option('--groups <claim>', 'where the groups stand: the name of a claim, or a JSON pointer')
    .addOption(new Option('--groups-from <where>', 'whether in the ID token or at userinfo').choices(GROUP_SOURCES))
    .option('--scope <scope>', 'scope to ask for, in place of the usual ones; may be given again', collect, [])
    .option('--claim <name>', 'claim to keep for policies; may be given again', collect, [])
    .option(
      '--allow-private <host:port>',
      'place inside your network that it may be at; may be given again',
      collect,
      [],
    )
    .action(action<AddOptions>(io, rest, add))
}

function collect(value: string, before: string[]): string[] {
  return [...before, value]
}

async function add(context: Context, options: AddOptions, [name = '']: readonly string[]): Promise<void> {
  const { terminal } = context
  const body = { name, type: options.type, config: configOf(context, options) }
  const made = await context.api().post(PATHS.identityProviders, SHAPES.identityProvider, body)
  terminal.answer(made, () => {
    terminal.print(`Added ${made.name} (${made.id}).`)
    if (made.callback_url === undefined) return
    terminal.print(`Register this redirect URI there: ${made.callback_url}`)
    terminal.print(`Then try it: portico idp test ${made.id}`)
  })
}

/** Only what was said; the portal judges whether it fits the type. */
function configOf(context: Context, options: AddOptions): Record<string, unknown> {
  const { groups, groupsFrom } = options
  if (groups === undefined && groupsFrom !== undefined) throw usageError('--groups-from belongs to --groups.')
  const config = {
    client_id: options.clientId,
    client_secret: secretOf(context, options),
    issuer: options.issuer,
    directory_id: options.directoryId,
    okta_account: options.oktaAccount,
    authorization_server_id: options.authorizationServer,
    apps_domain: options.appsDomain,
    email_domains: someOf(options.emailDomain),
    email_claim_name: options.emailClaim,
    tenant_owns_domains: options.tenantOwnsDomains,
    allow_unknown_addresses: options.allowUnknownAddresses,
    groups:
      groups === undefined ? undefined : { claim: groups, ...(groupsFrom === undefined ? {} : { source: groupsFrom }) },
    scopes: someOf(options.scope),
    claims: someOf(options.claim),
    allow_private: someOf(options.allowPrivate),
  }
  return Object.fromEntries(Object.entries(config).filter(([, value]) => value !== undefined))
}

function someOf(list: readonly string[]): readonly string[] | undefined {
  return list.length === 0 ? undefined : list
}

function secretOf(context: Context, { clientSecret, clientSecretFile }: AddOptions): string | undefined {
  if (clientSecretFile === undefined) return clientSecret
  if (clientSecret !== undefined) throw usageError('Give one of --client-secret and --client-secret-file.')
  try {
    return readFileSync(resolve(context.surroundings.cwd, clientSecretFile), 'utf8').trim()
  } catch (error) {
    throw new CliError(`${clientSecretFile} cannot be read (${(error as NodeJS.ErrnoException).code}).`)
  }
}

async function list(context: Context): Promise<void> {
  const providers = await context.api().list(PATHS.identityProviders, SHAPES.identityProvider)
  const { terminal } = context
  terminal.answer(providers, () =>
    terminal.table(
      ['ID', 'TYPE', 'NAME', 'DOMAINS'],
      providers.map((provider) => [provider.id, provider.type, provider.name, domainsOf(provider)]),
      'No identity providers yet. Add one: portico idp add NAME --issuer URL --client-id ID --client-secret-file FILE',
    ),
  )
}

async function show(context: Context, _options: unknown, [id = '']: readonly string[]): Promise<void> {
  const provider = await context.api().get(one(PATHS.identityProviders, id), SHAPES.identityProvider)
  const { terminal } = context
  terminal.answer(provider, () => {
    terminal.print(`${provider.name} (${provider.id}): ${provider.type}`)
    if (provider.callback_url !== undefined) terminal.print(`redirect URI  ${provider.callback_url}`)
    for (const [name, value] of Object.entries(provider.config)) {
      terminal.print(`${name.padEnd(13)} ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    }
    if (provider.type !== 'onetimepin') terminal.print(`secret        ${provider.has_client_secret ? 'set' : 'none'}`)
    if (provider.origin === 'file') terminal.print('declared      in the configuration file; change it there')
  })
}

async function test(context: Context, _options: unknown, [id = '']: readonly string[]): Promise<void> {
  const { terminal } = context
  const tried = await terminal.during(
    `trying ${id}…`,
    context.api().post(`${one(PATHS.identityProviders, id)}/test`, SHAPES.identityProviderTested),
  )
  terminal.answer(tried, () => {
    for (const { check, ok, message } of tried.checks) terminal.print(`${ok ? 'ok  ' : 'FAIL'}  ${check}: ${message}`)
  })
  if (!tried.ok) throw new CliError(`Nobody can sign in through ${id} as it stands.`)
}

async function remove(context: Context, _options: unknown, [id = '']: readonly string[]): Promise<void> {
  if (!(await context.api().remove(one(PATHS.identityProviders, id)))) {
    throw new CliError(`There is no identity provider "${id}".`)
  }
  context.terminal.answer({ id }, () => context.terminal.print(`Removed ${id}, and signed out who came through it.`))
}

function domainsOf({ config }: Provider): string {
  const domains = config.email_domains
  return Array.isArray(domains) && domains.length > 0 ? domains.join(', ') : '-'
}
