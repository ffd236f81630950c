/** `portico servers`: the MCP servers behind the portal. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { type Command, Option } from 'commander'
import { DEFINITIONS_MODES, type DefinitionsMode, ISOLATIONS, type ServerCreate } from '../contract/server.ts'
import { addServer, idFrom, placeIn, readPairs, type Server } from './add-server.ts'
import { onBehalfOf } from './attach.ts'
import { CliError, usageError } from './cli-error.ts'
import { action, type Context, type Surroundings } from './context.ts'
import { credentialLines } from './credential-words.ts'
import { defineDefinitions } from './definitions.ts'
import { describeOauth, type OauthOptions, withOauthOptions } from './oauth-options.ts'
import { one, PATHS, SHAPES } from './paths.ts'
import { describeRelay, type RelayOptions, relayLine, withRelayOptions } from './relay-options.ts'
import { describeResources, type ResourceOptions, resourcesLine, withResourceOptions } from './resource-options.ts'
import { defineConnections } from './server-connections.ts'
import { defineSecret } from './server-secret.ts'
import { defineUpdate } from './update-server.ts'

interface AddOptions extends OauthOptions, RelayOptions, ResourceOptions {
  id?: string
  description?: string
  bearer?: string
  bearerFile?: string
  header: string[]
  env: string[]
  isolation?: (typeof ISOLATIONS)[number]
  allowPrivate: string[]
  definitions?: DefinitionsMode
  identityHeader?: string
  identityClaim: string[]
  idleSeconds?: string
  totalSeconds?: string
  portal?: string
  attach: boolean
  shared?: true
  own?: true
}

export function defineServers(program: Command, io: Surroundings, rest: readonly string[]): void {
  const servers = program.command('servers').description('MCP servers behind the portal')
  const adding = withOauthOptions(servers.command('add'))
    .description('add a server by URL, or "-- COMMAND ARGS…" for one that runs on the portal\'s machine')
    .usage('NAME URL [options]\n       portico servers add NAME [options] -- COMMAND [ARGS…]')
    .argument('<name>')
    .argument('[url]')
    .option('--id <id>', 'id, which begins the names of its tools (default: from NAME)')
    .option('--description <text>')
    .option(
      '--bearer <token>',
      'token that the portal sends to the server (others on this machine can see it; better --bearer-file)',
    )
    .option('--bearer-file <path>', 'file that holds that token')
    .option('--header <"Name: value">', 'header that the portal sends to the server; may be given again', collect, [])
    .option('--env <NAME=value>', 'variable for the command; may be given again', collect, [])
    .addOption(new Option('--isolation <kind>', 'who may share one connection or process').choices(ISOLATIONS))
    .option(
      '--allow-private <host:port>',
      'place inside your network that it may be at (owner token only); may be given again',
      collect,
      [],
    )
    .addOption(
      new Option('--definitions <mode>', 'what becomes of tools that change or appear later').choices(
        DEFINITIONS_MODES,
      ),
    )
    .option('--identity-header <name>', 'header in which it is told who calls, signed')
    .option('--identity-claim <name>', 'what it is told besides, such as groups; may be given again', collect, [])
    .option('--idle-seconds <number>', 'how long it may be silent in a call; progress counts as a sign of life')
    .option('--total-seconds <number>', 'how long one call of it may take in all')
    .option('--portal <id>', 'portal to attach it to (default: the default portal)')
    .option('--no-attach', 'attach it to no portal')
    .option('--shared', 'there, everybody’s calls carry the account that an administrator connects')
    .option('--own', 'there, each person connects an account of their own (usual for OAuth)')
    .action(action<AddOptions>(io, rest, add))
  withRelayOptions(adding)
  withResourceOptions(adding)
  servers
    .command('list')
    .description('all servers')
    .action(action(io, rest, list))
  servers
    .command('show')
    .description('one server and its tools')
    .argument('<id>')
    .action(action(io, rest, show))
  servers
    .command('sync')
    .description('ask a server again what it offers')
    .argument('<id>')
    .action(action(io, rest, sync))
  servers
    .command('rm')
    .description('remove a server')
    .argument('<id>')
    .action(action(io, rest, remove))
  defineUpdate(servers, io, rest)
  defineConnections(servers, io, rest)
  defineSecret(servers, io, rest)
  defineDefinitions(servers, io, rest)
}

function collect(value: string, before: string[]): string[] {
  return [...before, value]
}

async function add(context: Context, options: AddOptions, [name = '', url]: readonly string[]): Promise<void> {
  const body = describeServer(context, options, name, url)
  const { terminal } = context
  const added = await terminal.during(
    `adding ${name}…`,
    addServer(context.api(), body, options.attach ? options.portal : null, onBehalfOf(options)).catch(
      (error: unknown) => {
        throw withFlag(error, body)
      },
    ),
  )
  terminal.answer(added.server, () => {
    terminal.print(
      `Added ${added.server.id}${added.portal === null ? '' : ` to the portal ${added.portal}`}: ${stateOf(added.server)}`,
    )
  })
  if (needsPerson(added.server)) terminal.note(`Connect its account: portico servers connect ${added.server.id}`)
  else if (added.server.status === 'error') terminal.note(`Look again with "portico servers sync ${added.server.id}".`)
}

/** The API names the field that opens an inner address; here it is a flag. */
function withFlag(error: unknown, { hostname, allow_private: already = [] }: ServerCreate): unknown {
  if (!(error instanceof CliError) || error.hint !== null || !error.message.includes('in allow_private:')) return error
  const places = [...already, placeIn(hostname)]
  return new CliError(error.message, {
    hint: `Here: ${places.map((place) => `--allow-private ${place}`).join(' ')}`,
    ...(error.code === null ? {} : { code: error.code }),
  })
}

