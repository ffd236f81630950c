/**
 * `npm run fuzz -- --count N --seed S [--only KIND]`: so many tries, most of them in this process against the functions that the portal
 * is made of, the rest over real HTTP against a real portal. The seed is printed; the same seed tries the same.
 */
import { parseArgs } from 'node:util'
import { chanceOf } from './chance.ts'
import { tryAnswer, tryStream } from './local-answers.ts'
import { tryRequest } from './local-requests.ts'
import { fuzzPortal } from './portal.ts'

const LOCAL = { requests: tryRequest, answers: tryAnswer, streams: tryStream } as const
/** Of a hundred tries. */
const SHARES = { requests: 40, answers: 40, streams: 12, 'requests over HTTP': 6, 'answers over HTTP': 2 } as const
const SLICE = 20_000

const { values } = parseArgs({
  options: { count: { type: 'string' }, seed: { type: 'string' }, only: { type: 'string' } },
})
const count = Number(values.count ?? 20_000)
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 32))

/** How many of a kind are tried. */
function triesOf(name: keyof typeof SHARES): number {
  if (values.only !== undefined) return values.only === name ? count : 0
  return Math.ceil((count * SHARES[name]) / 100)
}

const before = new Set(Reflect.ownKeys(Object.prototype))

function tryLocally(name: keyof typeof LOCAL): void {
  const tries = triesOf(name)
  if (tries === 0) return
  const started = performance.now()
  for (let done = 0; done < tries; done++) {
    // Each try has a seed of its own, so that it can be repeated alone.
    const own = seed + done * 7
    try {
      LOCAL[name](chanceOf(own))
    } catch (error) {
      throw new Error(`${name}: try ${done} of seed ${seed} (alone: --only ${name} --count 1 --seed ${own})`, {
        cause: error,
      })
    }
    if (done % SLICE === 0) assertUntouched()
  }
  assertUntouched()
  report(name, tries, started)
}

function assertUntouched(): void {
  const added = Reflect.ownKeys(Object.prototype).filter((key) => !before.has(key))
  if (added.length > 0) throw new Error(`Object.prototype was touched: ${added.map(String)}`)
}

function report(name: string, tries: number, started: number): void {
  const seconds = (performance.now() - started) / 1000
  console.log(`${name.padEnd(20)} ${String(tries).padStart(9)} tries ${seconds.toFixed(1).padStart(8)} s`)
}

console.log(`seed ${seed}`)
for (const name of Object.keys(LOCAL) as (keyof typeof LOCAL)[]) tryLocally(name)
const requests = triesOf('requests over HTTP')
const answers = triesOf('answers over HTTP')
if (requests + answers > 0) await fuzzPortal({ seed, requests, answers, report })
console.log('nothing found')
