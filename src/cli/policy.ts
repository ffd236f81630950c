/** `portico policy`: why somebody may or may not, and what a change of policies would do. Nothing here changes anything. */
import { type Command, Option } from 'commander'
import { z } from 'zod'
import { AlreadySaid, CliError, usageError } from './cli-error.ts'
import { action, type Context, type Surroundings } from './context.ts'
import { PATHS, SHAPES } from './paths.ts'
import { type PolicyFile, readPolicyFile } from './policy-file.ts'
import { printDiff } from './print-diff.ts'
import { printExplanation } from './print-explanation.ts'

interface ExplainOptions {
  portal?: string
  server?: string
  kind?: string
  args?: string
  ip?: string
  at?: string
  askEvaluators?: true
  policies?: string
  serviceToken?: true
  anonymous?: true
  deed?: string
}

export function definePolicy(program: Command, io: Surroundings, rest: readonly string[]): void {
  const policy = program.command('policy').description('why somebody may or may not, and what a change would do')
  policy
    .command('explain')
    .description(
      'why somebody may, or may not; ends with 0 if allowed, 1 if denied or if it depends, 2 if it could not be asked',
    )
    .argument('[who]', 'an address or id; a service token with --service-token')
    .argument('[what]', 'a tool, prompt or resource by any of its names; without it: may they enter?')
    .option('--portal <id>', 'in this portal; the default one unless given')
    .option('--server <id>', 'of this server, which may then be asked for by its own name')
    .addOption(new Option('--kind <kind>', 'only of this kind').choices(['tool', 'prompt', 'resource', 'template']))
    .option('--args <json>', 'called with these arguments')
    .option('--ip <address>', 'from this address')
    .option('--at <time>', 'as of then, such as 2026-11-21T08:00:00Z')
    .option('--ask-evaluators', 'tell external evaluators of them, as if they had come')
    .option('--policies <file>', 'by these policies in the place of those that are saved')
    .option('--service-token', 'WHO is a service token: its id, client id or name')
    .option('--anonymous', 'nobody who signed in; leave WHO out')
    .option('--deed <id>', 'explain this row of the audit; leave WHO and WHAT out')
    .action(action<ExplainOptions>(io, rest, explain))
  policy
    .command('diff')
    .description('who would gain or lose what by the policies in a file; the audit of the last days is decided again')
    .argument('<file>', 'policies as YAML or JSON, or a portico.yaml')
    .option('--days <days>', 'how many days of the audit', '7')
    .action(action<{ days: string }>(io, rest, diff))
}

async function explain(context: Context, options: ExplainOptions, words: readonly string[]): Promise<void> {
  const found = await ask(context, options, words).catch((error: unknown) => {
    // 1 is an answer here: denied.
    if (!(error instanceof CliError)) throw error
    const { hint, code } = error
    throw new CliError(error.message, {
      exitCode: 2,
      ...(hint === null ? {} : { hint }),
      ...(code === null ? {} : { code }),
    })
  })
  context.terminal.answer(found, () => printExplanation(context.terminal, found))
  if (found.verdict !== 'allowed') throw new AlreadySaid(1)
}

function ask(context: Context, options: ExplainOptions, words: readonly string[]) {
  const api = context.api()
  if (options.deed !== undefined) {
    if (words.length > 0) throw usageError('--deed says who and what; leave them out.')
    return api.get(PATHS.policyExplanations, SHAPES.explanation, { deed: options.deed })
  }
  return api.post(PATHS.policyExplanations, SHAPES.explanation, bodyOf(context, options, words))
}

function bodyOf(context: Context, options: ExplainOptions, words: readonly string[]) {
  const { portal, server, kind, ip, at, anonymous, serviceToken } = options
  const [who, what] = anonymous ? [undefined, words[0]] : words
  if (!anonymous && who === undefined) throw usageError('Say who: an address, --service-token NAME, or --anonymous.')
  if (anonymous && words.length > 1) throw usageError('--anonymous is nobody; leave WHO out.')
  const file = options.policies === undefined ? {} : policiesIn(context, options.policies)
  return {
    ...(anonymous ? { anonymous: true } : serviceToken ? { service_token: who } : { user: who }),
    ...{ portal, server, kind, ip, at, capability: what },
    ...(options.askEvaluators ? { ask_evaluators: true } : {}),
    ...(options.args === undefined ? {} : { arguments: argumentsIn(options.args) }),
    ...file,
  }
}

function policiesIn({ surroundings, terminal }: Context, name: string): PolicyFile {
  const { file, passedOver } = readPolicyFile(name, surroundings.cwd)
  if (passedOver !== null) terminal.note(passedOver)
  return file
}

function argumentsIn(text: string): unknown {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw usageError('--args takes a JSON object, such as \'{"path":"/safe/a"}\'.')
  }
  if (!z.record(z.string(), z.unknown()).safeParse(value).success) throw usageError('--args takes a JSON object.')
  return value
}

async function diff(context: Context, options: { days: string }, [file = '']: readonly string[]): Promise<void> {
  if (!/^[1-9]\d?$/.test(options.days) || Number(options.days) > 90) throw usageError('--days takes 1 to 90.')
  const body = { ...policiesIn(context, file), days: Number(options.days) }
  const { terminal } = context
  const found = await terminal.during(
    'Deciding again… ',
    context.api().post(PATHS.policyDiffs, SHAPES.policyDiff, body),
  )
  terminal.answer(found, () => printDiff(terminal, found))
}
