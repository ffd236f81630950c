/**
 * One call that waits for its caller between two of its requests: a server of 2024 or 2025 asked something in its midst, the client of
 * 2026 was told so, and its request has ended. The call at the server goes on waiting. It belongs to the caller that made it.
 */
import { randomUUID } from 'node:crypto'
import type { Cancellation } from '../base/cancel.ts'
import { type Askable, isAskable, type ServerAnswer, type ServerQuestion } from '../protocol/asked.ts'
import { ErrorCode } from '../protocol/errors.ts'
import type { JsonObject, Notification } from '../protocol/model.ts'
import type { Performed } from './checkpoint.ts'
import { fitAnswer, isObject, unput } from './relay-question.ts'

/** A question as it was put to the client, and the way back to the server. */
export interface Open {
  question: ServerQuestion
  settle(answer: ServerAnswer): void
}

/** Whose it is. */
export interface ParkOwner {
  /** As `principalKey` says, and what the caller's switches hang off. */
  principal: string
  owner: string
  portalUid: string
}

/** What a parked call came to: its end, or what its server asks first. */
export type Came = { kind: 'ended'; done: Performed } | { kind: 'asked'; questions: [string, ServerQuestion][] }

/** What is looked at whenever policies, portals, lists or tokens change. */
export type StillMay = () => Promise<boolean>

export class Park {
  readonly id = randomUUID()
  readonly whose: ParkOwner
  readonly cancel: Cancellation
  readonly mayStill: StillMay
  /** How long its caller may stay away between two requests. */
  readonly waitMs: number
  /** Questions without an answer, by the keys that the client knows. */
  readonly open = new Map<string, Open>()
  /** What the request that is here can be asked: a client may say otherwise in its next one. */
  askable: Askable
  /** The audit's name of the credential that the call carries, as soon as it is known. */
  credential: string | null = null
  /** Some request waits for what comes of it, here or at another replica. */
  isAttended = true
  /** How the call at the server ends; set once it is made. */
  end: Promise<Performed> | null = null
  /** The questions so far; keys are never used twice. */
  asked = 0
  /** What the server reports goes to the request that is there; where none is, nobody could hear it. */
  listener: ((notification: Notification) => void) | null = null
  readonly report = (notification: Notification): void => this.listener?.(notification)
  readonly #raises = new Set<() => void>()

  constructor(
    whose: ParkOwner,
    { cancel, askable, mayStill, waitMs }: Pick<Park, 'cancel' | 'askable' | 'mayStill' | 'waitMs'>,
  ) {
    this.whose = whose
    this.cancel = cancel
    this.askable = askable
    this.mayStill = mayStill
    this.waitMs = waitMs
  }

  /** Resolves with the next question, or at once where one is open. */
  raised(): Promise<'asked'> {
    const { promise, resolve } = Promise.withResolvers<'asked'>()
    const raise = () => {
      this.#raises.delete(raise)
      resolve('asked')
    }
    this.#raises.add(raise)
    if (this.open.size > 0) raise()
    return promise
  }

  /** @returns the server's answer, when there is one */
  ask(question: ServerQuestion, signal: AbortSignal): Promise<ServerAnswer> {
    const key = `question-${++this.asked}`
    const { promise, resolve } = Promise.withResolvers<ServerAnswer>()
    const settle = (answer: ServerAnswer): void => {
      this.open.delete(key)
      resolve(answer)
    }
    this.open.set(key, { question, settle })
    signal.addEventListener('abort', () => settle(GIVEN_UP), { once: true })
    for (const raise of [...this.#raises]) raise()
    return promise
  }

  /** Nobody answers any more. @param reason for the log and the server */
  giveUp(reason: string): void {
    this.cancel.cancel(reason)
    this.giveUpQuestions()
  }

  /** The call goes on, and what it asks now has no answer. */
  giveUpQuestions(): void {
    for (const { settle } of [...this.open.values()]) settle(GIVEN_UP)
  }
}

export const GIVEN_UP: ServerAnswer = {
  error: { code: ErrorCode.InternalError, message: 'Nobody answers this question any more.' },
}

/** What a server asks at once arrives at once, or nearly so. */
const GATHER_MS = 10

/** @throws what the call at the server throws */
export async function comes(park: Park): Promise<Came> {
  const { end } = park
  if (end === null) throw new Error('a call is parked before it was made')
  for (;;) {
    const came = await Promise.race([end, park.raised()])
    if (came !== 'asked') return { kind: 'ended', done: came }
    await new Promise((resolve) => setTimeout(resolve, GATHER_MS))
    // The client of this request may do less than that of the one before.
    for (const { question, settle } of [...park.open.values()])
      if (!isAskable(question, park.askable)) settle(unput(question, 'the client cannot do it any more'))
    // The server may have given up its question, or answered, meanwhile.
    if (park.open.size > 0)
      return { kind: 'asked', questions: [...park.open].map(([key, { question }]) => [key, question]) }
  }
}

/** Gives the server its answers. What has none stays open, and is asked again. */
export function settle(park: Park, answers: JsonObject): void {
  for (const [key, open] of [...park.open]) {
    const given = Object.hasOwn(answers, key) ? answers[key] : undefined
    if (given === undefined) continue
    const result = isObject(given) ? fitAnswer(open.question, given) : null
    open.settle(result === null ? { error: NO_ANSWER } : { result })
  }
}

const NO_ANSWER = { code: ErrorCode.InvalidParams, message: 'The client answered with what is no answer.' }

/** Under what name a round of a call waits for its caller. */
export function roundOf(park: string, rounds: number): string {
  return `${park}.${rounds}`
}
