/**
 * `portico setup-mcp-portal --input-json '{"command":…}'`, for scripts that speak that form. One JSON object on
 * stdout, always, also for errors. No side door: servers are made by the same function as with `servers add`, by URL only.
 */
import type { Command } from 'commander'
import { z } from 'zod'
import { visibleJson } from '../base/visible.ts'
import { ConfigError } from '../config/config-error.ts'
import { addServer, idFrom } from './add-server.ts'
import { AlreadySaid, CliError, usageError } from './cli-error.ts'
import { action, type Context, type Surroundings } from './context.ts'
import { one, PATHS, SHAPES } from './paths.ts'

const name = z.string().min(1).max(350)
const id = z.string().min(1).max(64)

const input = z.discriminatedUnion('command', [
  z.strictObject({ command: z.literal('list_servers') }),
  z.strictObject({ command: z.literal('list_portals') }),
  z.strictObject({
    command: z.literal('add_server'),
    name,
    url: z.url({ protocol: /^https?$/, error: 'must be an http or https URL' }),
  }),
  z.strictObject({ command: z.literal('sync_server'), id }),
  z.strictObject({ command: z.literal('remove_server'), id }),
])

type Input = z.infer<typeof input>

export function defineSetupMcpPortal(program: Command, io: Surroundings, rest: readonly string[]): void {
  program
    .command('setup-mcp-portal')
    .description('one command as JSON in, its result as JSON out')
    .requiredOption(
      '--input-json <json>',
      '{"command": "list_servers" | "list_portals" | "add_server" | "sync_server" | "remove_server", …}',
    )
    .action(action(io, rest, setup))
}

async function setup(context: Context, options: { inputJson: string }): Promise<void> {
  const print = (value: unknown): void => void context.surroundings.stdout.write(`${visibleJson(value, 2)}\n`)
  try {
    const asked = readInput(options.inputJson)
    print({ success: true, command: asked.command, result: await perform(context, asked) })
  } catch (error) {
    if (!(error instanceof CliError || error instanceof ConfigError)) throw error
    const { code, hint } = error instanceof CliError ? error : { code: null, hint: null }
    print({
      success: false,
      errors: [{ ...(code === null ? {} : { code }), message: error.message, ...(hint === null ? {} : { hint }) }],
    })
    throw new AlreadySaid(error instanceof CliError ? error.exitCode : 1)
  }
}

function readInput(text: string): Input {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw usageError('--input-json is not JSON.')
  }
  const parsed = input.safeParse(value)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  throw usageError(`${issue?.path.join('.') || 'input'}: ${issue?.message ?? 'is wrong'}`)
}

async function perform(context: Context, asked: Input): Promise<unknown> {
  const api = context.api()
  switch (asked.command) {
    case 'list_servers':
      return api.list(PATHS.servers, SHAPES.server)
    case 'list_portals':
      return api.list(PATHS.portals, SHAPES.portal)
    case 'add_server': {
      const body = {
        id: idFrom(asked.name),
        name: asked.name,
        hostname: asked.url,
        auth_type: 'unauthenticated',
      } as const
      return (await addServer(api, body, undefined)).server
    }
    case 'sync_server':
      return api.post(`${one(PATHS.servers, asked.id)}/sync`, SHAPES.sync)
    case 'remove_server':
      if (await api.remove(one(PATHS.servers, asked.id))) return { id: asked.id }
      throw new CliError(`There is no server "${asked.id}".`)
  }
}
