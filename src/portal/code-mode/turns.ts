/**
 * How many runs of code one caller has here, whatever clients and tokens it has: those under way, those that wait for their turn, and those
 * that wait for a person. Nobody keeps all places in the queue, nor all that runs leave to others while they wait.
 */
import { principalKey } from '../../base/principal.ts'
import { type Done, mistake } from '../builtin-tool.ts'
import type { Scene } from '../scene.ts'

export class Turns {
  readonly most: number
  readonly #taken = new Map<string, number>()

  /** @param most runs of one caller at one time */
  constructor(most: number) {
    this.most = most
  }

  /**
   * Runs it, and counts it until it has ended, however.
   *
   * @returns null, and nothing is run, where the caller has as many as it may
   */
  async take<End>({ visit }: Pick<Scene, 'visit'>, run: () => Promise<End>): Promise<End | null> {
    const whose = principalKey(visit.principal)
    const taken = this.#taken.get(whose) ?? 0
    if (taken >= this.most) return null
    this.#taken.set(whose, taken + 1)
    try {
      return await run()
    } finally {
      this.#giveBack(whose)
    }
  }

  #giveBack(whose: string): void {
    const left = (this.#taken.get(whose) ?? 0) - 1
    if (left > 0) this.#taken.set(whose, left)
    else this.#taken.delete(whose)
  }
}

export function tooManyRuns({ rooms }: Pick<Scene, 'rooms'>): Done {
  const runs = rooms.turns.most === 1 ? 'One run of code' : `${rooms.turns.most} runs of code`
  const text = `${runs} of yours at a time may be under way or wait here (limits.code_runs_per_principal), and there are as many. Nothing was run; try again when one has ended.`
  return { reply: mistake(text), note: { error: 'code-too-many' } }
}
