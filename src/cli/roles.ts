/** `portico roles`: who may work on the portal itself, by address or by a group of an identity provider. */
import { Argument, type Command } from 'commander'
import { ROLES } from '../contract/rights.ts'
import type { RoleMemberCreate } from '../contract/roles.ts'
import { CliError, usageError } from './cli-error.ts'
import { action, type Context, type Surroundings } from './context.ts'
import { one, PATHS, SHAPES } from './paths.ts'

interface AddOptions {
  email?: string
  group?: string
  provider?: string
}

export function defineRoles(program: Command, io: Surroundings, rest: readonly string[]): void {
  const roles = program.command('roles').description('who may work on the portal itself')
  roles
    .command('list')
    .description('everybody who has a role')
    .action(action(io, rest, list))
  roles
    .command('add')
    .description('give a role to a person, or to a group of an identity provider')
    .addArgument(new Argument('<role>', 'what they may do').choices(ROLES))
    .option('--email <address>', 'this person')
    .option('--group <name>', 'everybody in this group, as the identity provider calls it')
    .option('--provider <id>', 'the identity provider of --group')
    .action(action(io, rest, add))
  roles
    .command('remove')
    .description('take a role away; an owner always remains')
    .argument('<id>')
    .action(action(io, rest, remove))
}

async function list(context: Context): Promise<void> {
  const members = await context.api().list(PATHS.roles, SHAPES.roleMember)
  context.terminal.answer(members, () =>
    context.terminal.table(
      ['ID', 'ROLE', 'WHO', 'PROVIDER', 'SINCE'],
      members.map((member) => [
        ...[member.id, member.role, member.email ?? `group ${member.group ?? ''}`],
        ...[member.identity_provider_id ?? '', member.created_at],
      ]),
      'Nobody has a role. The first owner comes by: portico admin link',
    ),
  )
}

async function add(context: Context, options: AddOptions, [role = '']: readonly string[]): Promise<void> {
  const { email, group, provider } = options
  if ((email === undefined) === (group === undefined)) throw usageError('Say whom: --email or --group.')
  if ((group === undefined) !== (provider === undefined))
    throw usageError('--group and --provider belong together: a group is one of an identity provider.')
  const body: RoleMemberCreate = {
    role: role as (typeof ROLES)[number],
    ...(email === undefined ? {} : { email }),
    ...(group === undefined ? {} : { group }),
    ...(provider === undefined ? {} : { identity_provider_id: provider }),
  }
  const made = await context.api().post(PATHS.roles, SHAPES.roleMember, body)
  context.terminal.answer(made, () => context.terminal.print(`Made ${made.id}.`))
}

async function remove(context: Context, _options: unknown, [id = '']: readonly string[]): Promise<void> {
  if (!(await context.api().remove(one(PATHS.roles, id))))
    throw new CliError(`There is no role member "${id}".`, { hint: 'See "portico roles list".' })
  context.terminal.answer({ id }, () => context.terminal.print(`Removed ${id}.`))
}
