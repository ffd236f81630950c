/** `portico admin`: how the first person becomes owner, while nobody is; and how people get their passwords. */
import type { Command } from 'commander'
import type { AdminLinkCreate } from '../contract/roles.ts'
import { action, type Context, type Surroundings } from './context.ts'
import { PATHS, SHAPES } from './paths.ts'

export function defineAdmin(program: Command, io: Surroundings, rest: readonly string[]): void {
  const admin = program.command('admin').description('links: for the first owner, and for passwords')
  admin
    .command('link')
    .description('a link that makes an owner: it works once, for an hour, while nobody is owner')
    .action(action(io, rest, link))
  admin
    .command('password')
    .description(
      'a link by which a person sets their password: it works once, for an hour, and makes the account if need be',
    )
    .argument('<email>')
    .action(action(io, rest, password))
}

/** The bare link on stdout; it lets in whoever has it. */
async function link(context: Context): Promise<void> {
  await show(context, { purpose: 'admin' })
}

async function password(context: Context, _options: unknown, [email = '']: readonly string[]): Promise<void> {
  await show(context, { purpose: 'password', email })
}

async function show(context: Context, body: AdminLinkCreate): Promise<void> {
  const made = await context.api().post(PATHS.adminLinks, SHAPES.adminLink, body)
  context.terminal.answer(made, () => context.terminal.print(made.url))
  context.terminal.note(
    `It is to be opened in a browser until ${made.expires_at}. It works once; older ones are withdrawn.`,
  )
}
