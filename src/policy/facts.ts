/**
 * Gathers what a decision may look at, before it is made: the country of an address, the answers of external evaluators
 * (asynchronous, cached, with a deadline, fail closed). Nearly every portal asks for none of it, and then nothing is waited for.
 */
import type { Clock } from '../base/clock.ts'
import type { Principal } from '../base/principal.ts'
import { type ExternalQuestion, type Facts, NOWHERE, type Origin, type Policy } from './model.ts'

export interface FactsKeeper {
  /** @param policies all that will be decided with these facts */
  gather(principal: Principal, origin: Origin, policies: Asked): Gathered | Promise<Gathered>
  /** At once, with what is not known taken in the caller's favour. @param origin null: whatever it will be */
  assume(principal: Principal, origin: Origin | null): Facts
}

/** What a set of policies looks at; worked out once for a portal. */
export interface Asked {
  origin: boolean
  external: readonly ExternalQuestion[]
}

export interface Gathered {
  facts: Facts
  /** Milliseconds since 1970 until when they hold. */
  until: number
}

export interface FactsSource {
  clock: Clock
  /** ISO 3166-1 alpha-2 in capitals, or null where it is not known. */
  countryOf(ip: string): string | null
  /** Never throws: a question without a good answer is left out. `until` is in milliseconds since 1970. */
  evaluate(questions: readonly ExternalQuestion[], principal: Principal, origin: Origin): Answers | Promise<Answers>
}

export interface Answers {
  answers: ReadonlyMap<string, boolean>
  until: number
}

/** The file of countries is replaced now and then. */
const COUNTRY_MS = 60_000

const NO_ANSWERS: Answers = { answers: new Map(), until: Number.POSITIVE_INFINITY }

export function openFacts({ clock, countryOf, evaluate }: FactsSource): FactsKeeper {
  const factsOf = (principal: Principal, origin: Origin, asked: Asked, { answers, until }: Answers): Gathered => {
    const country = asked.origin && origin.ip !== null ? countryOf(origin.ip) : null
    const now = clock.now()
    const facts: Facts = { principal, origin, country, external: answers, now, assume: 'nothing' }
    return { facts, until: asked.origin ? Math.min(until, now + COUNTRY_MS) : until }
  }
  return {
    assume(principal, origin) {
      const country = origin === null || origin.ip === null ? null : countryOf(origin.ip)
      const known = { principal, origin: origin ?? NOWHERE, country, external: NO_ANSWERS.answers, now: clock.now() }
      return { ...known, assume: origin === null ? 'origin' : 'answers' }
    },
    gather(principal, origin, asked) {
      const answers = asked.external.length === 0 ? NO_ANSWERS : evaluate(asked.external, principal, origin)
      return answers instanceof Promise
        ? answers.then((come) => factsOf(principal, origin, asked, come))
        : factsOf(principal, origin, asked, answers)
    },
  }
}

/** What all these policies look at. */
export function askedBy(policies: readonly Policy[]): Asked {
  const conditions = policies.flatMap(({ include, require, exclude }) => [...include, ...require, ...exclude])
  const external = new Map(conditions.flatMap(({ needs }) => needs.external.map((one) => [one.key, one] as const)))
  // Evaluators are told where a request comes from: what they say of one place is not kept for another.
  const looksThere =
    conditions.some(({ needs }) => needs.origin) ||
    policies.some(({ reach }) => reach?.some(({ readsOrigin }) => readsOrigin) === true)
  return { origin: external.size > 0 || looksThere, external: [...external.values()] }
}
