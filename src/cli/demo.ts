/**
 * `portico demo`: a portal with real MCP servers, a user and a token, to look at. Its token is printed, so it is for
 * this machine only: it refuses any other address, any public URL and any database that others may use.
 */
import { randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Command, Option } from 'commander'
import { openLog } from '../base/log.ts'
import { isLoopback } from '../config/settings-schema.ts'
import { forgetSecrets, openConfig, readSettings } from '../config.ts'
import { configFor } from '../contract/client-config.ts'
import { addServer } from './add-server.ts'
import { openApi } from './api.ts'
import { CliError } from './cli-error.ts'
import { action, type Context, type Surroundings } from './context.ts'
import { demoServers, startEverything } from './demo-servers.ts'
import { closeInherited } from './inherited.ts'
import { openPortico } from './open-portico.ts'
import { untilStopped } from './signals.ts'
import { mintAccessToken } from './token.ts'

const USER = 'demo@example.com'

interface Options {
  host?: string
  port?: string
  publicUrl?: string
  logLevel?: string
}

export function defineDemo(program: Command, io: Surroundings, rest: readonly string[]): void {
  program
    .command('demo')
    .description('run a portal with real servers and a user, to look at; nothing is kept')
    .option('--port <port>', 'port to listen on')
    .option('--log-level <level>', 'how much the log says', 'warn')
    // Known so that they can be refused with a reason.
    .addOption(new Option('--host <host>').hideHelp())
    .addOption(new Option('--public-url <url>').hideHelp())
    .action(action(io, rest, demo))
}

async function demo(context: Context, options: Options): Promise<void> {
  refuseExposure(context, options)
  process.umask(0o077)
  closeInherited()
  const folder = mkdtempSync(join(tmpdir(), 'portico-demo-'))
  try {
    const everything = await startEverything()
    try {
      await runDemo(context, options, folder, everything.url)
    } finally {
      await everything.stop()
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Known names and a printed token must not be reachable from elsewhere, nor land in a database that is in use. */
function refuseExposure({ surroundings: { env } }: Context, options: Options): void {
  const host = options.host ?? env.PORTICO_HOST
  const reasons = [
    host && !isLoopback(host) ? `listening on ${host}` : null,
    options.publicUrl || env.PORTICO_PUBLIC_URL ? 'a public URL' : null,
    env.DATABASE_URL || env.DATABASE_URL_FILE ? 'DATABASE_URL' : null,
  ].filter((reason) => reason !== null)
  if (reasons.length === 0) return
  throw new CliError(`The demo is for this machine only and refuses ${reasons.join(' and ')}.`, {
    hint: 'For the real thing use "portico start".',
  })
}

async function runDemo(context: Context, options: Options, folder: string, everythingUrl: string): Promise<void> {
  const data = join(folder, 'data')
  // No file and no variable but the port: what is set up here for real must not leak into the demo.
  const port = options.port ?? context.surroundings.env.PORTICO_PORT
  const flags = { data, log_level: options.logLevel ?? 'warn', ...(port === undefined ? {} : { port }) }
  const { PATH, LANG } = context.surroundings.env
  // The key lives as long as the process: nothing that the demo sealed can be opened later.
  const env = { PATH, LANG, PORTICO_ENCRYPTION_KEY: randomBytes(32).toString('base64') }
  const { config } = openConfig(readSettings({ flags, env, cwd: folder }), env)
  forgetSecrets()
  const portico = await openPortico(config, { log: openLog(config.logLevel) })
  try {
    const { terminal } = context
    const api = openApi({
      url: portico.url,
      account: 'default',
      token: adminToken(data),
      onMessage: (text) => context.terminal.note(text),
    })
    const servers = demoServers(folder, everythingUrl)
    for (const server of servers) await terminal.during(`adding ${server.name}…`, addServer(api, server, undefined))
    const { token } = await mintAccessToken({ api: () => api }, USER, { name: 'demo' })
    greet(context, portico.url, data, token)
    await untilStopped(terminal, () => portico.close())
  } finally {
    await portico.close()
  }
}

function adminToken(data: string): string {
  const file = join(data, 'admin-token')
  if (!existsSync(file)) throw new CliError(`${file} was not made.`)
  return readFileSync(file, 'utf8').trim()
}

function greet({ terminal }: Context, url: string, data: string, token: string): void {
  const entry = configFor('claude-code', { name: 'portico-demo', url: `${url}/mcp` }, { kind: 'token', token })
  terminal.answer({ portal: `${url}/mcp`, data, user: USER, access_token: token, config: entry.text }, () => {
    terminal.print('DEMO, for this machine only. All of it is gone when you stop it.')
    terminal.print('')
    terminal.print(`Portal  ${url}/mcp`)
    terminal.print(`User    ${USER}`)
    terminal.print('')
    terminal.print(`For Claude Code, paste this into ${entry.file}:`)
    for (const line of entry.text.split('\n')) terminal.print(line)
    terminal.print('')
    terminal.print('From another terminal:')
    for (const verb of ['servers list', 'logs -f', `connect cursor --user ${USER}`]) {
      terminal.print(`  npx portico ${verb} --url ${url} --data ${data}`)
    }
    terminal.print('')
    terminal.print('Ctrl-C stops it.')
  })
}
