/**
 * Which capabilities a policy speaks of, prepared from its field `capabilities`. Any entry; within an entry all that is said
 * must hold; a list in an entry is met by any of its values, but `labels` and `arguments` by all of theirs together.
 *
 * An entry that this program cannot read (malformed, of a newer program, a pattern that does not compile) can only close: in
 * a deny it covers everything, elsewhere nothing.
 */
import { parseDuration } from '../contract/duration.ts'
import { capabilitiesInput, type ReachInput } from '../contract/reach.ts'
import { type PreparedArgument, prepareArgument } from './argument-conditions.ts'
import type { Expression, Expressions } from './expressions.ts'
import type { Annotations, CallFacts, Capability, Facts, Reach, Truth } from './model.ts'
import { type Pattern, preparePattern } from './patterns.ts'

export interface ReachRooms {
  /** Null where none are loaded. */
  expressions: Expressions | null
  /** Of a policy that is no `allow`, `non_identity` or `bypass`. */
  isDeny: boolean
}

/** @returns the entries, and in words what is wrong with some of them */
export function prepareReaches(
  capabilities: unknown,
  rooms: ReachRooms,
): { reaches: readonly Reach[]; problems: readonly string[] } {
  const entries: readonly unknown[] = Array.isArray(capabilities) && capabilities.length > 0 ? capabilities : [null]
  const prepared = entries.map((entry) => prepareEntry(entry, rooms))
  return {
    reaches: prepared.map((one, at) => (typeof one === 'string' ? broken(entries[at], rooms.isDeny) : one)),
    problems: prepared.filter((one) => typeof one === 'string'),
  }
}

/** One entry alone, as somebody is about to write it. @returns in words what is wrong with it, where something is */
export function prepareEntry(entry: unknown, { expressions }: Pick<ReachRooms, 'expressions'>): Reach | string {
  const parsed = capabilitiesInput.safeParse([entry])
  const input = parsed.data?.[0]
  if (!parsed.success || input === undefined)
    return `capabilities: ${parsed.error?.issues[0]?.message ?? 'it covers nothing'}`
  const parts = prepareParts(input, expressions)
  return typeof parts === 'string' ? parts : reachOf(input, parts)
}

interface Parts {
  patterns: readonly Pattern[] | null
  arguments: readonly PreparedArgument[]
  expression: Expression | null
  flowWindow: number | null
}

function prepareParts(input: ReachInput, expressions: Expressions | null): Parts | string {
  const patterns = input.patterns?.map(preparePattern) ?? null
  const conditions = input.arguments?.map(prepareArgument) ?? []
  const expression =
    input.expression === undefined ? null : (expressions?.compile(input.expression) ?? 'expressions are not loaded')
  const problem = [...(patterns ?? []), ...conditions, expression].find((one) => typeof one === 'string')
  if (typeof problem === 'string') return problem
  return {
    patterns: patterns as readonly Pattern[] | null,
    arguments: conditions as readonly PreparedArgument[],
    expression: expression as Expression | null,
    flowWindow: input.flow === undefined ? null : (parseDuration(input.flow.window) ?? null),
  }
}

function reachOf(input: ReachInput, parts: Parts): Reach {
  const servers = input.servers === undefined ? null : new Set(input.servers)
  const kinds = input.kinds === undefined ? null : new Set<string>(input.kinds)
  const names = input.names === undefined ? null : new Set(input.names)
  const { patterns } = parts
  const hints = Object.entries(input.annotations ?? {}) as [keyof Annotations, boolean][]
  const labels = input.labels ?? []
  return {
    speaksOf: (serverId) => serverId === null || servers === null || servers.has(serverId),
    isWhole: Object.keys(input).every((key) => key === 'servers'),
    // The cheap ones first: of thousands of tools most are of other servers.
    covers: ({ serverId, kind, name, annotations, labels: own }) =>
      (servers === null || servers.has(serverId)) &&
      (kinds === null || kinds.has(kind)) &&
      (names === null || names.has(name)) &&
      hints.every(([hint, wanted]) => annotations[hint] === wanted) &&
      labels.every((label) => own.includes(label)) &&
      // A name that is too long to tell belongs to no pattern; no name is, because they are bounded where they are listed.
      (patterns === null || patterns.some((pattern) => pattern.matches(name) !== false)),
    call: callOf(parts),
    readsArguments: parts.arguments.length > 0 || parts.expression !== null,
    // An expression may look at the address and the country; whether it does takes more than reading to tell.
    readsOrigin: parts.expression !== null,
    flowWindow: parts.flowWindow,
    json: input,
  }
}

function callOf({ arguments: conditions, expression, flowWindow }: Parts): Reach['call'] {
  if (conditions.length === 0 && expression === null && flowWindow === null) return null
  return (capability: Capability, call: CallFacts, facts: Facts): Truth => {
    let truth: Truth = true
    for (const condition of conditions) {
      const one = condition.judge(call.arguments)
      if (one === false) return false
      if (one === 'unknown') truth = one
    }
    if (flowWindow !== null) {
      // What carries no label is no leg of anything.
      if (capability.labels.length === 0) return false
      if (call.flow === null) truth = 'unknown'
      else if (!call.flow.completes(flowWindow)) return false
    }
    // Last, because it costs most.
    const said = expression?.judge(capability, call, facts) ?? true
    return said === true ? truth : said
  }
}

function broken(entry: unknown, isDeny: boolean): Reach {
  return {
    speaksOf: () => isDeny,
    isWhole: isDeny,
    covers: () => isDeny,
    call: null,
    readsArguments: false,
    readsOrigin: false,
    flowWindow: null,
    json: typeof entry === 'object' && entry !== null ? { ...entry } : {},
  }
}
