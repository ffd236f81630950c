/**
 * The modes of the hostile server that send more than anybody asked for, one after the other, so that the memory of the
 * portal that is measured is what this one cost.
 */
import { afterAll, beforeAll, test } from 'vitest'
import { type Bench, LONG, openBench, pairsOf } from '../support/hostile/bench.ts'
import { MODES } from '../support/hostile/modes.ts'

const pairs = pairsOf(MODES).filter(({ mode }) => mode.isFlood)
let bench: Bench

beforeAll(async () => {
  bench = await openBench(LONG)
  await bench.add(pairs)
})
afterAll(() => bench?.close())

for (const pair of pairs) {
  const { attack, defence } = pair.mode
  test(`a flood by a server that ${attack}, over ${pair.transport}: ${defence}`, () => bench.prove(pair))
}
