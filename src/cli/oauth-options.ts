/** `portico servers add … --oauth`: how the portal comes by a credential at a server, as it is said on the command line. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { type Command, Option } from 'commander'
import { SIGNING_ALGORITHMS } from '../contract/credentials.ts'
import type { ServerCreate } from '../contract/server.ts'
import { CliError, usageError } from './cli-error.ts'

export interface OauthOptions {
  oauth?: true
  clientCredentials?: true
  enterprise?: true
  clientId?: string
  clientSecretFile?: string
  clientAuth?: string
  signingAlgorithm?: string
  keyId?: string
  authorizationEndpoint?: string
  tokenEndpoint?: string
  revocationEndpoint?: string
  issuer?: string
  resource?: string
  scope?: string
  identityProvider?: string
  sharedCallback?: true
}

type Mode = 'dcr' | 'manual' | 'client_credentials' | 'enterprise'
const METHODS = ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'] as const

export function withOauthOptions(command: Command): Command {
  return command
    .option('--oauth', 'the server wants OAuth; the portal finds out the rest, or is told below')
    .option('--client-credentials', 'OAuth with one account of the portal itself; needs --client-id')
    .option('--enterprise', "OAuth by the word of each user's identity provider; needs --client-id")
    .option('--client-id <id>', 'as what the portal is registered at the authorization server by hand')
    .option('--client-secret-file <path>', 'file that holds the secret, or the private key in PEM')
    .addOption(new Option('--client-auth <method>', 'how the portal proves who it is there').choices(METHODS))
    .addOption(new Option('--signing-algorithm <name>', 'for private_key_jwt').choices(SIGNING_ALGORITHMS))
    .option('--key-id <id>', 'for private_key_jwt: what the authorization server calls the key')
    .option('--authorization-endpoint <url>', 'where people sign in, for a client that is registered by hand')
    .option('--token-endpoint <url>', 'where the portal gets its tokens')
    .option('--revocation-endpoint <url>', 'where tokens are taken back when somebody disconnects')
    .option('--issuer <url>', 'as the authorization server calls itself')
    .option('--resource <url>', 'what tokens are asked for (default: the URL of the server)')
    .option('--scope <words>', 'scopes to ask for, separated by spaces')
    .option('--identity-provider <id>', 'with --enterprise: whose word counts (default: where the user signed in)')
    .option('--shared-callback', 'come back by the one way of all servers')
}

/** @returns what is sent to the portal, which checks it; undefined where no OAuth was asked for */
export function describeOauth(
  options: OauthOptions,
  cwd: string,
):
  | Pick<ServerCreate, 'auth_type' | 'auth_credentials' | 'client_secret' | 'is_shared_oauth_callback_enabled'>
  | undefined {
  const mode = modeOf(options)
  if (mode === undefined) return undefined
  const shared = options.sharedCallback === true ? { is_shared_oauth_callback_enabled: true } : {}
  if (mode === 'dcr') return { auth_type: 'oauth', ...shared }
  const client = {
    auth_mode: mode,
    config: given({
      issuer: options.issuer,
      authorization_endpoint: options.authorizationEndpoint,
      token_endpoint: options.tokenEndpoint,
      revocation_endpoint: options.revocationEndpoint,
      resource: options.resource,
      identity_provider: options.identityProvider,
    }),
    registration_info: given({
      client_id: options.clientId,
      token_endpoint_auth_method: options.clientAuth,
      signing_algorithm: options.signingAlgorithm,
      key_id: options.keyId,
      scope: options.scope,
    }),
  }
  const file = options.clientSecretFile
  const secret = file === undefined ? {} : { client_secret: readSecret(resolve(cwd, file), file) }
  return { auth_type: 'oauth', auth_credentials: JSON.stringify(client), ...secret, ...shared }
}

/** What is given for OAuth and cannot be meant is told by its flag: the portal would name fields that nobody typed. */
function modeOf(options: OauthOptions): Mode | undefined {
  const { oauth, clientCredentials, enterprise, clientId, identityProvider, authorizationEndpoint, tokenEndpoint } =
    options
  if (clientCredentials && enterprise) throw usageError('Give one of --client-credentials and --enterprise.')
  const mode = clientCredentials ? 'client_credentials' : enterprise ? 'enterprise' : undefined
  if (mode === undefined && oauth === undefined) return refuseLoose(options)
  if (mode !== 'enterprise' && identityProvider !== undefined)
    throw usageError('--identity-provider belongs to --enterprise.')
  if (mode !== undefined) {
    if (clientId === undefined) throw usageError(`--${mode.replace('_', '-')} needs --client-id.`)
    return mode
  }
  if (clientId === undefined) {
    const [flag] = flagsOf({ ...options, oauth: undefined, sharedCallback: undefined })
    if (flag !== undefined)
      throw usageError(`${flag} belongs to a client that is registered by hand; give --client-id.`)
    return 'dcr'
  }
  if (authorizationEndpoint === undefined || tokenEndpoint === undefined)
    throw usageError('A client that is registered by hand needs --authorization-endpoint and --token-endpoint.')
  return 'manual'
}

function refuseLoose(options: OauthOptions): undefined {
  const [flag] = flagsOf(options)
  if (flag !== undefined) throw usageError(`${flag} belongs to --oauth.`)
}

const FLAGS = {
  clientId: '--client-id',
  clientSecretFile: '--client-secret-file',
  clientAuth: '--client-auth',
  signingAlgorithm: '--signing-algorithm',
  keyId: '--key-id',
  authorizationEndpoint: '--authorization-endpoint',
  tokenEndpoint: '--token-endpoint',
  revocationEndpoint: '--revocation-endpoint',
  issuer: '--issuer',
  resource: '--resource',
  scope: '--scope',
  identityProvider: '--identity-provider',
  sharedCallback: '--shared-callback',
} as const satisfies Partial<Record<keyof OauthOptions, string>>

function flagsOf(options: { [name in keyof OauthOptions]?: unknown }): string[] {
  return Object.entries(FLAGS)
    .filter(([name]) => options[name as keyof OauthOptions] !== undefined)
    .map(([, flag]) => flag)
}

function given(members: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(members).filter((entry): entry is [string, string] => entry[1] !== undefined),
  )
}

/** @param named as it was typed, for the error */
export function readSecret(path: string, named: string): string {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch (error) {
    throw new CliError(`${named} cannot be read (${(error as NodeJS.ErrnoException).code}).`)
  }
}
