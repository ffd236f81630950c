/** `portico portals`: the front doors, the servers behind them and the policies on them. */
import { type Command, Option } from 'commander'
import { CODE_MODES, CONTEXT_MODES, type PortalCreate, type PortalUpdate } from '../contract/portal.ts'
import { idFrom } from './add-server.ts'
import { attachServer, detachServer, findPortal, onBehalfOf, type Portal } from './attach.ts'
import { CliError, usageError } from './cli-error.ts'
import { action, type Context, type Surroundings } from './context.ts'
import { one, PATHS, SHAPES } from './paths.ts'

export function definePortals(program: Command, io: Surroundings, rest: readonly string[]): void {
  const portals = program.command('portals').description('front doors: each has its own servers and policies')
  portals
    .command('list')
    .description('all portals')
    .action(action(io, rest, list))
  portals
    .command('show')
    .description('one portal and its servers')
    .argument('<id>')
    .action(action(io, rest, show))
  portals
    .command('create')
    .description('make a portal; nobody may enter until it has a policy')
    .argument('<name>')
    .option('--id <id>', 'id, part of its URL /p/ID/mcp (default: from NAME)')
    .option('--hostname <host>', 'host name that leads to it (default: ID.localhost)')
    .option('--description <text>')
    .addOption(codeMode())
    .addOption(optimizeContext())
    .action(action(io, rest, create))
  portals
    .command('update')
    .description('change a portal; what is not named stays as it is')
    .argument('<id>')
    .option('--name <name>')
    .option('--hostname <host>', 'host name that leads to it')
    .option('--description <text>', 'what clients are told of it; empty for nothing')
    .addOption(codeMode())
    .addOption(optimizeContext())
    .action(action(io, rest, update))
  portals
    .command('rm')
    .description('remove a portal; its servers stay')
    .argument('<id>')
    .action(action(io, rest, remove))
  portals
    .command('attach')
    .description('put a server behind a portal')
    .argument('<portal>')
    .argument('<server>')
    .option('--off', 'show only the tools that an override enables (default_disabled)')
    .option('--shared', 'everybody’s calls carry the account that an administrator connected')
    .option('--own', 'each person connects an account of their own (usual for OAuth)')
    .action(action(io, rest, attach))
  portals
    .command('detach')
    .description('take a server from a portal')
    .argument('<portal>')
    .argument('<server>')
    .action(action(io, rest, detach))
  portals
    .command('policies')
    .description("show a portal's policies, or set them in order")
    .argument('<portal>')
    .argument('[policy...]')
    .option('--none', 'take all policies away: nobody may enter')
    .action(action(io, rest, policies))
}

interface ModeOptions {
  codeMode?: (typeof CODE_MODES)[number]
  optimizeContext?: (typeof CONTEXT_MODES)[number]
}

function codeMode(): Option {
  const about = 'whether models may call tools by code: never, where a client asks, unless it declines, always'
  return new Option('--code-mode <when>', about).choices(CODE_MODES)
}

function optimizeContext(): Option {
  const about =
    'how much of the tools clients are shown that do not ask: all, names alone, or a search and a call by name'
  return new Option('--optimize-context <how>', about).choices(CONTEXT_MODES)
}

function modesIn({
  codeMode: code,
  optimizeContext: shown,
}: ModeOptions): Pick<PortalUpdate, 'code_mode' | 'optimize_context'> {
  return { ...(code && { code_mode: code }), ...(shown && { optimize_context: shown }) }
}

async function list(context: Context): Promise<void> {
  const api = context.api()
  const portals = await api.list(PATHS.portals, SHAPES.portal)
  context.terminal.answer(portals, () =>
    context.terminal.table(
      ['ID', 'URL', 'SERVERS', 'POLICIES', 'NAME'],
      portals.map((portal) => [
        portal.id,
        urlOf(context.clientUrl(), portal),
        String(portal.servers.length),
        String(portal.policies.length),
        portal.name,
      ]),
      'No portals. Make one: portico portals create NAME',
    ),
  )
}

