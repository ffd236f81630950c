/**
 * What keeps a question together between its asking and its answer: links to pages that are one person's alone, the
 * sealed state that a client of 2026 carries, and answers that came to another replica than the one that waits.
 * It decides nothing; `ask.ts` asks.
 */
import { randomBytes } from 'node:crypto'
import type { Sealer } from '../base/secret.ts'
import { KIB, LIMITS } from '../config/limits.ts'
import type { JsonObject } from '../protocol/model.ts'
import type { Store } from '../store/open.ts'
import type { InquiryEnd } from './errand.ts'
import {
  deleteQuestion,
  handAnswer,
  insertQuestion,
  type QuestionRecord,
  readAnswers,
  readQuestion,
  useOnce,
} from './question-store.ts'

/** What a client of 2026 carries from one try to the next. */
export interface Carried {
  /** What was asked last: the key of its answer. */
  kind: string
  /** The answers of earlier tries, by kind. */
  answers: Readonly<Record<string, JsonObject>>
  /** What those who asked want to know when the answer comes, by topic. */
  notes: Notes
}

/** The kind, and the topic, of what a server asked: its answers have keys of the server's own. */
export const RELAY = 'server'

export type Notes = Readonly<Record<string, JsonObject>>

/** Whether these notes are of a call that had to meet something: it goes on once, whatever it may be repeated for else. */
export function hasMet(notes: Notes): boolean {
  const met = notes[RELAY]?.met
  return Array.isArray(met) && met.length > 0
}

/** Who was asked, and where; the kind and subject are the question's own. */
export type Asked = Pick<QuestionRecord, 'principal' | 'owner' | 'portalUid'>

export interface Questions {
  /** Makes a page for one person. @returns the id for its link, 256 bits; good for 15 minutes */
  makePage(asked: Asked, kind: string, subject: JsonObject): Promise<string>
  /** @returns the page that waits under this id, whoever asks: the caller compares the principal */
  findPage(id: string, kind: string): Promise<QuestionRecord | undefined>
  /** @param binding what the state is good for; it opens for nothing else @param lifeMs how long, where that is not as for all */
  carry(binding: string, carried: Carried, lifeMs?: number): string
  /** Opens what a client brought back, as `take` would, and uses nothing up. */
  peek(binding: string, state: string): Carried | undefined
  /**
   * Opens what a client brought back, and uses it up where it comes with an answer.
   * @returns undefined for what is not ours, is for something else, is too old, or was used before
   */
  take(
    binding: string,
    state: string,
    asked: Asked,
    hasAnswer: (kind: string, notes: Notes) => boolean,
  ): Promise<Carried | undefined>
  /** A question is open in this process: its answer may come to another one. @param lifeMs as of `carry` */
  expect(id: string, asked: Asked, lifeMs?: number): Promise<void>
  /** An answer came for a question that this process does not know. */
  hand(id: string, owner: string, end: InquiryEnd): Promise<void>
  /** Answers that came to other replicas, of those that are open here. */
  handed(ids: readonly string[]): Promise<ReadonlyMap<string, InquiryEnd>>
  /** The question is answered or given up. */
  settle(id: string): Promise<void>
  /** Called when another replica has taken an answer. @returns a function that ends the listening */
  onHanded(listener: () => Promise<void>): () => void
}

export interface QuestionDeps {
  store: Store
  /** For the purpose `question`. */
  sealer: Sealer
  /** Milliseconds since 1970: what was asked before is over, because a backup was restored then. */
  since?: number
}

const STATE_MS = LIMITS.answer_time.value
const PAGE_MS = LIMITS.page_link.value
const MOST_ANSWER = 64 * KIB
const STATE = 'state'
const INQUIRY = 'inquiry'

/** Short keys: it travels twice with each round. */
interface Sealed {
  n: string
  c: number
  k: string
  a: Readonly<Record<string, JsonObject>>
  m?: Notes
  /** How long it is good, in milliseconds; left out where that is as for all. */
  l?: number
}

export function openQuestions({ store, sealer, since = 0 }: QuestionDeps): Questions {
  const { clock } = store
  // With SQLite there is one process, and it knows its own questions.
  const hasReplicas = store.dialect === 'postgres'
  const whereOf = (id: string) => `questions/${id}`

  function opened(binding: string, state: string): { carried: Carried; life: number; id: string } | undefined {
    const plain = isPlainlySpelt(state) ? sealer.open(state, binding) : undefined
    if (plain === undefined) return undefined
    // Only what this program sealed comes out of a seal, so its form is trusted.
    const { n, c, k, a, m = {}, l: life = STATE_MS } = JSON.parse(plain) as Sealed
    const age = clock.now() - c
    if (c < since || age > life) return undefined
    return { carried: { kind: k, answers: a, notes: m }, life, id: n }
  }

  return {
    async makePage(asked, kind, subject) {
      const id = newSecretId()
      await insertQuestion(store, id, { ...asked, kind, subject: JSON.stringify(subject) }, PAGE_MS)
      return id
    },
    findPage: (id, kind) => readQuestion(store, id, kind),
    carry(binding, { kind, answers, notes }, lifeMs) {
      const sealed: Sealed = { n: newSecretId(), c: clock.now(), k: kind, a: answers, m: notes }
      if (lifeMs !== undefined) sealed.l = lifeMs
      return sealer.seal(JSON.stringify(sealed), binding)
    },
    peek: (binding, state) => opened(binding, state)?.carried,
    async take(binding, state, asked, hasAnswer) {
      const found = opened(binding, state)
      if (found === undefined) return undefined
      const { carried, life, id } = found
      const { kind, notes } = carried
      if (!hasAnswer(kind, notes)) return carried
      // The mark outlives the state, whatever the clocks of two replicas say.
      const isFirst = await useOnce(store, id, { ...asked, kind: STATE, subject: 'null' }, 2 * life)
      return isFirst ? carried : undefined
    },
    async expect(id, asked, lifeMs = STATE_MS) {
      if (hasReplicas) await insertQuestion(store, id, { ...asked, kind: INQUIRY, subject: 'null' }, 2 * lifeMs)
    },
    async hand(id, owner, end) {
      if (!hasReplicas) return
      const text = JSON.stringify(end)
      // It is kept for a moment, and no answer to a form of ours is nearly as long.
      const kept = text.length > MOST_ANSWER ? JSON.stringify({ kind: 'error', body: {} }) : text
      await handAnswer(store, id, owner, sealer.seal(kept, whereOf(id)))
    },
    async handed(ids) {
      const found = new Map<string, InquiryEnd>()
      if (!hasReplicas || ids.length === 0) return found
      for (const [id, sealed] of await readAnswers(store, ids)) {
        const plain = sealer.open(sealed, whereOf(id))
        if (plain !== undefined) found.set(id, JSON.parse(plain) as InquiryEnd)
      }
      return found
    },
    async settle(id) {
      if (hasReplicas) await deleteQuestion(store, id)
    },
    onHanded: (listener) => (hasReplicas ? store.versions.changed('questions', listener) : () => undefined),
  }
}

/** Base64 says the same in several ways (RFC 4648, section 3.5); a state is good in the one that we wrote, and changed in no letter. */
function isPlainlySpelt(state: string): boolean {
  const [, , ...parts] = state.split('.')
  return parts.every((part) => Buffer.from(part, 'base64url').toString('base64url') === part)
}

/** 256 bits, as a URL may carry them. */
function newSecretId(): string {
  return randomBytes(32).toString('base64url')
}
