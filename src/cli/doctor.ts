/** `portico doctor`: what is wrong with this installation and what to do about it. Looks; changes nothing. */
import type { Command } from 'commander'
import { AlreadySaid } from './cli-error.ts'
import { action, type Context, type Surroundings } from './context.ts'
import { checkConfiguration, checkRuntime } from './doctor-local.ts'
import { checkPortal } from './doctor-portal.ts'
import type { Verdict } from './finding.ts'

export function defineDoctor(program: Command, io: Surroundings, rest: readonly string[]): void {
  program
    .command('doctor')
    .description('look for what is wrong here and say what to do')
    .action(action(io, rest, examine))
}

const MARKS: Readonly<Record<Verdict, string>> = { ok: 'ok      ', warning: 'warning ', problem: 'PROBLEM ' }

async function examine(context: Context): Promise<void> {
  const { terminal } = context
  const work = Promise.all([checkRuntime(), checkConfiguration(context), checkPortal(context)])
  const findings = (await terminal.during('looking…', work)).flat()
  terminal.answer(findings, () => {
    for (const { check, verdict, text, hint } of findings) {
      terminal.print(`${MARKS[verdict]} ${check.padEnd(14)} ${text}`)
      if (hint !== null) terminal.print(`${' '.repeat(24)}${hint}`)
    }
  })
  if (findings.some(({ verdict }) => verdict === 'problem')) throw new AlreadySaid(1)
}
