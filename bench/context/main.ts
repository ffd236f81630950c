/**
 * `node bench/context/main.ts`: what the portal costs a model in tokens, in each mode: before it does anything, and for whole tasks.
 * `--sets one,four,real,thousand,ten-thousand` chooses what stands behind the portal, `--json` prints all figures.
 */
import { parseArgs } from 'node:util'
import { type Measured, measure, SETS, type SetName } from './measure.ts'
import { TOKENIZER } from './tokens.ts'

const { values: options } = parseArgs({
  options: { sets: { type: 'string', default: SETS.join(',') }, json: { type: 'boolean', default: false } },
})

const measured: Measured[] = []
for (const set of options.sets.split(',').map(setName)) measured.push(await measure(set))
if (options.json) console.log(JSON.stringify(measured, null, 2))
else {
  console.log(`tokens by ${TOKENIZER}`)
  for (const one of measured) print(one)
}

function print({ set, servers, tools, modes, tasks }: Measured): void {
  console.log(`\n${set}: ${servers} servers, ${tools} tools`)
  console.log(row(['before anything', 'listed', 'as tools/list', 'compact', 'instructions']))
  for (const { mode, tools: listed, listed: whole, compact, instructions } of modes)
    console.log(row([mode, listed, whole, compact, instructions]))
  for (const { task, costs } of tasks) {
    console.log(`\n  ${task.name}`)
    console.log(row(['', 'turns', 'fixed', 'written', 'found', 'results', 'once', 'each turn']))
    for (const { mode, turns, fixed, written, found, results, once, everyTurn } of costs)
      console.log(row([mode, turns, fixed, written, found, results, once, everyTurn]))
  }
}

function row([first = '', ...cells]: readonly (string | number)[]): string {
  return `  ${String(first).padEnd(20)}${cells.map((cell) => String(cell).padStart(14)).join('')}`
}

function setName(text: string): SetName {
  const found = SETS.find((name) => name === text)
  if (found === undefined) throw new Error(`--sets knows ${SETS.join(', ')}; not "${text}"`)
  return found
}
