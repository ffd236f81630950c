/** What every command is given: where to write, which portal to ask, and as whom. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import type { Environment } from '../config/layers.ts'
import { isLoopback, type SettingName } from '../config/settings-schema.ts'
import { readClientSource, readSettings, type Settings } from '../config.ts'
import { type Api, openApi } from './api.ts'
import { CliError } from './cli-error.ts'
import { openTerminal, type Sink, type Terminal } from './terminal.ts'

/** The world around one run of the program. */
export interface Surroundings {
  /** Without the runtime and the script. */
  argv: readonly string[]
  env: Environment
  cwd: string
  stdout: Sink
  stderr: Sink
}

export interface GlobalOptions {
  json?: true
  url?: string
  token?: string
  account: string
  data?: string
  config?: string
}

export interface Context {
  terminal: Terminal
  surroundings: Surroundings
  options: GlobalOptions
  /** What stands after `--`. */
  rest: readonly string[]
  /** @throws CliError when no token is at hand */
  api(): Api
  /** @throws ConfigError */
  settings(flags?: Partial<Record<SettingName, string>>): Settings
  /** Where the portal is, without trailing slash. */
  url(): string
  /** What clients are to be told, without trailing slash: the public URL of this machine's portal, unless another was asked for. */
  clientUrl(): string
  /** @throws CliError when none is at hand */
  token(): string
}

export type Body<Options> = (
  context: Context,
  options: Options & GlobalOptions,
  operands: readonly string[],
) => Promise<void> | void

/** Makes a commander action of a body that knows nothing of commander. */
export function action<Options>(surroundings: Surroundings, rest: readonly string[], body: Body<Options>) {
  return async (...given: unknown[]): Promise<void> => {
    const command = given.at(-1) as Command
    const options = command.optsWithGlobals<Options & GlobalOptions>()
    await body(openContext(surroundings, options, rest), options, command.args)
  }
}

export function openContext(surroundings: Surroundings, options: GlobalOptions, rest: readonly string[]): Context {
  const { env, cwd, stdout, stderr } = surroundings
  const settings: Context['settings'] = (flags = {}) =>
    readSettings({
      flags: {
        ...flags,
        ...(options.data === undefined ? {} : { data: options.data }),
        ...(options.config === undefined ? {} : { config: options.config }),
      },
      env,
      cwd,
    })
  const source = readClientSource(options, env)
  const url = (): string => checkUrl(source.url ?? `http://127.0.0.1:${settings().values.port}`)
  const token = (): string => source.token ?? readAdminToken(url(), settings().values.data)
  const terminal = openTerminal(stdout, stderr, options.json === true)
  return {
    terminal,
    surroundings,
    options,
    rest,
    settings,
    url,
    clientUrl: () => (source.url === null ? (settings().values.public_url ?? url()) : url()),
    token,
    api: () =>
      openApi({ url: url(), account: options.account, token: token(), onMessage: (text) => terminal.note(text) }),
  }
}

function checkUrl(text: string): string {
  if (!URL.canParse(text)) throw new CliError(`"${text}" is no URL.`, { exitCode: 2 })
  const url = new URL(text)
  const isSafe = url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname))
  if (!isSafe) throw new CliError(`${text}: a token may not travel in clear text; use https.`, { exitCode: 2 })
  return url.origin + url.pathname.replace(/\/+$/, '')
}

function readAdminToken(url: string, data: string): string {
  const file = join(data, 'admin-token')
  // The owner token of this machine's portal is for this machine's portal: another address never gets it.
  const isHere = isLoopback(new URL(url).hostname)
  if (isHere && existsSync(file)) return readFileSync(file, 'utf8').trim()
  throw new CliError('No API token.', {
    hint: isHere
      ? `Start the portal once (it writes ${file}), or give --token or PORTICO_TOKEN.`
      : `Give --token or PORTICO_TOKEN for ${url}.`,
  })
}
