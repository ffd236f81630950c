/** `portico webhooks`: who is told of events by HTTP. A secret is shown once, at creation and rotation, on stdout alone. */
import type { Command } from 'commander'
import type { z } from 'zod'
import { DELIVERY_ERRORS, WEBHOOK_EVENTS } from '../contract/webhook.ts'
import { CliError } from './cli-error.ts'
import { action, type Context, type Surroundings } from './context.ts'
import { one, PATHS, SHAPES } from './paths.ts'

type Webhook = z.infer<typeof SHAPES.webhook>
type Delivery = z.infer<typeof SHAPES.delivery>

interface AddOptions {
  event: string[]
  allowPrivate: string[]
}

const EVENTS = Object.keys(WEBHOOK_EVENTS).join(', ')
/** What `deliveries` shows where nothing else is asked for. */
const FEW = 50

export function defineWebhooks(program: Command, io: Surroundings, rest: readonly string[]): void {
  const webhooks = program.command('webhooks').description('webhooks: who is told of events by HTTP')
  const onOne = (name: string, description: string) => webhooks.command(name).description(description).argument('<id>')
  webhooks
    .command('list')
    .description('all webhooks')
    .action(action(io, rest, list))
  onOne('show', 'one webhook').action(action(io, rest, show))
  webhooks
    .command('add')
    .description('tell an address of events, signed with a secret that is shown once')
    .argument('<name>')
    .argument('<url>', 'where to; https')
    .option('--event <type>', `only this one of ${EVENTS}; may be given again`, collect, [])
    .option(
      '--allow-private <host:port>',
      'place inside your network that it may be at (owner token only); may be given again',
      collect,
      [],
    )
    .action(action<AddOptions>(io, rest, add))
  onOne('rotate', 'give it a new secret; the old one signs beside it for a day').action(action(io, rest, rotate))
  onOne('test', 'send it a webhook.test now').action(action(io, rest, test))
  onOne('deliveries', 'what was sent to it or waits for it, the newest first').action(action(io, rest, deliveries))
  onOne('remove', 'remove one, and what waits for it').action(action(io, rest, remove))
}

function collect(value: string, before: string[]): string[] {
  return [...before, value]
}

async function list(context: Context): Promise<void> {
  const webhooks = await context.api().list(PATHS.webhooks, SHAPES.webhook)
  context.terminal.answer(webhooks, () =>
    context.terminal.table(
      ['ID', 'NAME', 'ON', 'WAITING', 'EVENTS', 'URL'],
      webhooks.map((webhook) => [
        ...[webhook.id, webhook.name, webhook.enabled ? 'yes' : 'no', String(webhook.waiting)],
        ...[eventsOf(webhook), webhook.url],
      ]),
      'No webhooks yet. Add one: portico webhooks add NAME URL',
    ),
  )
}

async function show(context: Context, _options: unknown, [id = '']: readonly string[]): Promise<void> {
  const webhook = await context.api().get(one(PATHS.webhooks, id), SHAPES.webhook)
  const { terminal } = context
  terminal.answer(webhook, () => {
    terminal.print(`${webhook.name} (${webhook.id})${webhook.enabled ? '' : ', switched off'}`)
    terminal.print(`url        ${webhook.url}`)
    terminal.print(`events     ${eventsOf(webhook)}`)
    if (webhook.allow_private.length > 0) terminal.print(`inside     ${webhook.allow_private.join(', ')}`)
    terminal.print(`secret     number ${webhook.secret_version}`)
    terminal.print(`waiting    ${webhook.waiting}`)
  })
}

async function add(context: Context, options: AddOptions, operands: readonly string[]): Promise<void> {
  const [name = '', url = ''] = operands
  const body = {
    ...{ name, url },
    ...(options.event.length === 0 ? {} : { events: options.event }),
    ...(options.allowPrivate.length === 0 ? {} : { allow_private: options.allowPrivate }),
  }
  tellSecret(context, await context.api().post(PATHS.webhooks, SHAPES.newWebhook, body))
}

async function rotate(context: Context, _options: unknown, [id = '']: readonly string[]): Promise<void> {
  tellSecret(context, await context.api().post(`${one(PATHS.webhooks, id)}/rotate`, SHAPES.newWebhook))
  context.terminal.note('The secret of before is good beside it for a day.')
}

function tellSecret({ terminal }: Context, made: z.infer<typeof SHAPES.newWebhook>): void {
  terminal.answer(made, () => {
    terminal.print(`id: ${made.id}`)
    terminal.print(`secret: ${made.secret}`)
  })
  terminal.note('The secret is shown this once.')
}

async function test(context: Context, _options: unknown, [id = '']: readonly string[]): Promise<void> {
  const { terminal } = context
  const tried = await terminal.during(
    `trying ${id}…`,
    context.api().post(`${one(PATHS.webhooks, id)}/test`, SHAPES.delivery),
  )
  terminal.answer(tried, () => terminal.print(`${tried.state} ${outcomeOf(tried)}`.trimEnd()))
  if (tried.state !== 'delivered') throw new CliError(`It was not delivered: ${reasonOf(tried)}.`)
}

async function deliveries(context: Context, _options: unknown, [id = '']: readonly string[]): Promise<void> {
  const path = `${one(PATHS.webhooks, id)}/deliveries`
  const { items } = await context.api().page(path, SHAPES.delivery, SHAPES.pageInfo, { per_page: FEW })
  context.terminal.answer(items, () =>
    context.terminal.table(
      ['ID', 'TYPE', 'STATE', 'TRIES', 'LAST', 'NEXT'],
      items.map((one) => [one.id, one.type, one.state, String(one.tries), outcomeOf(one), one.next_at ?? '-']),
      'Nothing was sent to it yet. Try it: portico webhooks test ID',
    ),
  )
}

async function remove(context: Context, _options: unknown, [id = '']: readonly string[]): Promise<void> {
  if (!(await context.api().remove(one(PATHS.webhooks, id))))
    throw new CliError(`There is no webhook "${id}".`, { hint: 'See "portico webhooks list".' })
  context.terminal.answer({ id }, () => context.terminal.print(`Removed ${id}.`))
}

function eventsOf({ events }: Webhook): string {
  return events.length === 0 ? 'all' : events.join(', ')
}

function outcomeOf({ last_status: status, last_error: error }: Delivery): string {
  return [status === null ? '' : String(status), error ?? ''].filter((part) => part !== '').join(' ')
}

function reasonOf({ last_status: status, last_error: error }: Delivery): string {
  const known = Object.entries(DELIVERY_ERRORS).find(([name]) => name === error)
  return `${known?.[1] ?? error ?? 'nothing is known of why'}${status === null ? '' : ` (${status})`}`
}
