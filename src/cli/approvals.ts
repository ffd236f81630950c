/** `portico approvals`: calls that wait for people to agree. They agree in a browser; a token is nobody who could. */
import type { Command } from 'commander'
import { APPROVAL_STATES, type ApprovalShown } from '../contract/approval.ts'
import { action, type Context, type Surroundings } from './context.ts'
import { PATHS, SHAPES } from './paths.ts'

interface Options {
  state?: string
}

export function defineApprovals(program: Command, io: Surroundings, rest: readonly string[]): void {
  program
    .command('approvals')
    .description('calls that wait for people to agree')
    .command('list', { isDefault: true })
    .description('those that wait, or waited, and the page where people agree')
    .option('--state <state>', `only those that are ${APPROVAL_STATES.join(', ')}`)
    .action(action<Options>(io, rest, list))
}

async function list(context: Context, { state }: Options): Promise<void> {
  const all = await context.api().list(PATHS.approvals, SHAPES.approval)
  const approvals = state === undefined ? all : all.filter((one) => one.state === state)
  context.terminal.answer(approvals, () =>
    context.terminal.table(
      ['STATE', 'CALL', 'ASKED BY', 'UNTIL', 'PAGE', 'DECIDED'],
      approvals.map((one) => [
        ...[one.state, `${one.server_id ?? '?'} ${one.name ?? '?'}`, one.requester.label, one.expires_at, one.url],
        one.decisions.map(said).join('; '),
      ]),
      'Nothing waits for approval.',
    ),
  )
}

/** `ada@acme.test turned it down: “not this month”` */
function said({ word, by, reason }: ApprovalShown['decisions'][number]): string {
  return `${by} ${word === 'approve' ? 'agreed' : 'turned it down'}${reason === null ? '' : `: “${reason}”`}`
}