async function show(context: Context, _options: unknown, [id = '']: readonly string[]): Promise<void> {
  const api = context.api()
  const portal = await api.get(one(PATHS.portals, id), SHAPES.portal)
  const { terminal } = context
  terminal.answer(portal, () => {
    terminal.print(`${portal.name} (${portal.id})`)
    terminal.print(`url        ${urlOf(context.clientUrl(), portal)}`)
    terminal.print(`host name  ${portal.hostname}`)
    terminal.print(`policies   ${portal.policies.join(', ') || 'none: nobody may enter'}`)
    terminal.print(`code mode  ${portal.code_mode}`)
    terminal.print(`context    ${portal.optimize_context}`)
    if (portal.origin === 'file') terminal.print('declared   in the configuration file; change it there')
    for (const server of portal.servers) {
      terminal.print(
        `server     ${server.server_id}: ${server.status}, ${server.tools.length} tools${server.default_disabled ? ', only what an override enables' : ''}`,
      )
    }
  })
}

async function create(
  context: Context,
  options: ModeOptions & { id?: string; hostname?: string; description?: string },
  [name = '']: readonly string[],
): Promise<void> {
  const id = options.id ?? idFrom(name)
  const body: PortalCreate = {
    id,
    name,
    hostname: options.hostname ?? `${id.replaceAll('_', '-')}.localhost`,
    ...(options.description === undefined ? {} : { description: options.description }),
    ...modesIn(options),
  }
  const api = context.api()
  const portal = await api.post(PATHS.portals, SHAPES.portal, body)
  context.terminal.answer(portal, () =>
    context.terminal.print(`Made ${portal.id}: ${urlOf(context.clientUrl(), portal)}`),
  )
  if (portal.policies.length === 0)
    context.terminal.note(`Nobody may enter yet: portico portals policies ${portal.id} POLICY`)
}

async function update(
  context: Context,
  options: ModeOptions & { name?: string; hostname?: string; description?: string },
  [id = '']: readonly string[],
): Promise<void> {
  const { name, hostname, description } = options
  const body: PortalUpdate = {
    ...(name === undefined ? {} : { name }),
    ...(hostname === undefined ? {} : { hostname }),
    ...(description === undefined ? {} : { description }),
    ...modesIn(options),
  }
  if (Object.keys(body).length === 0) throw usageError('Say what is to be changed.')
  const portal = await context.api().put(one(PATHS.portals, id), SHAPES.portal, body)
  context.terminal.answer(portal, () => context.terminal.print(`Changed ${portal.id}.`))
}

async function remove(context: Context, _options: unknown, [id = '']: readonly string[]): Promise<void> {
  if (!(await context.api().remove(one(PATHS.portals, id)))) throw new CliError(`There is no portal "${id}".`)
  context.terminal.answer({ id }, () => context.terminal.print(`Removed ${id}.`))
}

async function attach(
  context: Context,
  options: { off?: true; shared?: true; own?: true },
  [portalId = '', server = '']: readonly string[],
): Promise<void> {
  const api = context.api()
  const onBehalf = onBehalfOf(options)
  const how = { isOffAtFirst: options.off === true, onBehalf }
  const isNew = await attachServer(api, await findPortal(api, portalId), server, how)
  const account = onBehalf === true ? 'each person’s own account' : 'the account that all share'
  context.terminal.answer({ portal: portalId, server }, () => {
    context.terminal.print(isNew ? `${server} is now behind ${portalId}.` : `${server} is behind ${portalId} already.`)
    if (onBehalf !== undefined) context.terminal.print(`Its calls there carry ${account}.`)
  })
}

async function detach(
  context: Context,
  _options: unknown,
  [portalId = '', server = '']: readonly string[],
): Promise<void> {
  const api = context.api()
  const wasThere = await detachServer(api, await findPortal(api, portalId), server)
  if (!wasThere) throw new CliError(`${server} is not behind ${portalId}.`)
  context.terminal.answer({ portal: portalId, server }, () =>
    context.terminal.print(`${server} is no longer behind ${portalId}.`),
  )
}

async function policies(
  context: Context,
  options: { none?: true },
  [portalId = '', ...ids]: readonly string[],
): Promise<void> {
  if (options.none === true && ids.length > 0) throw usageError('Give policies or --none, not both.')
  const api = context.api()
  const path = one(PATHS.portals, portalId)
  const isChange = ids.length > 0 || options.none === true
  const portal = isChange ? await api.put(path, SHAPES.portal, { policies: ids }) : await api.get(path, SHAPES.portal)
  context.terminal.answer(portal.policies, () =>
    context.terminal.print(`${portalId}: ${portal.policies.join(', ') || 'no policies: nobody may enter'}`),
  )
}

/** Where MCP clients connect. The default portal has the short address. */
export function urlOf(base: string, portal: Portal): string {
  return portal.hostname === 'localhost' ? `${base}/mcp` : `${base}/p/${encodeURIComponent(portal.id)}/mcp`
}
