/** `portico doctor`: what is wrong with this installation and what to do about it. Looks; changes nothing. */
import type { Command } from 'commander'
import { ConfigError } from '../config/config-error.ts'
import type { Settings } from '../config.ts'
import { AlreadySaid } from './cli-error.ts'
import { action, type Context, type Surroundings } from './context.ts'
import { checkAudit } from './doctor-audit.ts'
import { checkChildren } from './doctor-children.ts'
import { checkDatabase } from './doctor-database.ts'
import { checkFiles } from './doctor-files.ts'
import { checkKey } from './doctor-key.ts'
import { checkPortal } from './doctor-portal.ts'
import { checkRuntime } from './doctor-runtime.ts'
import { checkSandbox } from './doctor-sandbox.ts'
import { checkSetUp } from './doctor-set-up.ts'
import { type Checks, type Finding, fine, problem, type Verdict, warning } from './finding.ts'

export function defineDoctor(program: Command, io: Surroundings, rest: readonly string[]): void {
  program
    .command('doctor')
    .description('look for what is wrong here and say what to do')
    .action(action(io, rest, examine))
}

/** In the order in which they are shown. Those that need the settings come only where these can be read. */
const WITH_SETTINGS: Readonly<Record<string, Checks>> = {
  files: checkFiles,
  'set-up': checkSetUp,
  key: checkKey,
  database: checkDatabase,
  audit: checkAudit,
  children: checkChildren,
  sandbox: checkSandbox,
}

const MARKS: Readonly<Record<Verdict, string>> = { ok: 'ok      ', warning: 'warning ', problem: 'PROBLEM ' }

async function examine(context: Context): Promise<void> {
  const { terminal } = context
  const findings = await terminal.during('looking…', look(context))
  terminal.answer(findings, () => {
    const width = Math.max(14, ...findings.map(({ check }) => check.length))
    for (const { check, verdict, text, hint } of findings) {
      terminal.print(`${MARKS[verdict]} ${check.padEnd(width)} ${text}`)
      if (hint !== null) terminal.print(`${' '.repeat(width + 10)}${hint}`)
    }
  })
  if (findings.some(({ verdict }) => verdict === 'problem')) throw new AlreadySaid(1)
}

async function look(context: Context): Promise<Finding[]> {
  const { settings, findings } = readSettings(context)
  const here =
    settings === null
      ? []
      : Object.entries(WITH_SETTINGS).map(([group, checks]) => guarded(group, () => checks({ context, settings })))
  const groups = [
    guarded('node', () => checkRuntime()),
    findings,
    ...here,
    guarded('portal', () => checkPortal(context)),
  ]
  return (await Promise.all(groups)).flat()
}

/** What a check did not expect is told as such: it must not hide what the others see. */
async function guarded(group: string, checks: () => Promise<Finding[]> | Finding[]): Promise<Finding[]> {
  try {
    return await checks()
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    return [problem(group, `could not be looked at: ${why}`, 'Run it as the user that the portal runs as.')]
  }
}

function readSettings(context: Context): { settings: Settings | null; findings: Finding[] } {
  try {
    const settings = context.settings()
    const from = settings.file ?? 'no file; environment and defaults'
    const odd = settings.warnings.map((text) => warning('settings', text, 'portico config print'))
    return { settings, findings: [fine('settings', from), ...odd] }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    const mend = 'Change it there, then: portico config validate'
    return { settings: null, findings: error.problems.map((text) => problem('settings', text, mend)) }
  }
}
