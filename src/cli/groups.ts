/** `portico groups`: people and machines under one name, for policies and other groups. */
import type { Command } from 'commander'
import { CliError } from './cli-error.ts'
import { action, type Context, type Surroundings } from './context.ts'
import { addCriteriaOptions, type CriteriaOptions, criteriaLines, criteriaOf, shortly } from './criteria-options.ts'
import { one, PATHS, SHAPES } from './paths.ts'
import { readBodyFile } from './policy-file.ts'

interface CreateOptions extends CriteriaOptions {
  file?: string
}

export function defineGroups(program: Command, io: Surroundings, rest: readonly string[]): void {
  const groups = program.command('groups').description('people and machines under one name, for policies')
  groups
    .command('list')
    .description('all groups')
    .action(action(io, rest, list))
  groups
    .command('show')
    .description('one group')
    .argument('<id>')
    .action(action(io, rest, show))
  addCriteriaOptions(
    groups.command('create').description('make a group: it covers whoever matches one of its rules').argument('<name>'),
  )
    .option('--file <file>', 'its rules, in JSON or YAML, as the API takes them')
    .action(action(io, rest, create))
  groups
    .command('update')
    .description('change a group; what the file leaves out stays')
    .argument('<id>')
    .argument('<file>', 'the fields, in JSON or YAML, as the API takes them')
    .action(action(io, rest, update))
  groups
    .command('rm')
    .description('remove a group that nothing names')
    .argument('<id>')
    .action(action(io, rest, remove))
}

async function list(context: Context): Promise<void> {
  const groups = await context.api().list(PATHS.groups, SHAPES.group)
  context.terminal.answer(groups, () =>
    context.terminal.table(
      ['ID', 'COVERS', 'NAME'],
      groups.map((group) => [group.id, group.include.map(shortly).join(' or '), group.name]),
      'No groups. Make one: portico groups create NAME --domain example.com',
    ),
  )
}

async function show(context: Context, _options: unknown, [id = '']: readonly string[]): Promise<void> {
  const group = await context.api().get(one(PATHS.groups, id), SHAPES.group)
  const { terminal } = context
  terminal.answer(group, () => {
    terminal.print(`${group.name} (${group.id})`)
    for (const line of criteriaLines(group)) terminal.print(line)
    if (group.origin === 'file') terminal.print('declared   in the configuration file; change it there')
  })
}

async function create(context: Context, options: CreateOptions, [name = '']: readonly string[]): Promise<void> {
  const more = options.file === undefined ? {} : readBodyFile(options.file, context.surroundings.cwd)
  const body = { name, ...('include' in more ? {} : criteriaOf(options)), ...more }
  const group = await context.api().post(PATHS.groups, SHAPES.group, body)
  context.terminal.answer(group, () => context.terminal.print(`Made ${group.id}.`))
}

async function update(context: Context, _options: unknown, [id = '', file = '']: readonly string[]): Promise<void> {
  const body = readBodyFile(file, context.surroundings.cwd)
  const group = await context.api().put(one(PATHS.groups, id), SHAPES.group, body)
  context.terminal.answer(group, () => context.terminal.print(`Changed ${group.id}.`))
}

async function remove(context: Context, _options: unknown, [id = '']: readonly string[]): Promise<void> {
  if (!(await context.api().remove(one(PATHS.groups, id)))) throw new CliError(`There is no group "${id}".`)
  context.terminal.answer({ id }, () => context.terminal.print(`Removed ${id}.`))
}
