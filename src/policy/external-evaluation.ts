/**
 * `external_evaluation` as Cloudflare Access has it: a program of the customer's own is asked about a caller and says true or false. We post
 * `{"token": …}`, a JWT of ours (keys at `/cdn-cgi/access/certs`) with the identity and a nonce; it answers `{"token": …}`, a JWT of its
 * own with `success` and the same nonce.
 *
 * Whoever is asked may be down, slow or lying, so everything here has an end: two seconds for all of it, no redirects, 64 KiB, so many at
 * once. Without a good answer a question is left out, which a decision counts as unknown: it lets nobody in and spares nobody.
 */
import { randomBytes } from 'node:crypto'
import type { Clock } from '../base/clock.ts'
import type { Place } from '../base/destination.ts'
import type { Egress } from '../base/egress.ts'
import type { Log } from '../base/log.ts'
import { openSafeFetch, type SafeFetch } from '../base/safe-fetch.ts'
import { type EvaluatorKeys, isUnknownKey, judgeAnswer, openEvaluatorKeys, readJson } from './evaluator-answer.ts'
import { type Told, tellOf } from './evaluator-claims.ts'
import type { Answers, FactsSource } from './facts.ts'
import type { ExternalQuestion } from './model.ts'

export interface EvaluationRooms {
  egress: Egress
  /** Inside our own network, where evaluators may be; plain http is spoken there alone. */
  allowed: readonly Place[]
  /** Signs with the portal's keys. @returns a JWS in compact form */
  sign(claims: Record<string, unknown>): Promise<string>
  /** The base URL under which the keys are published. */
  issuer(): string
  countryOf(ip: string): string | null
  clock: Clock
  log: Log
}

/** For everything that one question takes. */
export const DEADLINE_MS = 2000
const LIMITS = {
  redirects: 0,
  answerBytes: 64 * 1024,
  connectMs: DEADLINE_MS,
  firstByteMs: DEADLINE_MS,
  totalMs: DEADLINE_MS,
} as const
/** How long it is left alone with this caller where no good answer came. */
const FAILED_MS = 5000
const TOKEN_SECONDS = 60
/** For an evaluator whose clock is behind. */
const EARLY_SECONDS = 60
const MOST_KEPT = 20_000
/** Under way at one time: what one evaluator keeps waiting must not stop the others. */
export const MOST_AT_ONCE = { perEvaluator: 128, inAll: 512 } as const
/** Of one decision. Beyond, questions stay without an answer. */
const MOST_QUESTIONS = 16

/** `answer` null: none that counts. `until` is in milliseconds since 1970. */
interface Kept {
  answer: boolean | null
  until: number
}

export function openExternalEvaluation(rooms: EvaluationRooms): FactsSource['evaluate'] {
  const { clock, countryOf } = rooms
  const asker = openAsker(rooms)
  const kept = new Map<string, Kept>()
  const asking = new Map<string, Promise<Kept>>()
  const busy = new Map<string, number>()

  function keep(key: string, come: Kept): void {
    kept.delete(key)
    if (kept.size >= MOST_KEPT) kept.delete(kept.keys().next().value ?? '')
    kept.set(key, come)
  }

  function look(question: ExternalQuestion, told: Told): Kept | Promise<Kept> {
    const key = `${told.digest} ${question.key}`
    const now = clock.now()
    const known = kept.get(key)
    if (known !== undefined && known.until > now) return known
    const underWay = asking.get(key)
    if (underWay !== undefined) return underWay
    const own = busy.get(question.key) ?? 0
    if (own >= MOST_AT_ONCE.perEvaluator || asking.size >= MOST_AT_ONCE.inAll) return { answer: null, until: now }
    busy.set(question.key, own + 1)
    const answer = asker(question, told).then((come) => {
      const left = (busy.get(question.key) ?? 1) - 1
      if (left === 0) busy.delete(question.key)
      else busy.set(question.key, left)
      asking.delete(key)
      keep(key, come)
      return come
    })
    asking.set(key, answer)
    return answer
  }

  return (questions, principal, origin) => {
    const asked = questions.slice(0, MOST_QUESTIONS)
    const told = tellOf(principal, origin, origin.ip === null ? null : countryOf(origin.ip))
    const looked = asked.map((question) => look(question, told))
    return looked.some((one) => one instanceof Promise)
      ? Promise.all(looked).then((come) => answersOf(asked, come))
      : answersOf(asked, looked as readonly Kept[])
  }
}

