/**
 * Every mode of the hostile server that needs patience rather than memory, over every transport that can carry it, through
 * the real portal: the caller is told what it must be told, the audit has it, the portal's memory stays where it was, and
 * a healthy server behind the same portal is called all the while and notices nothing.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Bench, inParallel, openBench, type Pair, pairsOf, SHORT } from '../support/hostile/bench.ts'
import { MODES } from '../support/hostile/modes.ts'

const pairs = pairsOf(MODES).filter(({ mode }) => !mode.isFlood)
/** Most of them wait for a time limit, so they wait together; each has its own test to say what became of it. */
const proofs = new Map(pairs.map((pair): [Pair, PromiseWithResolvers<void>] => [pair, Promise.withResolvers()]))
let bench: Bench

beforeAll(async () => {
  bench = await openBench(SHORT)
  await bench.add(pairs)
  for (const { promise } of proofs.values()) promise.catch(() => {})
  void inParallel(pairs, async (pair) => {
    const proof = proofs.get(pair)
    await bench.prove(pair).then(proof?.resolve, proof?.reject)
  })
}, 300_000)
afterAll(() => bench?.close())

for (const pair of pairs) {
  const { attack, defence } = pair.mode
  test(`a server that ${attack}, over ${pair.transport}: ${defence}`, () => proofs.get(pair)?.promise, 300_000)
}

test('after all of it no prototype is touched and nothing escaped its handler', async () => {
  expect((await bench.portal.look()).touched).toEqual([])
  expect(bench.portal.troubles()).toBe('')
})
