/** A sandbox to try, and jobs for it with budgets that one test needs smaller. */
import { afterAll, beforeAll, expect } from 'vitest'
import { silentLog } from '../../src/base/log.ts'
import { DEFAULT_LIMITS } from '../../src/config/limits.ts'
import type { SandboxConfig } from '../../src/config/sandbox.ts'
import { processEnvironment } from '../../src/config.ts'
import type { Json } from '../../src/protocol/model.ts'
import { budgetOf } from '../../src/sandbox/budget.ts'
import type { Budget, Job, RunEnd, Sandbox } from '../../src/sandbox/model.ts'
import { openSandbox, type SandboxOptions } from '../../src/sandbox/sandbox.ts'

export const CONFIG: SandboxConfig = { processes: 2, jit: true, wall: 'auto', path: processEnvironment().PATH ?? '' }

export type Settings = Partial<SandboxConfig> & Omit<Partial<SandboxOptions>, 'config'>

export function open({ processes, jit, wall, path, ...options }: Settings = {}): Promise<Sandbox> {
  const set = Object.fromEntries(
    Object.entries({ processes, jit, wall, path }).filter(([, value]) => value !== undefined),
  )
  return openSandbox({ config: { ...CONFIG, ...set }, log: silentLog, ...options })
}

/** What the guest called, and what it got: itself. */
export interface Called {
  name: string
  input: Json
}

export interface Asked extends Omit<Partial<Job>, 'budget'> {
  budget?: Partial<Budget>
}

export function jobOf(code: string, { budget, ...asked }: Asked = {}): Job {
  return {
    code,
    functions: ['echo', 'other'],
    call: async (_name, input) => input,
    ...asked,
    budget: { ...budgetOf(DEFAULT_LIMITS), wallMs: 20_000, cpuMs: 1500, ...budget },
  }
}

/** A run that is in the midst of a call, to see whether what happens to another one happens to it. */
export interface Bystander {
  /** Lets the call return, and gives what the run returned. */
  finish(): Promise<Json>
}

async function standBy(sandbox: Sandbox): Promise<Bystander> {
  const isCalled = Promise.withResolvers<void>()
  const gate = Promise.withResolvers<Json>()
  const call = () => {
    isCalled.resolve()
    return gate.promise
  }
  const run = sandbox.run(jobOf('async () => [await codemode.echo(), await codemode.other()]', { call }))
  await isCalled.promise
  return {
    async finish() {
      gate.resolve('as ever')
      return returnedBy(await run)
    },
  }
}

function returnedBy(end: RunEnd): Json {
  if (end.kind !== 'returned') throw new Error(JSON.stringify(end))
  return end.value
}

/** One sandbox for a file. */
export function useSandbox(settings: Settings = {}) {
  let sandbox: Sandbox
  beforeAll(async () => {
    sandbox = await open(settings)
  })
  afterAll(() => sandbox.close())
  return {
    run: (code: string, asked?: Asked): Promise<RunEnd> => sandbox.run(jobOf(code, asked)),
    /** What the function returned. @throws Error with what came instead */
    value: async (code: string, asked?: Asked): Promise<Json> => returnedBy(await sandbox.run(jobOf(code, asked))),
    /**
     * Runs it while another run is under way, and sees that nothing has happened: to that one, to the portal's own process,
     * and to the next run.
     */
    async attack(code: string, asked?: Asked): Promise<RunEnd> {
      const bystander = await standBy(sandbox)
      const end = await sandbox.run(jobOf(code, asked))
      expect(await bystander.finish()).toEqual(['as ever', 'as ever'])
      expect(strangers()).toEqual([])
      expect(returnedBy(await sandbox.run(jobOf(TRACES)))).toEqual([])
      return end
    },
  }
}

/** What an escape could have left in this process. */
function strangers(): string[] {
  const enumerable: string[] = []
  for (const name in {}) enumerable.push(name)
  return [...enumerable, ...Object.keys(globalThis).filter((name) => /pwned|canary/i.test(name))]
}

/** What an attack could have left for the next run. */
const TRACES = `async () => {
  const names = Object.getOwnPropertyNames(globalThis).filter((name) => /pwned|canary/i.test(name))
  for (const name in {}) names.push(name)
  if ([].map !== Array.prototype.map || !/native code/.test(Array.prototype.map)) names.push('map')
  if (!/native code/.test(Promise.prototype.then)) names.push('then')
  return names
}`
