/** `portico policies`: who may enter and what they may use. What options do not say, a file says as the API takes it. */
import { type Command, Option } from 'commander'
import { DECISIONS, POLICY_EXTRA_NAMES } from '../contract/policy.ts'
import { findPortal } from './attach.ts'
import { CliError } from './cli-error.ts'
import { action, type Context, type Surroundings } from './context.ts'
import {
  addCriteriaOptions,
  type CriteriaOptions,
  collect,
  criteriaLines,
  criteriaOf,
  shortly,
} from './criteria-options.ts'
import { one, PATHS, SHAPES } from './paths.ts'
import { readBodyFile } from './policy-file.ts'

interface CreateOptions extends CriteriaOptions {
  decision: (typeof DECISIONS)[number]
  server: string[]
  tool: string[]
  readOnly?: true
  until?: string
  file?: string
  portal?: string
}

export function definePolicies(program: Command, io: Surroundings, rest: readonly string[]): void {
  const policies = program.command('policies').description('rules about who may enter, and what they may use')
  policies
    .command('list')
    .description('all policies')
    .action(action(io, rest, list))
  policies
    .command('show')
    .description('one policy')
    .argument('<id>')
    .action(action(io, rest, show))
  addCriteriaOptions(
    policies
      .command('create')
      .description('make a policy: it covers whoever matches one of its rules')
      .argument('<name>')
      .addOption(new Option('--decision <what>', 'what it decides').choices(DECISIONS).default('allow')),
  )
    .option('--server <id>', 'speaks only of what this server has; may be given again', collect, [])
    .option(
      '--tool <pattern>',
      "speaks only of tools whose server's own name matches, such as delete_.*; may be given again",
      collect,
      [],
    )
    .option('--read-only', 'speaks only of tools that are approved as reading only')
    .option('--until <time>', 'ends then, such as 2026-12-31T18:00:00Z')
    .option('--file <file>', 'further fields, in JSON or YAML, as the API takes them')
    .option('--portal <id>', 'put it on this portal at once, after its other policies')
    .action(action(io, rest, create))
  policies
    .command('update')
    .description('change fields of a policy; what the file leaves out stays')
    .argument('<id>')
    .argument('<file>', 'the fields, in JSON or YAML, as the API takes them')
    .action(action(io, rest, update))
  policies
    .command('rm')
    .description('remove a policy')
    .argument('<id>')
    .action(action(io, rest, remove))
}

async function create(context: Context, options: CreateOptions, [name = '']: readonly string[]): Promise<void> {
  const more = options.file === undefined ? {} : readBodyFile(options.file, context.surroundings.cwd)
  const body = {
    name,
    decision: options.decision,
    // A file may say it all.
    ...('include' in more ? {} : criteriaOf(options)),
    ...reachOf(options),
    ...(options.until === undefined ? {} : { valid_until: options.until }),
    ...more,
  }
  const api = context.api()
  const portal = options.portal === undefined ? null : await findPortal(api, options.portal)
  const policy = await api.post(PATHS.policies, SHAPES.policy, body)
  if (portal !== null)
    await api.put(one(PATHS.portals, portal.id), SHAPES.portal, { policies: [...portal.policies, policy.id] })
  context.terminal.answer(policy, () =>
    context.terminal.print(`Made ${policy.id}${portal === null ? '' : `, on the portal ${portal.id}`}.`),
  )
}

function reachOf({ server, tool, readOnly }: CreateOptions): { capabilities?: object[] } {
  const reach = {
    ...(server.length === 0 ? {} : { servers: server }),
    ...(tool.length === 0 ? {} : { kinds: ['tool'], patterns: tool }),
    ...(readOnly === true ? { kinds: ['tool'], annotations: { readOnlyHint: true } } : {}),
  }
  return Object.keys(reach).length === 0 ? {} : { capabilities: [reach] }
}

async function list(context: Context): Promise<void> {
  const policies = await context.api().list(PATHS.policies, SHAPES.policy)
  context.terminal.answer(policies, () =>
    context.terminal.table(
      ['ID', 'DECISION', 'COVERS', 'USED', 'NAME'],
      policies.map((policy) => [
        policy.id,
        policy.decision,
        policy.include.map(shortly).join(' or '),
        String(policy.app_count),
        policy.name,
      ]),
      'No policies. Make one: portico policies create NAME --everyone',
    ),
  )
}

async function show(context: Context, _options: unknown, [id = '']: readonly string[]): Promise<void> {
  const policy = await context.api().get(one(PATHS.policies, id), SHAPES.policy)
  const { terminal } = context
  terminal.answer(policy, () => {
    terminal.print(`${policy.name} (${policy.id}): ${policy.decision}`)
    for (const line of criteriaLines(policy)) terminal.print(line)
    for (const field of POLICY_EXTRA_NAMES) {
      if (policy[field] !== undefined) terminal.print(`${field.replaceAll('_', ' ')}: ${JSON.stringify(policy[field])}`)
    }
    terminal.print(
      `used by    ${policy.app_count} ${policy.app_count === 1 ? 'portal or server' : 'portals and servers'}`,
    )
    if (policy.origin === 'file') terminal.print('declared   in the configuration file; change it there')
  })
}

async function update(context: Context, _options: unknown, [id = '', file = '']: readonly string[]): Promise<void> {
  const body = readBodyFile(file, context.surroundings.cwd)
  const policy = await context.api().put(one(PATHS.policies, id), SHAPES.policy, body)
  context.terminal.answer(policy, () => context.terminal.print(`Changed ${policy.id}.`))
}

async function remove(context: Context, _options: unknown, [id = '']: readonly string[]): Promise<void> {
  if (!(await context.api().remove(one(PATHS.policies, id)))) throw new CliError(`There is no policy "${id}".`)
  context.terminal.answer({ id }, () => context.terminal.print(`Removed ${id}.`))
}
