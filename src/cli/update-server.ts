/** `portico servers update`: what may change of a server while it stays the same server. What is not said stays. */
import { type Command, Option } from 'commander'
import { DEFINITIONS_MODES, type DefinitionsMode, ISOLATIONS, type ServerUpdate } from '../contract/server.ts'
import { usageError } from './cli-error.ts'
import { action, type Context, type Surroundings } from './context.ts'
import { one, PATHS, SHAPES } from './paths.ts'
import { describeRelay, isEachAlone, type RelayOptions, relayLine, withRelayOptions } from './relay-options.ts'
import { describeResources, type ResourceOptions, resourcesLine, withResourceOptions } from './resource-options.ts'

interface Options extends RelayOptions, ResourceOptions {
  name?: string
  description?: string
  isolation?: (typeof ISOLATIONS)[number]
  definitions?: DefinitionsMode
}

export function defineUpdate(servers: Command, io: Surroundings, rest: readonly string[]): void {
  const updating = servers
    .command('update')
    .description('change what is said of a server; its address and command never change')
    .argument('<id>')
    .option('--name <name>')
    .option('--description <text>')
    .addOption(new Option('--isolation <kind>', 'who may share one connection or process').choices(ISOLATIONS))
    .addOption(
      new Option('--definitions <mode>', 'what becomes of tools that change or appear later').choices(
        DEFINITIONS_MODES,
      ),
    )
    .action(action<Options>(io, rest, update))
  withRelayOptions(updating)
  withResourceOptions(updating)
}

async function update(context: Context, options: Options, [id = '']: readonly string[]): Promise<void> {
  const body = describe(options)
  if (Object.keys(body).length === 0) throw usageError('Say what to change.')
  const server = await context.api().put(one(PATHS.servers, id), SHAPES.server, body)
  const { terminal } = context
  terminal.answer(server, () => {
    terminal.print(`Changed ${server.id}.`)
    if (body.relay !== undefined || body.isolation !== undefined) terminal.print(`may ask    ${relayLine(server)}`)
    if (body.resources !== undefined) terminal.print(`resources  ${resourcesLine(server)}`)
  })
  if (options.relayRoots === 'on' && !isEachAlone(server))
    terminal.note(
      'Where several people share its connection it is not told their folders; --isolation per_user parts them.',
    )
}

function describe(options: Options): ServerUpdate {
  const { name, description, isolation, definitions } = options
  return {
    ...(name === undefined ? {} : { name }),
    ...(description === undefined ? {} : { description }),
    ...(isolation === undefined ? {} : { isolation }),
    ...(definitions === undefined ? {} : { definitions }),
    ...describeRelay(options),
    ...describeResources(options),
  }
}
