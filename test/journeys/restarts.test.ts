/**
 * A real server, killed and started again between calls and during them, a thousand calls for each transport through the
 * whole portal. No call fails but those that could have had an effect and were in flight at the death; they say so, and
 * nothing was done twice.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, test } from 'vitest'
import { end, NODE } from '../peers/servers.ts'
import { startTestPortal, type TestPortal, type TestServer } from '../portal.ts'
import { freePort } from '../portico-process.ts'
import { ask2026, bearer, messageOf, open2025, type RawAnswer } from '../raw-mcp.ts'

const WITNESS = fileURLToPath(new URL('../peers/witness.mjs', import.meta.url))
const CALLS = 1000
const CALLERS = 12
/** The server dies each time that so many calls were answered, by turns during calls and between two. */
const DIES_AFTER = 125
const TOOLS = ['post', 'read', 'put'] as const

const cleanups: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

/** One server whose process may be killed. */
interface Mortal {
  server: TestServer
  /** Kills it, and resolves when it is gone. */
  kill(): Promise<void>
  /** Starts it again in the same place; a child is started again by the portal. */
  revive(): Promise<void>
  /** What was done, one line each. */
  done(): Promise<string[]>
}

type Mode = 'modern' | 'sessions' | 'sse' | 'stdio'

async function startMortal(mode: Mode): Promise<Mortal> {
  const dir = await mkdtemp(join(tmpdir(), 'portico-witness-'))
  cleanups.push(() => rm(dir, { recursive: true, force: true }))
  const file = join(dir, 'done')
  const pids = join(dir, 'pid')
  await writeFile(file, '')
  const env = { WITNESS_MODE: mode, WITNESS_FILE: file, WITNESS_PIDS: pids }
  const done = async () => (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '')
  if (mode === 'stdio') {
    return {
      server: { id: 'witness', stdio: { command: NODE, args: [WITNESS], env } },
      kill: async () => {
        // The portal runs another one now and then, to look what it lists to whom, and ends it.
        const alive = (await readFile(pids, 'utf8'))
          .trim()
          .split('\n')
          .map(Number)
          .filter((pid) => pid > 0 && isThere(pid))
        for (const pid of alive) process.kill(pid, 'SIGKILL')
        while (alive.some(isThere)) await new Promise((resolve) => setImmediate(resolve))
      },
      revive: async () => {},
      done,
    }
  }
  let runs = 0
  const prepare = async (): Promise<ChildProcess> => {
    // Servers differ in what they say of a session that they do not know.
    const forgotten = runs++ % 2 === 0 ? '400' : '404'
    const started = spawn(NODE, [WITNESS], {
      env: { ...env, WITNESS_FORGOTTEN: forgotten },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    cleanups.push(() => end(started))
    await once(started, 'message')
    return started
  }
  const port = await freePort()
  const listen = async (started: ChildProcess): Promise<ChildProcess> => {
    const listening = once(started, 'message')
    started.send({ port })
    await listening
    return started
  }
  let running = await listen(await prepare())
  let successor = await prepare()
  const path = mode === 'sse' ? '/sse' : '/mcp'
  return {
    server: { id: 'witness', url: `http://127.0.0.1:${port}${path}` },
    kill: async () => {
      const gone = once(running, 'exit')
      running.kill('SIGKILL')
      await gone
    },
    revive: async () => {
      running = await listen(successor)
      successor = await prepare()
    },
    done,
  }
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

type Ask = (name: string, input: Record<string, unknown>) => Promise<RawAnswer>

async function askers(portal: TestPortal): Promise<Ask[]> {
  const token = await portal.userToken('ada@acme.test')
  const url = `${portal.url}/mcp`
  const modern: Ask = (name, input) =>
    ask2026(url, bearer(token), 'tools/call', { name: `witness_${name}`, arguments: input })
  const { ask } = await open2025(url, bearer(token))
  let id = 1
  const legacy: Ask = (name, input) => ask('tools/call', { name: `witness_${name}`, arguments: input }, id++)
  return Array.from({ length: CALLERS }, (_, i) => (i % 2 === 0 ? modern : legacy))
}

interface Failed {
  tool: string
  entry: string
  text: string
  /** It was under way at a moment between the kill and the end of the process. */
  wasInFlight: boolean
}

/** A thousand calls of a dozen callers, and the deaths among them. */
class Storm {
  readonly failed: Failed[] = []
  readonly answered: string[] = []
  readonly #askers: Ask[]
  readonly #mortal: Mortal
  readonly #underWay = new Set<string>()
  readonly #atDeath = new Set<string>()
  #isDying = false
  #next = 0
  #deaths = 0
  #paused: Promise<void> | null = null

  constructor(callers: Ask[], mortal: Mortal) {
    this.#askers = callers
    this.#mortal = mortal
  }

  async run(): Promise<void> {
    const deaths = this.#die()
    await Promise.all(this.#askers.map((ask) => this.#caller(ask)))
    await deaths
  }

  async #caller(ask: Ask): Promise<void> {
    while (this.#next < CALLS) {
      if (this.#paused !== null) {
        await this.#paused
      }
      const number = this.#next++
      await this.#call(ask, TOOLS[number % TOOLS.length] ?? 'post', { entry: `e${number}` })
    }
  }

  async #call(ask: Ask, tool: string, input: { entry: string; hold?: boolean }): Promise<void> {
    const { entry } = input
    this.#underWay.add(entry)
    if (this.#isDying) this.#atDeath.add(entry)
    const message = messageOf(await ask(tool, input))
    this.#underWay.delete(entry)
    const result = message.result as { isError?: boolean; content: { text: string }[] } | undefined
    const text = result?.content[0]?.text ?? JSON.stringify(message.error)
    if (result !== undefined && result.isError !== true && text === entry) this.answered.push(`${tool} ${entry}`)
    else this.failed.push({ tool, entry, text, wasInFlight: this.#atDeath.has(entry) })
  }

  async #die(): Promise<void> {
    for (let at = DIES_AFTER; at < CALLS; at += DIES_AFTER) {
      await until(() => this.answered.length + this.failed.length >= at)
      if (this.#deaths++ % 2 === 0) await this.#dieDuringCalls()
      else await this.#dieBetweenCalls()
    }
  }

  async #dieDuringCalls(): Promise<void> {
    const entry = `held${this.#deaths}`
    const held = this.#call(this.#askers[0] as Ask, 'post', { entry, hold: true })
    while (!(await this.#mortal.done()).includes(`post ${entry}`)) await new Promise((r) => setTimeout(r, 2))
    await this.#kill()
    await this.#mortal.revive()
    await held
  }

  async #dieBetweenCalls(): Promise<void> {
    const go = Promise.withResolvers<void>()
    this.#paused = go.promise
    await until(() => this.#underWay.size === 0)
    await this.#kill()
    // The calls come before the server does.
    this.#paused = null
    go.resolve()
    await this.#mortal.revive()
  }

  async #kill(): Promise<void> {
    this.#isDying = true
    for (const entry of this.#underWay) this.#atDeath.add(entry)
    await this.#mortal.kill()
    this.#isDying = false
  }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1))
}

interface Row {
  outcome: string
  error?: string
}

const transports: [string, Mode][] = [
  ['Streamable HTTP of 2026', 'modern'],
  ['Streamable HTTP of 2025, with sessions', 'sessions'],
  ['HTTP+SSE of 2024', 'sse'],
  ['stdio', 'stdio'],
]
// [HEAL-1] [HEAL-2] [HEAL-4]
test.each(transports)(
  'a server over %s that is killed and started again fails no call but what was in flight',
  async (_name, mode) => {
    const mortal = await startMortal(mode)
    const portal = await startTestPortal()
    cleanups.push(() => portal.close())
    await portal.furnish([mortal.server])
    const storm = new Storm(await askers(portal), mortal)
    await storm.run()

    const deaths = Math.ceil(CALLS / DIES_AFTER) - 1
    const held = storm.failed.filter(({ entry }) => entry.startsWith('held'))
    expect(held.length).toBe(Math.ceil(deaths / 2))
    expect(storm.failed.filter(({ tool, wasInFlight }) => tool !== 'post' || !wasInFlight)).toEqual([])
    for (const { text } of storm.failed) expect(text).toMatch(/^The connection to witness broke during the call\./)
    expect(storm.answered.length + storm.failed.length).toBe(CALLS + held.length)

    const done = await mortal.done()
    const posts = done.filter((line) => line.startsWith('post '))
    expect(posts.filter((line, at) => posts.indexOf(line) !== at)).toEqual([])
    expect(storm.answered.filter((line) => !done.includes(line))).toEqual([])

    const path = '/access/ai-controls/mcp/logs?method=tools/call&phase=ended&limit=1000&outcome=failed'
    const { body } = await portal.api<Row[]>('GET', path)
    expect(body.result.length).toBe(storm.failed.length)
    expect(new Set(body.result.map(({ error }) => error))).toEqual(new Set(['upstream-lost']))
  },
)
