/** How a run of code ended, in words for the model that wrote it, and no longer than a model should have to read. */
import { LIMITS } from '../../config/limits.ts'
import type { Json, JsonObject, Reply } from '../../protocol/model.ts'
import type { ConsoleLine, RunEnd, Stop } from '../../sandbox/model.ts'

const MOST = LIMITS.code_answer.value
/** Roughly: nobody knows here how the model counts. */
const CHARACTERS_A_TOKEN = 4

const STOPPED: Readonly<Record<Stop, string>> = {
  wall: 'The code ran too long and was stopped. Do less in one run, or wait for several calls at once with Promise.all.',
  cpu: 'The code computed too long and was stopped. Look for an endless loop, or let the tools do the work.',
  memory: 'The code used too much memory and was stopped. Keep less of what the tools return.',
  calls: 'The code called more tools than one run may. Do the rest in another run.',
  bytes: 'What the tools returned, or the code gave them, is more than one run may hold. Ask them for less.',
  cancelled: 'The run was given up.',
  lost: 'The process that ran the code ended. Calls of tools that were under way may have taken effect: look before you run it again.',
  busy: 'Too many runs wait for their turn. Nothing was done; try again in a moment.',
}

export function replyOfRun(end: RunEnd): Reply {
  const { console: printed } = end
  const lines = printed.length === 0 ? [] : ['', 'Console:', ...printed.map(lineOf)]
  const isError = end.kind !== 'returned'
  const said = isError ? `Error: ${end.kind === 'threw' ? end.message : STOPPED[end.why]}` : textOf(end.value)
  const text = shortened([said, ...lines].join('\n'))
  const content: Json[] = [{ type: 'text', text }]
  const result: JsonObject = isError ? { content, isError } : { content }
  return { kind: 'result', result }
}

function textOf(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function lineOf({ level, text }: ConsoleLine): string {
  return level === 'warn' || level === 'error' ? `[${level}] ${text}` : text
}

function shortened(text: string): string {
  if (text.length <= MOST) return text
  const tokens = Math.ceil(text.length / CHARACTERS_A_TOKEN)
  const head = text.slice(0, MOST).replace(/[\ud800-\udbff]$/, '')
  return `${head}\n\n--- TRUNCATED ---\nResponse was ~${tokens} tokens (limit: ${MOST / CHARACTERS_A_TOKEN}). Use more specific queries to reduce response size.`
}
