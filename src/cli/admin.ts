/** `portico admin`: how the first person becomes owner, while nobody is. */
import type { Command } from 'commander'
import { action, type Context, type Surroundings } from './context.ts'
import { PATHS, SHAPES } from './paths.ts'

export function defineAdmin(program: Command, io: Surroundings, rest: readonly string[]): void {
  const admin = program.command('admin').description('the first person who may do everything')
  admin
    .command('link')
    .description('a link that makes an owner: it works once, for an hour, while nobody is owner')
    .action(action(io, rest, link))
}

/** The bare link on stdout; it lets in whoever has it. */
async function link(context: Context): Promise<void> {
  const made = await context.api().post(PATHS.adminLinks, SHAPES.adminLink, { purpose: 'admin' })
  context.terminal.answer(made, () => context.terminal.print(made.url))
  context.terminal.note(`Open it in a browser until ${made.expires_at}. It works once; older links are withdrawn.`)
}
