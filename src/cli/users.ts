/** `portico users`: people, and ending what they have. */
import type { Command } from 'commander'
import { z } from 'zod'
import type { Api } from './api.ts'
import { CliError } from './cli-error.ts'
import { action, type Context, type Surroundings } from './context.ts'
import { one, PATHS, SHAPES } from './paths.ts'

type User = z.infer<typeof SHAPES.user>

export function defineUsers(program: Command, io: Surroundings, rest: readonly string[]): void {
  const users = program.command('users').description('people who sign in')
  users
    .command('list')
    .description('all people')
    .action(action(io, rest, list))
  const verbs = [
    ['show', 'one person: browsers that are signed in, clients that were let in, and what the provider said', show],
    ['revoke', 'sign a person out everywhere and end all that their clients hold; they may sign in again', revoke],
    ['disable', 'the same, and let them in no more', disable],
    ['enable', 'let a person sign in again who was disabled', enable],
  ] as const
  for (const [verb, what, body] of verbs) {
    const command = users.command(verb).description(what).argument('<email-or-id>')
    if (verb === 'revoke') command.option('--connections', 'end the accounts that they connected at servers too')
    command.action(action(io, rest, body))
  }
}

async function list(context: Context): Promise<void> {
  const found = await context.api().list(PATHS.users, SHAPES.user)
  const rows = found.map((user) => [
    user.id,
    user.email ?? '',
    user.name ?? '',
    user.last_successful_login ?? 'never',
    user.disabled_at === null ? 'may sign in' : `disabled ${user.disabled_at}`,
  ])
  context.terminal.answer(found, () =>
    context.terminal.table(['ID', 'ADDRESS', 'NAME', 'SIGNED IN', 'STATE'], rows, 'Nobody yet.'),
  )
}

async function show(context: Context, _options: unknown, [who = '']: readonly string[]): Promise<void> {
  const api = context.api()
  const user = await find(api, who)
  const at = one(PATHS.users, user.id)
  const sessions = await api.get(`${at}/active_sessions`, z.array(SHAPES.activeSession))
  const identity =
    user.last_successful_login === null ? null : await api.get(`${at}/last_seen_identity`, SHAPES.identity)
  context.terminal.answer({ user, sessions, identity }, () => {
    const { print } = context.terminal
    print(`${user.email ?? user.name ?? user.id}  ${user.id}`)
    print(user.disabled_at === null ? 'May sign in.' : `Disabled ${user.disabled_at}.`)
    if (identity !== null) {
      const groups = identity.groups === null ? 'not known' : identity.groups.join(', ') || 'none'
      print(`Last signed in ${user.last_successful_login} through ${identity.idp.id}; groups: ${groups}.`)
    }
    const rows = sessions.map(({ name, metadata }) => [
      metadata.kind,
      name,
      Object.keys(metadata.apps).join(', '),
      new Date(metadata.expires * 1000).toISOString(),
    ])
    context.terminal.table(['KIND', 'NAME', 'PORTAL', 'ENDS'], rows, 'Signed in nowhere.')
  })
}

async function revoke(context: Context, options: { connections?: true }, [who = '']: readonly string[]): Promise<void> {
  const api = context.api()
  const user = await find(api, who)
  const connections = options.connections === true
  await api.post(PATHS.revokeUser, z.literal(true), { user_uid: user.id, ...(connections ? { connections } : {}) })
  context.terminal.answer({ id: user.id }, () =>
    context.terminal.print(
      `Signed ${nameOf(user)} out everywhere, and ended all that their clients hold${connections ? ', and their accounts at servers' : ''}.`,
    ),
  )
}

async function disable(context: Context, _options: unknown, [who = '']: readonly string[]): Promise<void> {
  const api = context.api()
  const user = await api.post(`${one(PATHS.users, (await find(api, who)).id)}/disable`, SHAPES.user)
  context.terminal.answer(user, () =>
    context.terminal.print(`Disabled ${nameOf(user)}: signed out everywhere, and may not sign in.`),
  )
}

async function enable(context: Context, _options: unknown, [who = '']: readonly string[]): Promise<void> {
  const api = context.api()
  const user = await api.post(`${one(PATHS.users, (await find(api, who)).id)}/enable`, SHAPES.user)
  context.terminal.answer(user, () => context.terminal.print(`${nameOf(user)} may sign in again.`))
}

/** By id, or by address where it looks like one. */
async function find(api: Api, who: string): Promise<User> {
  const query = who.includes('@') ? { email: who } : { search: who }
  const found = await api.list(PATHS.users, SHAPES.user, query)
  const [user] = found.filter(({ id, email }) => id === who || email === who.toLowerCase())
  if (user === undefined) throw new CliError(`There is no user "${who}".`, { hint: 'See "portico users list".' })
  return user
}

function nameOf(user: User): string {
  return user.email ?? user.name ?? user.id
}
