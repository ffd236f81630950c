import { expect, test } from 'vitest'
import { naively } from '../../test/naive-policy.ts'
import { prepared } from '../../test/policies.ts'
import { openDice, randomFacts, randomQuestion, randomWorld } from '../../test/random-policies.ts'
import type { ServerUid } from '../base/ids.ts'
import { type AddressIndex, openAddressIndex } from './address-index.ts'
import { compileAccess } from './compile.ts'
import { openCoverage } from './coverage.ts'
import { decide, openNotes, type Question } from './decide.ts'
import { expandNotes } from './expand-notes.ts'
import { explain } from './explain.ts'
import type { Decision, Facts, Policy } from './model.ts'

/** Five policies each. */
const WORLDS = 4000
const QUESTIONS = 25

/** What is decided, and of each policy what the walk came to. */
function walkThrough(policies: readonly Policy[], facts: Facts, question: Question, by: { index?: AddressIndex }) {
  const notes = openNotes()
  const decision = decide(policies, facts, question, { ...by, notes })
  return { decision, noted: expandNotes(policies, facts, question, notes) }
}

test('a second evaluator, written from the prose alone, agrees on 100,000 random decisions', () => {
  const seen = { allowed: 0, denied: 0, depends: 0, bypassed: 0, spared: 0 }
  for (let seed = 1; seed <= WORLDS; seed++) {
    const dice = openDice(seed)
    const world = randomWorld(dice)
    const policies = prepared(world.policies, world)
    const index = openAddressIndex(policies)
    const naive = {
      policies: world.policies,
      groups: new Map(world.groups.map((group) => [group.id, group])),
      lists: new Map(world.lists.map((list) => [list.id, list])),
    }
    for (let asked = 0; asked < QUESTIONS; asked++) {
      const facts = randomFacts(dice)
      const question = randomQuestion(dice)
      // By the index and without it: it may only leave out what does not matter.
      const walks = [{}, { index }].map((by) => walkThrough(policies, facts, question, by))
      const ours = (walks[0] as { decision: Decision }).decision
      const [plainly, quickly] = walks.map((walk) => JSON.stringify(walk))
      if (plainly !== quickly) expect.fail(`the index changes what is noted: ${plainly} is not ${quickly}`)
      if ((index.places(policies, facts)?.length ?? policies.length) < policies.length) seen.spared++
      const theirs = naively(naive, facts, question)
      const about = { seed, asked, ours, theirs }
      if (ours.allow !== theirs.allow) expect.fail(`they disagree: ${JSON.stringify(about)}`)
      // Whether it depends may be said too often (two rules let in, one of them only some calls), never too seldom.
      if (theirs.depends && !ours.maybe) expect.fail(`it depends, and ours does not say so: ${JSON.stringify(about)}`)
      if (!ours.maybe && ours.rule !== theirs.rule && !theirs.depends && question.call !== null)
        expect.fail(`another rule decides: ${JSON.stringify(about)}`)
      seen[ours.bypass ? 'bypassed' : ours.maybe ? 'depends' : ours.allow ? 'allowed' : 'denied']++
    }
  }
  // The dice must not have made the question trivial.
  for (const count of Object.values(seen)) expect(count).toBeGreaterThan(500)
})

test('what is kept for a caller, what is listed and what explains itself decide as one', () => {
  for (let seed = 1; seed <= 2000; seed++) {
    const dice = openDice(seed * 7919)
    const world = randomWorld(dice)
    const policies = prepared(world.policies, world)
    const [portal, own] = [policies.slice(0, 3), policies.slice(3)]
    const facts = randomFacts(dice)
    const question = randomQuestion(dice)
    const { serverId, capability, call } = question
    expect(explain(policies, facts, question).decision).toEqual(decide(policies, facts, question))
    if (serverId === null || capability === null) continue
    const server = { ...capability, server: 0 }
    const coverage = openCoverage(portal, [own])
    const gates = [{ uid: 'uid' as ServerUid, id: serverId, policies: own }]
    const access = compileAccess({ portal, gates, coverage }, facts)
    const scope = coverage.scopeOf(server)
    const kept = call === null ? access.of(scope, server) : access.call(scope, server, call)
    const alone = [portal, own].map((list) => decide(list, facts, { ...question, capability: server }))
    const enters = decide(portal, facts).allow
    expect(kept.allow).toBe(enters && alone.every(({ allow }) => allow))
    if (kept.allow) expect(kept.maybe).toBe(alone.some(({ maybe }) => maybe))
  }
})
