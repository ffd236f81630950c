/**
 * `portico servers definitions`: what a server lists, what of it waits, and a person's word on it. What stands in a
 * definition was written by whoever runs the server; it reaches the terminal through `visible` only.
 */
import { type Command, Option } from 'commander'
import type { z } from 'zod'
import { visibleJson } from '../base/visible.ts'
import { DEFINITION_KINDS, type DefinitionDecided } from '../contract/definitions.ts'
import { CliError, usageError } from './cli-error.ts'
import { action, type Context, type Surroundings } from './context.ts'
import { one, PATHS, SHAPES } from './paths.ts'
import type { Terminal } from './terminal.ts'

type Definition = z.infer<typeof SHAPES.definition>
type Kind = Definition['kind']

interface ListOptions {
  held?: true
  kind?: Kind
}

/** Digits of a hash that tell two versions of one definition apart, for people. */
const SHORT = 12
const AT_ONCE = 150

export function defineDefinitions(servers: Command, io: Surroundings, rest: readonly string[]): void {
  const definitions = servers.command('definitions').description('what a server lists, and what of it is held')
  definitions
    .command('list', { isDefault: true })
    .description('what waits for you comes with what changed')
    .argument('<id>')
    .option('--held', 'only what waits')
    .addOption(new Option('--kind <kind>', 'only this kind').choices(DEFINITION_KINDS))
    .action(action<ListOptions>(io, rest, list))
  for (const verdict of ['approve', 'reject'] as const) {
    definitions
      .command(verdict)
      .description(`${verdict} what waits; NAME@HASH only as you saw it`)
      .argument('<id>')
      .argument('[kind]', DEFINITION_KINDS.join(', '))
      .argument('[names...]')
      .option('--all', 'everything that waits')
      .action(action<{ all?: true }>(io, rest, (context, options, words) => decide(context, verdict, options, words)))
  }
}

async function list(context: Context, options: ListOptions, [id = '']: readonly string[]): Promise<void> {
  const all = await read(context, id, { kind: options.kind, state: options.held ? 'held' : undefined })
  const { terminal } = context
  terminal.answer(all, () => {
    if (all.length === 0) terminal.print(options.held ? `Nothing of ${id} waits.` : `${id} lists nothing.`)
    for (const definition of all) describe(terminal, definition)
    const held = all.filter(({ state }) => state === 'held').length
    if (held > 0) terminal.note(`Decide: portico servers definitions approve ${id} KIND NAME@HASH, or reject.`)
  })
}

async function decide(
  context: Context,
  verdict: 'approve' | 'reject',
  options: { all?: true },
  [id = '', kind, ...names]: readonly string[],
): Promise<void> {
  if ((options.all === true) === (kind !== undefined)) throw usageError('Give a kind and names, or --all.')
  if (kind !== undefined && !isKind(kind)) throw usageError(`"${kind}" is none of ${DEFINITION_KINDS.join(', ')}.`)
  if (kind !== undefined && names.length === 0) throw usageError('Give the names of what you decide on.')
  const all = await read(context, id, { kind })
  const chosen = kind === undefined ? all.filter(({ state }) => state === 'held') : names.map((name) => find(all, name))
  const { terminal } = context
  if (chosen.length === 0) return terminal.answer([], () => terminal.print(`Nothing of ${id} waits.`))
  if (!terminal.json) for (const definition of chosen) describe(terminal, definition)
  const choices = chosen.map(({ kind, name, hash }) => ({ kind, name, hash }))
  const path = `${one(PATHS.servers, id)}/definitions/${verdict}`
  const decided: DefinitionDecided[] = []
  // A body has at most 1 MiB, and a name 2,048 characters.
  for (let at = 0; at < choices.length; at += AT_ONCE)
    decided.push(...(await context.api().post(path, SHAPES.decided, choices.slice(at, at + AT_ONCE))))
  terminal.answer(decided, () => {
    terminal.print(`${verdict === 'approve' ? 'Approved' : 'Rejected'} ${decided.length} of ${id}.`)
  })
}

function read(context: Context, id: string, query: { kind?: string | undefined; state?: string | undefined }) {
  return context.api().list(`${one(PATHS.servers, id)}/definitions`, SHAPES.definition, query)
}

/**
 * @param word a name, or `NAME@HASH` with at least eight digits of the hash that was shown. Read as the latter first: a
 * server can foresee that word and name another definition so
 */
function find(all: readonly Definition[], word: string): Definition {
  const [, bare, digits = ''] = /^(.+)@([0-9a-f]{8,64})$/s.exec(word) ?? []
  const seen = all.find(({ name }) => name === bare)
  const definition = seen ?? all.find(({ name }) => name === word)
  if (definition === undefined)
    throw new CliError(`There is no "${word}".`, { hint: 'See what there is: portico servers definitions ID.' })
  if (seen === undefined || seen.hash.startsWith(digits)) return definition
  throw new CliError(`"${seen.name}" has changed since you saw it.`, { hint: 'Look again, then decide.' })
}

function describe(terminal: Terminal, definition: Definition): void {
  const { kind, name, state, hash, approved, diff, held, findings } = definition
  terminal.print(`${kind} ${name}@${hash.slice(0, SHORT)}  ${state}`)
  if (held !== undefined) {
    const times = held.changes === 1 ? '' : `, ${held.changes} different ones since then`
    terminal.print(`    since ${held.since}${times}`)
  }
  for (const finding of findings) terminal.print(`    ! ${finding.pointer}: ${finding.message}`)
  if (state !== 'held') return
  if (approved === undefined) {
    terminal.print(`    new: ${visibleJson(definition.definition)}`)
    return
  }
  terminal.print(`    approved ${approved.at} by ${approved.by}; since then:`)
  for (const { pointer, before, after } of diff ?? []) {
    terminal.print(`    ${pointer === '' ? '/' : pointer}`)
    if (before !== undefined) terminal.print(`      - ${visibleJson(before)}`)
    if (after !== undefined) terminal.print(`      + ${visibleJson(after)}`)
  }
}

function isKind(word: string): word is Kind {
  return (DEFINITION_KINDS as readonly string[]).includes(word)
}
