/** Policies in a file that are not saved yet: a list of them, one as `policies show --json` shows it, or a whole `portico.yaml`. */
import { readFileSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'
import { CliError } from './cli-error.ts'

const LARGEST = 1024 * 1024
const MOST_ALIASES = 100

const attached = z.looseObject({
  id: z.string(),
  policies: z.array(z.unknown()).optional(),
  own_policies: z.boolean().optional(),
})
const policy = z.looseObject({ id: z.string() })
const whole = z.looseObject({
  policies: z.array(policy).nullish(),
  portals: z.array(attached).nullish(),
  servers: z.array(attached).nullish(),
  groups: z.array(z.unknown()).nullish(),
  lists: z.array(z.unknown()).nullish(),
})

export interface PolicyFile {
  policies: readonly unknown[]
  /** What the file attaches where; where it does not say, what is attached stays. */
  attachments: { portals: readonly Attached[]; servers: readonly Attached[] }
}

export interface ReadPolicies {
  file: PolicyFile
  /** What of the file is not looked at, for the person at the terminal; null where all of it is. */
  passedOver: string | null
}

interface Attached {
  id: string
  policies: readonly unknown[]
  /** Of a server: whether it has policies of its own; false leaves it to those of its portals. */
  own_policies?: boolean | undefined
}

/** @throws CliError where it cannot be read, or has none of these shapes */
export function readPolicyFile(file: string, cwd: string): ReadPolicies {
  const content = parseFile(resolve(cwd, file), file)
  const nothing = { portals: [], servers: [] }
  const list = z.array(policy).safeParse(content)
  if (list.success) return { file: { policies: list.data, attachments: nothing }, passedOver: null }
  const one = z.looseObject({ id: z.string(), decision: z.string() }).safeParse(content)
  if (one.success) return { file: { policies: [one.data], attachments: nothing }, passedOver: null }
  const parsed = whole.safeParse(content)
  if (!parsed.success) {
    const hint = 'Give a list of policies, one policy, or a portico.yaml; each policy has the id that it is to replace.'
    throw new CliError(`${file} has no policies in it.`, { hint, exitCode: 2 })
  }
  const { policies, portals, servers, groups, lists } = parsed.data
  const attachments = { portals: attachedIn(portals), servers: attachedIn(servers) }
  const isMore = (groups ?? []).length + (lists ?? []).length > 0
  return {
    file: { policies: policies ?? [], attachments },
    passedOver: isMore ? `Groups and lists count as they are saved: those of ${file} are not looked at.` : null,
  }
}

function attachedIn(objects: z.infer<typeof whole>['portals']): Attached[] {
  return (objects ?? []).flatMap(({ id, policies, own_policies }) =>
    policies === undefined && own_policies === undefined ? [] : [{ id, policies: policies ?? [], own_policies }],
  )
}

/**
 * One object as the API takes it, for what no option says.
 *
 * @throws CliError where the file cannot be read, or holds no object
 */
export function readBodyFile(file: string, cwd: string): Record<string, unknown> {
  const body = z.record(z.string(), z.unknown()).safeParse(parseFile(resolve(cwd, file), file))
  if (!body.success)
    throw new CliError(`${file} holds no object.`, { hint: 'Give fields as the API takes them.', exitCode: 2 })
  return body.data
}

function parseFile(path: string, shown: string): unknown {
  try {
    if (statSync(path).size > LARGEST) throw new CliError(`${shown} is larger than 1 MiB.`, { exitCode: 2 })
    // What stands in a file of policies is sent as it is: no variable of this machine is put into it.
    return parse(readFileSync(path, 'utf8'), { maxAliasCount: MOST_ALIASES, prettyErrors: false })
  } catch (error) {
    if (error instanceof CliError) throw error
    const why = error instanceof Error ? ((error as NodeJS.ErrnoException).code ?? error.message) : 'unknown'
    throw new CliError(`${shown} cannot be read (${why}).`, { exitCode: 2 })
  }
}
