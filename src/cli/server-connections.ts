/** `portico servers connect`, `connections`, `disconnect`: accounts at servers, the shared one and people's own. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from 'commander'
import type { z } from 'zod'
import { systemClock } from '../base/clock.ts'
import type { Api } from './api.ts'
import { CliError } from './cli-error.ts'
import { action, type Context, type Surroundings } from './context.ts'
import { stateLine } from './credential-words.ts'
import { openBrowser } from './open-browser.ts'
import { one, PATHS, SHAPES } from './paths.ts'

type Connection = z.infer<typeof SHAPES.connection>
type Link = z.infer<typeof SHAPES.connectLink>

interface ConnectOptions {
  scope?: string
  open?: true
  wait?: true
}

const POLL_MS = 2000

export function defineConnections(servers: Command, io: Surroundings, rest: readonly string[]): void {
  servers
    .command('connect')
    .description('make the link by which the shared account of a server is connected in a browser')
    .argument('<id>')
    .option('--scope <words>', 'agree to these scopes too, separated by spaces')
    .option('--open', 'open the link in the browser of this machine')
    .option('--wait', 'wait until somebody has connected it')
    .action(action<ConnectOptions>(io, rest, connect))
  servers
    .command('connections')
    .description('the accounts that are connected at a server')
    .argument('<id>')
    .action(action(io, rest, list))
  servers
    .command('disconnect')
    .description('end the shared connection of a server, or one user’s own')
    .argument('<id>')
    .option('--user <email-or-id>', "end this user's own instead")
    .action(action<{ user?: string }>(io, rest, disconnect))
}

async function connect(context: Context, options: ConnectOptions, [id = '']: readonly string[]): Promise<void> {
  const api = context.api()
  const { terminal } = context
  const before = await api.get(one(PATHS.servers, id), SHAPES.server)
  const body = options.scope === undefined ? {} : { scope: options.scope }
  const link = await api.post(`${one(PATHS.servers, id)}/authorize`, SHAPES.connectLink, body)
  await tellWhoseCalls(context, before.id)
  if (options.wait !== true) terminal.answer(link, () => tell(context, before.name, link))
  // The link must be seen before anything is waited for; the answer follows.
  else if (terminal.json) terminal.note(link.url)
  else tell(context, before.name, link)
  if (options.open === true && !(await openBrowser(link.url, context.surroundings.env)))
    terminal.note('No browser could be started here. Open the link yourself.')
  if (options.wait !== true) return
  const connection = await terminal.during(
    'waiting until it is connected…',
    waitFor(api, id, { before: before.connection?.id, link }),
  )
  terminal.answer(connection, () => terminal.print(`${id}: ${stateLine(connection)}`))
}

/** An account for all that no call carries is a surprise; better before somebody signs in. */
async function tellWhoseCalls({ api, terminal }: Context, id: string): Promise<void> {
  const portals = await api().list(PATHS.portals, SHAPES.portal)
  for (const portal of portals) {
    if (portal.servers.find(({ server_id }) => server_id === id)?.on_behalf !== true) continue
    terminal.note(
      `In the portal ${portal.id} each person connects an account of their own; this one only reads what the server lists. For everybody’s calls: portico portals attach ${portal.id} ${id} --shared`,
    )
  }
}

function tell({ terminal }: Context, name: string, { url, scope, issuer, expires_at }: Link): void {
  terminal.print(url)
  terminal.note(
    `Open it in a browser by ${expires_at}, and sign in to ${name} with the account that everyone shall use.`,
  )
  terminal.note('It works once, and whoever has it can connect an account: do not post it.')
  if (issuer !== undefined)
    terminal.note(`Leads to ${issuer}, which is asked for ${scope ?? 'what it gives by itself'}.`)
}

async function waitFor(api: Api, id: string, { before, link }: { before: string | undefined; link: Link }) {
  const end = Date.parse(link.expires_at)
  for (;;) {
    const { connection } = await api.get(one(PATHS.servers, id), SHAPES.server)
    if (connection !== undefined && connection.id !== before) return connection
    if (systemClock.now() > end)
      throw new CliError('Nobody connected it before the link ended.', {
        hint: `Make another: portico servers connect ${id}`,
      })
    await sleep(POLL_MS)
  }
}

async function list(context: Context, _options: unknown, [id = '']: readonly string[]): Promise<void> {
  const connections = await connectionsOf(context.api(), id)
  const { terminal } = context
  terminal.answer(connections, () => {
    terminal.table(
      ['WHOSE', 'ACCOUNT', 'STATE', 'RENEWED', 'RIGHTS'],
      connections.map((connection) => [
        ownerOf(connection),
        connection.account ?? '',
        stateOf(connection),
        connection.refreshed_at ?? '',
        connection.scope ?? '',
      ]),
      `Nobody has an account connected at ${id}.`,
    )
    for (const connection of connections)
      if (connection.problem !== null)
        terminal.print(
          `${ownerOf(connection)}: ${connection.problem}${connection.mend === null ? '' : ` To mend: ${connection.mend}`}`,
        )
  })
}

async function disconnect(context: Context, { user }: { user?: string }, [id = '']: readonly string[]): Promise<void> {
  const api = context.api()
  const all = await connectionsOf(api, id)
  const found = all.find(({ owner, user: whose }) =>
    user === undefined ? owner !== 'user' : whose !== null && (whose.id === user || whose.email === user.toLowerCase()),
  )
  if (found === undefined)
    throw new CliError(user === undefined ? `${id} has no shared connection.` : `${user} has no connection to ${id}.`, {
      hint: `See "portico servers connections ${id}".`,
    })
  await api.remove(`${one(PATHS.servers, id)}/connections/${encodeURIComponent(found.id)}`)
  context.terminal.answer({ id: found.id }, () =>
    context.terminal.print(`Ended the connection of ${ownerOf(found)} to ${id}.`),
  )
}

function connectionsOf(api: Api, id: string): Promise<Connection[]> {
  return api.list(`${one(PATHS.servers, id)}/connections`, SHAPES.connection)
}

function ownerOf({ owner, user }: Connection): string {
  if (owner === 'machine') return 'the portal itself'
  return owner === 'admin' ? 'everyone (shared)' : (user?.email ?? user?.name ?? user?.id ?? 'a user')
}

function stateOf({ status, reason }: Connection): string {
  return reason === null ? status : `${status} (${reason})`
}
