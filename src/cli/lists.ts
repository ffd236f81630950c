/** `portico lists`: addresses of people or machines, for policies and groups to name. */
import { type Command, Option } from 'commander'
import { LIST_TYPES, type ListType } from '../contract/gateway-list.ts'
import { CliError } from './cli-error.ts'
import { action, type Context, type Surroundings } from './context.ts'
import { one, PATHS, SHAPES } from './paths.ts'

interface CreateOptions {
  type: ListType
  description?: string
}

export function defineLists(program: Command, io: Surroundings, rest: readonly string[]): void {
  const lists = program.command('lists').description('addresses of people or machines, for policies to name')
  lists
    .command('list')
    .description('all lists')
    .action(action(io, rest, list))
  lists
    .command('show')
    .description('one list, and what stands in it')
    .argument('<id>')
    .action(action(io, rest, show))
  lists
    .command('create')
    .description('make a list')
    .argument('<name>')
    .argument('[values...]')
    .addOption(new Option('--type <what>', 'what stands in it').choices(LIST_TYPES).default('EMAIL'))
    .option('--description <text>', 'what it is for')
    .action(action(io, rest, create))
  lists
    .command('add')
    .description('put values into a list')
    .argument('<id>')
    .argument('<values...>')
    .action(action(io, rest, add))
  lists
    .command('take')
    .description('take values out of a list')
    .argument('<id>')
    .argument('<values...>')
    .action(action(io, rest, take))
  lists
    .command('rm')
    .description('remove a list that nothing names')
    .argument('<id>')
    .action(action(io, rest, remove))
}

async function list(context: Context): Promise<void> {
  const lists = await context.api().list(PATHS.lists, SHAPES.list)
  context.terminal.answer(lists, () =>
    context.terminal.table(
      ['ID', 'TYPE', 'VALUES', 'NAME'],
      lists.map(({ id, type, count, name }) => [id, type, String(count), name]),
      'No lists. Make one: portico lists create NAME ada@example.com',
    ),
  )
}

async function show(context: Context, _options: unknown, [id = '']: readonly string[]): Promise<void> {
  const found = await context.api().get(one(PATHS.lists, id), SHAPES.list)
  const { terminal } = context
  terminal.answer(found, () => {
    terminal.print(`${found.name} (${found.id}): ${found.count} of type ${found.type}`)
    for (const { value, description } of found.items ?? []) {
      terminal.print(`  ${value}${description === undefined ? '' : `  ${description}`}`)
    }
    if (found.origin === 'file') terminal.print('declared in the configuration file; change it there')
  })
}

const asItems = (values: readonly string[]) => values.map((value) => ({ value }))

async function create(
  context: Context,
  options: CreateOptions,
  [name = '', ...values]: readonly string[],
): Promise<void> {
  const { type, description } = options
  const body = { name, type, ...(description === undefined ? {} : { description }), items: asItems(values) }
  const made = await context.api().post(PATHS.lists, SHAPES.list, body)
  context.terminal.answer(made, () => context.terminal.print(`Made ${made.id}.`))
}

async function add(context: Context, _options: unknown, [id = '', ...values]: readonly string[]): Promise<void> {
  await edit(context, id, { append: asItems(values) })
}

async function take(context: Context, _options: unknown, [id = '', ...values]: readonly string[]): Promise<void> {
  await edit(context, id, { remove: values })
}

async function edit(context: Context, id: string, body: object): Promise<void> {
  const edited = await context.api().patch(one(PATHS.lists, id), SHAPES.list, body)
  context.terminal.answer(edited, () => context.terminal.print(`${edited.name} holds ${edited.count} now.`))
}

async function remove(context: Context, _options: unknown, [id = '']: readonly string[]): Promise<void> {
  if (!(await context.api().remove(one(PATHS.lists, id)))) throw new CliError(`There is no list "${id}".`)
  context.terminal.answer({ id }, () => context.terminal.print(`Removed ${id}.`))
}