/** What is sent to the portal, which checks it; here only the words on the command line are judged. */
function describeServer(context: Context, options: AddOptions, name: string, url: string | undefined): ServerCreate {
  const [command, ...args] = context.rest
  if ((url === undefined) === (command === undefined)) {
    throw usageError('Give a URL, or "--" and a command; one of the two.')
  }
  const id = options.id ?? idFrom(name)
  const common = {
    id,
    name,
    ...(options.description === undefined ? {} : { description: options.description }),
    ...(options.isolation === undefined ? {} : { isolation: options.isolation }),
    ...(options.allowPrivate.length === 0 ? {} : { allow_private: options.allowPrivate }),
    ...(options.definitions === undefined ? {} : { definitions: options.definitions }),
    ...(options.identityHeader === undefined ? {} : { identity_header: options.identityHeader }),
    ...(options.identityClaim.length === 0 ? {} : { identity_claims: options.identityClaim }),
    ...readDeadlines(options),
    ...describeRelay(options),
    ...describeResources(options),
  }
  if (command !== undefined) {
    const oauth = describeOauth(options, context.surroundings.cwd)
    if (options.header.length > 0 || options.bearer !== undefined || options.bearerFile !== undefined || oauth) {
      throw usageError('A command takes its secrets by --env; --bearer, --header and --oauth are for URLs.')
    }
    const env = readPairs(options.env, '=', '--env')
    return {
      ...common,
      hostname: `stdio://${id}`,
      auth_type: 'unauthenticated',
      transport: { type: 'stdio', command, args, env },
    }
  }
  if (options.env.length > 0) throw usageError('--env is for commands; a URL has none.')
  const credentials = readCredentials(context, options)
  const oauth = describeOauth(options, context.surroundings.cwd)
  if (oauth !== undefined && credentials !== undefined)
    throw usageError('Give one of --oauth, --bearer, --bearer-file and --header.')
  if (oauth !== undefined) return { ...common, hostname: url ?? '', ...oauth }
  return credentials === undefined
    ? { ...common, hostname: url ?? '', auth_type: 'unauthenticated' }
    : { ...common, hostname: url ?? '', auth_type: 'bearer', auth_credentials: credentials }
}

function readDeadlines(options: AddOptions): Pick<ServerCreate, 'deadlines'> {
  const idle = readSeconds(options.idleSeconds, '--idle-seconds')
  const total = readSeconds(options.totalSeconds, '--total-seconds')
  if (idle === undefined && total === undefined) return {}
  return {
    deadlines: {
      ...(idle === undefined ? {} : { idle_seconds: idle }),
      ...(total === undefined ? {} : { total_seconds: total }),
    },
  }
}

function readSeconds(text: string | undefined, flag: string): number | undefined {
  if (text === undefined) return undefined
  if (!/^\d{1,6}$/.test(text)) throw usageError(`${flag} takes a whole number of seconds.`)
  return Number(text)
}

function readCredentials(context: Context, { bearer, bearerFile, header }: AddOptions): string | undefined {
  const given = [bearer !== undefined, bearerFile !== undefined, header.length > 0].filter(Boolean)
  if (given.length > 1) throw usageError('Give one of --bearer, --bearer-file and --header.')
  if (header.length > 0) return JSON.stringify({ headers: readPairs(header, ':', '--header') })
  if (bearerFile === undefined) return bearer
  try {
    return readFileSync(resolve(context.surroundings.cwd, bearerFile), 'utf8').trim()
  } catch (error) {
    throw new CliError(`${bearerFile} cannot be read (${(error as NodeJS.ErrnoException).code}).`)
  }
}

async function list(context: Context): Promise<void> {
  const servers = await context.api().list(PATHS.servers, SHAPES.server)
  const { terminal } = context
  terminal.answer(servers, () =>
    terminal.table(
      ['ID', 'STATUS', 'TOOLS', 'HELD', 'NAME', 'ADDRESS'],
      servers.map((server) => [
        server.id,
        shortStateOf(server),
        String(server.tools.length),
        String(server.held_definitions),
        server.name,
        addressOf(server),
      ]),
      'No servers yet. Add one: portico servers add NAME URL',
    ),
  )
}

