/** `portico policies`: who may enter, in the simple cases; anything richer goes through the API or the file. */
import { type Command, Option } from 'commander'
import type { z } from 'zod'
import { type criterion, DECISIONS, type PolicyCreate } from '../contract/policy.ts'
import { findPortal } from './attach.ts'
import { CliError, usageError } from './cli-error.ts'
import { action, type Context, type Surroundings } from './context.ts'
import { one, PATHS, SHAPES } from './paths.ts'

type Criterion = z.infer<typeof criterion>

interface CreateOptions {
  decision: (typeof DECISIONS)[number]
  everyone?: true
  email: string[]
  domain: string[]
  serviceToken: string[]
  anyServiceToken?: true
  exceptEmail: string[]
  exceptDomain: string[]
  requireDomain: string[]
  portal?: string
}

export function definePolicies(program: Command, io: Surroundings, rest: readonly string[]): void {
  const policies = program.command('policies').description('rules about who may enter')
  policies
    .command('list')
    .description('all policies')
    .action(action(io, rest, list))
  policies
    .command('show')
    .description('one policy')
    .argument('<id>')
    .action(action(io, rest, show))
  policies
    .command('create')
    .description('make a policy: it covers whoever matches one of its rules')
    .argument('<name>')
    .addOption(new Option('--decision <what>', 'what it decides').choices(DECISIONS).default('allow'))
    .option('--everyone', 'covers everyone who is signed in')
    .option('--email <address>', 'covers this person; may be given again', collect, [])
    .option('--domain <domain>', 'covers people with addresses in this domain; may be given again', collect, [])
    .option('--service-token <id>', 'covers this service token; may be given again', collect, [])
    .option('--any-service-token', 'covers every valid service token')
    .option('--except-email <address>', 'but not this person; may be given again', collect, [])
    .option('--except-domain <domain>', 'but not this domain; may be given again', collect, [])
    .option('--require-domain <domain>', 'and only in this domain; may be given again', collect, [])
    .option('--portal <id>', 'put it on this portal at once, after its other policies')
    .action(action(io, rest, create))
  policies
    .command('rm')
    .description('remove a policy')
    .argument('<id>')
    .action(action(io, rest, remove))
}

function collect(value: string, before: string[]): string[] {
  return [...before, value]
}

const byEmail = (email: string): Criterion => ({ email: { email } })
const byDomain = (domain: string): Criterion => ({ email_domain: { domain } })

async function create(context: Context, options: CreateOptions, [name = '']: readonly string[]): Promise<void> {
  const include: Criterion[] = [
    ...(options.everyone === true ? [{ everyone: {} }] : []),
    ...options.email.map(byEmail),
    ...options.domain.map(byDomain),
    ...options.serviceToken.map((id) => ({ service_token: { token_id: id } })),
    ...(options.anyServiceToken === true ? [{ any_valid_service_token: {} }] : []),
  ]
  if (include.length === 0)
    throw usageError('Say whom it covers: --everyone, --email, --domain, --service-token or --any-service-token.')
  const body: PolicyCreate = {
    name,
    decision: options.decision,
    include,
    exclude: [...options.exceptEmail.map(byEmail), ...options.exceptDomain.map(byDomain)],
    require: options.requireDomain.map(byDomain),
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
    for (const rule of policy.include) terminal.print(`covers     ${shortly(rule)}`)
    for (const rule of policy.require) terminal.print(`and only   ${shortly(rule)}`)
    for (const rule of policy.exclude) terminal.print(`but not    ${shortly(rule)}`)
    terminal.print(`used by    ${policy.app_count}`)
  })
}

async function remove(context: Context, _options: unknown, [id = '']: readonly string[]): Promise<void> {
  if (!(await context.api().remove(one(PATHS.policies, id)))) throw new CliError(`There is no policy "${id}".`)
  context.terminal.answer({ id }, () => context.terminal.print(`Removed ${id}.`))
}

/** `{"email":{"email":"a@b"}}` as `email a@b`. */
function shortly(rule: Readonly<Record<string, unknown>>): string {
  return Object.entries(rule)
    .map(([selector, value]) => {
      const inner = typeof value === 'object' && value !== null ? Object.values(value).map(String).join(' ') : ''
      return `${selector.replaceAll('_', ' ')} ${inner}`.trim()
    })
    .join(' ')
}
