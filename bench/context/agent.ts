/**
 * Does a task as a model would, through a real client: it looks for what it is not shown, calls, has code run. What it says and what it
 * is told is counted; what it would say to its person in the end is the same in every mode, and is not.
 */
import type { Mode } from '../../src/portal/context/mode.ts'
import type { Guest } from './portal.ts'
import { type Search, type Task, type ToolCall, toolsOf } from './tasks.ts'
import { tokensOf } from './tokens.ts'

export interface TaskCost {
  mode: Mode
  /** Messages of the model in which it called something. */
  turns: number
  calls: number
  /** Definitions and instructions, once. */
  fixed: number
  /** What the model wrote: searches, calls, code. */
  written: number
  /** What searches told it. */
  found: number
  /** What calls and runs told it. */
  results: number
  /** All of it, the definitions once. */
  once: number
  /** All that is sent and written where everything so far is sent anew with each message, the last one included. */
  everyTurn: number
}

export interface Place {
  mode: Mode
  guest: Guest
  fixed: number
}

interface Turn {
  calls: readonly ToolCall[]
  /** What must be in the answer. */
  finds?: string | null
  fails?: true
  isSearch: boolean
}

/**
 * @param fixed tokens of what the guest's model is given before it does anything
 * @throws Error where something did not go as the script has it: a cost would be of another task then
 */
export async function doTask(task: Task, { mode, guest, fixed }: Place): Promise<TaskCost> {
  const turns = turnsOf(task, mode)
  const cost = { written: 0, found: 0, results: 0 }
  let context = fixed
  let everyTurn = 0
  for (const turn of turns) {
    const said = turn.calls.map(({ name, input }) => tokensOf(JSON.stringify({ name, arguments: input })))
    const heard = await Promise.all(turn.calls.map((call) => hear(call, turn, { task, guest })))
    const [written, told] = [sum(said), sum(heard)]
    everyTurn += context + written
    context += written + told
    cost.written += written
    cost[turn.isSearch ? 'found' : 'results'] += told
  }
  const calls = turns.flatMap(({ calls }) => calls).length
  return { mode, turns: turns.length, calls, fixed, ...cost, once: context, everyTurn: everyTurn + context }
}

async function hear(call: ToolCall, turn: Turn, { task, guest }: { task: Task; guest: Guest }): Promise<number> {
  const { text, isError } = await guest.call(call.name, call.input)
  const went = (turn.fails === true) === isError
  if (!went || !isAsMeant(text, turn, task))
    throw new Error(`"${task.name}" did not go as its script has it: ${text.slice(0, 500)}`)
  return tokensOf(text)
}

function isAsMeant(text: string, { finds }: Turn, task: Task): boolean {
  if (finds === undefined) return true
  return finds === null ? !toolsOf(task).some((name) => text.includes(name)) : text.includes(finds)
}

function turnsOf(task: Task, mode: Mode): Turn[] {
  const calls = (round: readonly ToolCall[]) => ({ calls: round, isSearch: false })
  switch (mode) {
    case 'all':
      return task.rounds.map(calls)
    case 'minimize_tools':
      return [...task.searches.map((one) => look('portal_query_tools', one)), ...task.rounds.map(calls)]
    case 'search_and_execute':
      return [
        ...task.searches.map((one) => look('portal_query_tools', one)),
        ...task.rounds.map((round) => calls(round.map(({ name, input }) => byName(name, input)))),
      ]
    case 'code_mode':
      return [
        ...task.searches.map((one) => look('portal_codemode_search', one)),
        ...task.runs.map(({ code, fails }) => ({
          ...calls([{ name: 'portal_codemode_execute', input: { code } }]),
          ...(fails && { fails }),
        })),
      ]
  }
}

function look(name: string, { words, finds }: Search): Turn {
  return { calls: [{ name, input: { query: words } }], finds, isSearch: true }
}

function byName(name: string, input: ToolCall['input']): ToolCall {
  return { name: 'portal_execute', input: { name, ...(Object.keys(input).length > 0 && { arguments: input }) } }
}

function sum(all: readonly number[]): number {
  return all.reduce((total, one) => total + one, 0)
}