function answersOf(asked: readonly ExternalQuestion[], come: readonly Kept[]): Answers {
  const answers = new Map<string, boolean>()
  let until = Number.POSITIVE_INFINITY
  come.forEach((one, index) => {
    const question = asked[index]
    if (question !== undefined && one.answer !== null) answers.set(question.key, one.answer)
    until = Math.min(until, one.until)
  })
  return { answers, until }
}

/** Never throws. */
type Asker = (question: ExternalQuestion, told: Told) => Promise<Kept>

function openAsker(rooms: EvaluationRooms): Asker {
  const { clock, log } = rooms
  // Plain http only where the owner opened the very place: the identity of callers travels there.
  const send = openSafeFetch(rooms.egress, { ...LIMITS, allowed: rooms.allowed, allowHttp: 'opened' })
  const exchange = { ...rooms, send, keys: openEvaluatorKeys({ send, clock }) }
  // One line when an evaluator begins to fail, however many callers wait for it.
  const failing = new Set<string>()
  return async (question, told) => {
    const signal = AbortSignal.timeout(DEADLINE_MS)
    try {
      const verdict = await Promise.race([ask(exchange, question, told, signal), abortion(signal)])
      if (failing.delete(question.key)) log.info({ evaluator: nameOf(question) }, 'an external evaluator answers again')
      return verdict
    } catch (error) {
      if (!failing.has(question.key)) {
        if (failing.size >= MOST_KEPT) failing.clear()
        failing.add(question.key)
        log.warn({ err: error, evaluator: nameOf(question) }, 'an external evaluator gives no answer that counts')
      }
      return { answer: null, until: clock.now() + FAILED_MS }
    }
  }
}

/** For the log: a query may hold a secret. */
function nameOf({ evaluateUrl }: ExternalQuestion): string {
  return evaluateUrl.split('?', 1)[0] ?? ''
}

interface Exchange extends EvaluationRooms {
  send: SafeFetch
  keys: EvaluatorKeys
}

async function ask(rooms: Exchange, question: ExternalQuestion, told: Told, signal: AbortSignal): Promise<Kept> {
  const { clock, send, keys } = rooms
  const issuer = rooms.issuer()
  // Unique for each question: an answer to any other, or to this one asked before, does not fit.
  const nonce = randomBytes(24).toString('base64url')
  const iat = Math.floor(clock.now() / 1000)
  const token = await rooms.sign({
    ...{ iss: issuer, aud: [question.evaluateUrl], iat, nbf: iat - EARLY_SECONDS, exp: iat + TOKEN_SECONDS, nonce },
    // Never `app`: a server that takes statements of ours must not take this one.
    type: 'external_evaluation',
    identity: told.identity,
  })
  const response = await send(question.evaluateUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify({ token }),
    signal,
  })
  const { token: answer } = await readJson(response)
  if (typeof answer !== 'string') throw new Error('the answer has no token')
  const expected = { nonce, identity: told.identity, issuer }
  const set = await keys.at(question.keysUrl)
  const judged = judgeAnswer(answer, set, expected, clock.now())
  const { success, until } = await judged.catch(async (error: unknown) => {
    if (!isUnknownKey(error)) throw error
    return judgeAnswer(answer, await keys.at(question.keysUrl, set), expected, clock.now())
  })
  return { answer: success, until }
}

/** Also ends the wait for what cannot be aborted: a name, a handshake, a signature. */
function abortion(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}