async function show(context: Context, _options: unknown, [id = '']: readonly string[]): Promise<void> {
  const server = await context.api().get(one(PATHS.servers, id), SHAPES.server)
  const { terminal } = context
  terminal.answer(server, () => {
    terminal.print(`${server.name} (${server.id}): ${stateOf(server)}`)
    terminal.print(`address    ${addressOf(server)}`)
    for (const [heading, text] of credentialLines(server)) terminal.print(`${heading.padEnd(9)}  ${text}`)
    terminal.print(`isolation  ${server.isolation}`)
    if (server.allow_private.length > 0) terminal.print(`private    ${server.allow_private.join(', ')}`)
    if (server.deadlines !== null) terminal.print(`deadlines  ${deadlinesOf(server.deadlines)}`)
    terminal.print(`may ask    ${relayLine(server)}`)
    terminal.print(`resources  ${resourcesLine(server)}`)
    if (server.identity_header !== null)
      terminal.print(`is told    who calls, in ${server.identity_header}, for the audience ${server.identity_audience}`)
    terminal.print(`changes    ${server.definitions}, ${server.held_definitions} held`)
    terminal.print(`synced     ${server.last_successful_sync ?? 'never'}`)
    const { circuit } = server
    if (circuit !== undefined && circuit.state !== 'closed') {
      const again = circuit.next_probe === undefined ? 'being asked now' : `asked again at ${circuit.next_probe}`
      terminal.print(`circuit    open since ${circuit.since}, ${again}`)
    }
    const said = server.upstream_instructions
    if (said !== undefined) terminal.print(`says       ${JSON.stringify(said)} (to models: ${server.instructions})`)
    if (server.own_policies)
      terminal.print(`policies   ${server.policies.join(', ') || 'none left: nobody may use it'}`)
    if (server.origin === 'file') terminal.print('declared   in the configuration file; change it there')
    for (const tool of server.tools) terminal.print(`tool       ${String(tool.name)}`)
    for (const prompt of server.prompts) terminal.print(`prompt     ${String(prompt.name)}`)
  })
}

async function sync(context: Context, _options: unknown, [id = '']: readonly string[]): Promise<void> {
  const { terminal } = context
  const result = await terminal.during(
    `syncing ${id}…`,
    context.api().post(`${one(PATHS.servers, id)}/sync`, SHAPES.sync),
  )
  terminal.answer(result, () => {
    const counts = `${result.tool_count} tools, ${result.prompt_count} prompts, ${result.resource_count} resources, ${result.template_count} templates`
    terminal.print(`${id}: ${result.status}, ${counts}${result.error === undefined ? '' : `. ${result.error}`}`)
  })
  if (result.status === 'waiting')
    terminal.note(`No account that all share is there to ask it with. See: portico servers show ${id}`)
  // A script that syncs wants to know that it failed, also where the lists of before are still good.
  if (result.status === 'error' || result.status === 'stale')
    throw new CliError(`${id} could not be synced.`, { hint: 'Try "portico doctor".' })
}

async function remove(context: Context, _options: unknown, [id = '']: readonly string[]): Promise<void> {
  if (!(await context.api().remove(one(PATHS.servers, id)))) throw new CliError(`There is no server "${id}".`)
  context.terminal.answer({ id }, () => context.terminal.print(`Removed ${id}.`))
}

/** Whose shared account nobody has connected yet. */
function needsPerson({ authentication_status: status, auth_config_summary: summary }: Server): boolean {
  return status === 'required' || (status === 'manual' && summary?.auth_mode === 'manual')
}

/** An open circuit is what an operator looks for: calls fail whatever the last sync said. */
function shortStateOf(server: Server): string {
  const { status, circuit, connection } = server
  if (isEachUsersOwn(server)) return 'users only'
  if (needsPerson(server)) return `${status}, not connected`
  if (connection?.status === 'needs_reauth')
    return connection.kind === 'machine' ? `${status}, no token` : `${status}, connect again`
  return circuit === undefined || circuit.state === 'closed' ? status : `${status}, circuit open`
}

/** Nothing is listed for all there, so there is nothing to wait for. */
function isEachUsersOwn({ status, auth_config_summary: summary }: Server): boolean {
  return summary?.auth_mode === 'enterprise' && status === 'waiting'
}

function stateOf(server: Server): string {
  if (isEachUsersOwn(server)) return 'each user has their own tools, from their first use on'
  const tools = server.tools.length === 1 ? '1 tool' : `${server.tools.length} tools`
  const held = server.held_definitions === 0 ? '' : `, ${server.held_definitions} held`
  return `${server.status}, ${tools}${held}${server.error === undefined ? '' : `. ${server.error}`}`
}

function deadlinesOf({ idle_seconds, total_seconds }: NonNullable<Server['deadlines']>): string {
  const parts = [
    ...(idle_seconds === undefined ? [] : [`${idle_seconds} s without a sign of life`]),
    ...(total_seconds === undefined ? [] : [`${total_seconds} s in all`]),
  ]
  return parts.join(', ')
}

function addressOf({ hostname, transport }: Server): string {
  return transport === undefined ? hostname : [transport.command, ...transport.args].join(' ')
}
