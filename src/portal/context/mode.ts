/**
 * How much of the tools a client's model is shown. It is economy and no wall: what may be called is decided by policies, the same in
 * each mode, and a tool that is not listed can be called by its name all the same (an app inside a client does).
 */
import type { PortalSpec } from '../spec.ts'

/** `minimize_tools`: their names. `search_and_execute`: none, but a search and a call by name. `code_mode`: none, but code that calls them. */
export type Mode = (typeof MODES)[number]

export const MODES = ['all', 'minimize_tools', 'search_and_execute', 'code_mode'] as const

/** What a client's URL says of it; null where it says nothing. */
export interface AskedMode {
  code: string | null
  context: string | null
}

export const NOTHING_ASKED: AskedMode = { code: null, context: null }
const CODE = ['search_and_execute', 'off', 'false']
const CONTEXT = ['minimize_tools', 'search_and_execute', 'off']

/**
 * @param query of the URL, as it came, without the question mark
 * @returns `wrong` in words for the client where a value is none that there is, whatever portal it is
 */
export function askedIn(query: string): AskedMode | { wrong: string } {
  if (query === '') return NOTHING_ASKED
  const asked = new URLSearchParams(query)
  const code = asked.get('codemode')
  const context = asked.get('optimize_context')
  if (code !== null && !CODE.includes(code)) return { wrong: wordsFor('codemode', CODE) }
  if (context !== null && !CONTEXT.includes(context)) return { wrong: wordsFor('optimize_context', CONTEXT) }
  return { code, context }
}

/**
 * What a client gets, as far as the portal lets it say so.
 *
 * 1. code mode, where the portal enforces it, has it on and the client did not switch it off, or allows it and the client asked for it
 * 2. `optimize_context` of the URL
 * 3. the portal's own setting
 */
export function modeOf(
  { code, context }: AskedMode,
  { codeMode, contextMode }: Pick<PortalSpec, 'codeMode' | 'contextMode'>,
): Mode {
  const isCode =
    codeMode === 'enforced' ||
    (codeMode === 'default_on' && (code === null || code === 'search_and_execute')) ||
    (codeMode === 'opt_in' && code === 'search_and_execute')
  if (isCode) return 'code_mode'
  const chosen = context ?? contextMode
  return chosen === 'minimize_tools' || chosen === 'search_and_execute' ? chosen : 'all'
}

function wordsFor(name: string, values: readonly string[]): string {
  return `The URL's "${name}" must be one of ${values.join(', ')}. Correct the URL of this portal in the client's settings.`
}
