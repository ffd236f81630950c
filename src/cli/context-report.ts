/**
 * `portico context report`: what a portal's tools cost a model before it does anything, in tokens, for somebody who uses it. The portal tells
 * what it would show; it is counted here, so that a portal with many tools is not kept busy by it.
 */
import type { Command } from 'commander'
import type { ShownContext } from '../contract/shown-context.ts'
import { findPortal } from './attach.ts'
import { CliError, usageError } from './cli-error.ts'
import { action, type Context, type Surroundings } from './context.ts'
import { one, PATHS, SHAPES } from './paths.ts'

interface ReportOptions {
  portal?: string
  user?: string
  serviceToken?: string
}

type Count = (text: string) => number
type ShownMode = ShownContext['modes'][number]

const TOKENIZER = 'o200k_base of gpt-tokenizer'
const HEAVIEST = 10

export function defineContext(program: Command, io: Surroundings, rest: readonly string[]): void {
  program
    .command('context')
    .description("what a portal's tools cost a model")
    .command('report')
    .description('tokens of the definitions in each mode, by server and by tool')
    .option('--portal <id>', 'which portal (default: the default portal)')
    .option('--user <email>', 'as this person is shown it')
    .option('--service-token <id>', 'as this bot is shown it: id, client id or name')
    .action(action(io, rest, report))
}

async function report(context: Context, options: ReportOptions): Promise<void> {
  const { user, serviceToken } = options
  if ((user === undefined) === (serviceToken === undefined))
    throw usageError('Say whose: --user EMAIL or --service-token ID.')
  const api = context.api()
  const portal = (await findPortal(api, options.portal)).id
  const shown = await api.get(`${one(PATHS.portals, portal)}/context`, SHAPES.shownContext, {
    user,
    service_token: serviceToken,
  })
  const { terminal } = context
  if (!shown.may_enter)
    throw new CliError(`The policies of ${portal} do not let them in.`, {
      hint: shown.remarks.join(' ') || `portico policy explain --portal ${portal} says why`,
    })
  // Two megabytes of words that no other command needs.
  const { countTokens } = await import('gpt-tokenizer/encoding/o200k_base')
  const counted = countUp(shown, (text) => countTokens(text, { disallowedSpecial: new Set() }))
  terminal.answer(counted, () => print(context, counted))
  for (const remark of shown.remarks) terminal.note(remark)
}

type Counted = ReturnType<typeof countUp>

/** Definitions as `tools/list` has them. */
function countUp({ portal, modes }: ShownContext, count: Count) {
  const all = modes.find(({ mode }) => mode === 'all')
  const weighed = (all?.tools ?? []).map(({ server, definition }) => ({
    ...{ tool: definition.name, server: server ?? '', tokens: count(JSON.stringify(definition)) },
  }))
  const totals = modes.map((one) => totalOf(one, count))
  const most = totals.find(({ mode }) => mode === 'all')?.total ?? 0
  return {
    ...{ portal, tokenizer: TOKENIZER },
    modes: totals.map((one) => ({ ...one, saves: most - one.total })),
    servers: byServer(weighed),
    heaviest: weighed.toSorted((a, b) => b.tokens - a.tokens).slice(0, HEAVIEST),
  }
}

function totalOf({ mode, is_usual: usual, is_offered: offered, instructions, tools }: ShownMode, count: Count) {
  const definitions = count(JSON.stringify(tools.map(({ definition }) => definition)))
  const said = count(instructions)
  return { mode, usual, offered, tools: tools.length, definitions, instructions: said, total: definitions + said }
}

/** The biggest first; the portal's own tools are nobody's. */
function byServer(tools: readonly { server: string; tokens: number }[]) {
  return [...Map.groupBy(tools, ({ server }) => server)]
    .map(([server, own]) => ({ server, tools: own.length, tokens: own.reduce((sum, { tokens }) => sum + tokens, 0) }))
    .sort((a, b) => b.tokens - a.tokens)
}

function print({ terminal }: Context, { portal, modes, servers, heaviest, tokenizer }: Counted): void {
  terminal.print(`${portal}: tokens before a model does anything (${tokenizer})`)
  terminal.print('')
  terminal.table(
    ['MODE', 'TOOLS', 'DEFINITIONS', 'INSTRUCTIONS', 'SAVES', ''],
    modes.map(({ mode, tools, definitions, instructions, saves, usual, offered }) => [
      ...[mode, String(tools), shown(definitions), shown(instructions), shown(saves)],
      usual ? 'what clients get' : offered ? '' : 'not offered by this portal',
    ]),
    '',
  )
  terminal.print('')
  terminal.table(
    ['SERVER', 'TOOLS', 'TOKENS'],
    servers.map(({ server, tools, tokens }) => [server || "the portal's own", String(tools), shown(tokens)]),
    '',
  )
  terminal.print('')
  terminal.table(
    ['HEAVIEST TOOLS', 'SERVER', 'TOKENS'],
    heaviest.map(({ tool, server, tokens }) => [tool, server || "the portal's own", shown(tokens)]),
    'No tools.',
  )
  terminal.note('What modes cost in whole tasks, searches and results included: docs/reference/context.md')
}

function shown(tokens: number): string {
  return tokens.toLocaleString('en-US')
}
