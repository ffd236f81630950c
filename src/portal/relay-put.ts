/** Puts one question of a server to a caller of 2025, and keeps in the audit what was asked and whether it was answered. */
import { randomUUID } from 'node:crypto'
import type { DeedEnd } from '../audit/event.ts'
import type { Askable, ServerAnswer, ServerQuestion } from '../protocol/asked.ts'
import { ErrorCode, toolError } from '../protocol/errors.ts'
import type { JsonObject } from '../protocol/model.ts'
import type { Entry } from './catalog.ts'
import type { Performed } from './checkpoint.ts'
import { startOf } from './deed-start.ts'
import type { InquiryEnd } from './errand.ts'
import { type Fit, fitAnswer, fitQuestion, paramsFor, unput } from './relay-question.ts'
import type { Scene } from './scene.ts'

/** One call whose server may ask. */
export interface Relayed {
  entry: Entry
  /** As the server gets them at first. */
  params: JsonObject
  scene: Scene
  /** Null where it may ask nothing. */
  askable: Askable | null
  /** What an older server asked all the same. */
  lacking: ServerQuestion[]
}

/** How long whoever is asked has to answer, in milliseconds. */
export function answerMs({ entry }: Pick<Relayed, 'entry'>): number {
  return entry.server.relay.answerSeconds * 1000
}

/** The question as it may be put, or why not. */
export function fitFor(question: ServerQuestion, { entry, scene }: Relayed): Fit {
  const { links } = scene.rooms
  return fitQuestion(question, { server: entry.server, isOwnHost: (host) => links.isOwnHost(host) })
}

/** @returns `gone` where the caller gave the call up */
export async function putNow(
  question: ServerQuestion,
  signal: AbortSignal,
  call: Relayed,
): Promise<ServerAnswer | 'gone'> {
  const { scene } = call
  const fit = fitFor(question, call)
  if ('refused' in fit) {
    await recordQuestion(question.method, call, { outcome: 'refused', decision: 'deny', error: 'not-passed-on' })
    return unput(question, fit.refused)
  }
  const { visit, errand, rooms } = scene
  const params = paramsFor(fit.question, visit.client.version, randomUUID())
  const entry = await rooms.audit.begin(questionDeed(question.method, call))
  const inquiry = errand.inquire?.(question.method, params, { signal, waitMs: answerMs(call) }) ?? null
  const end: InquiryEnd = inquiry === null ? { kind: 'over', why: 'closing' } : await inquiry
  const answer = readAnswer(question, end)
  await entry.finish(answerEnd(question, answer, end, call))
  return answer
}

function readAnswer(question: ServerQuestion, end: InquiryEnd): ServerAnswer | 'gone' {
  if (end.kind === 'over') return end.why === 'gone' ? 'gone' : unanswered(question)
  if (end.kind === 'error') return { error: errorOf(end.body) }
  const result = fitAnswer(question, end.body)
  return result === null ? { error: NO_ANSWER } : { result }
}

const NO_ANSWER = { code: ErrorCode.InvalidParams, message: 'The client answered with what is no answer.' }

function unanswered({ method }: ServerQuestion): ServerAnswer {
  if (method === 'elicitation/create') return { result: { action: 'cancel' } }
  return { error: { code: ErrorCode.InternalError, message: 'Nobody answered in time.' } }
}

function errorOf({ code, message }: JsonObject): { code: number; message: string } {
  return {
    code: typeof code === 'number' && Number.isSafeInteger(code) ? code : ErrorCode.InternalError,
    message: typeof message === 'string' ? message.slice(0, 1024) : 'The client could not answer.',
  }
}

/** A question is a deed of its own, part of the call that it was asked in. What was asked and answered stays between the two. */
export function questionDeed(method: string, { entry, scene }: Relayed) {
  return { ...startOf(method, entry.publicName, scene.visit), parent: scene.deed }
}

export async function recordQuestion(method: string, call: Relayed, end: DeedEnd): Promise<void> {
  const entry = await call.scene.rooms.audit.begin(questionDeed(method, call))
  await entry.finish({ ...end, server: call.entry.server.id })
}

/** Two people had calls under way where the server asked: nobody was. Each of the calls says so, since any of them may be what it asked for. */
export function recordPassedOver({ method }: ServerQuestion, call: Relayed): Promise<void> {
  return recordQuestion(method, call, { outcome: 'refused', decision: 'deny', error: 'not-alone' })
}

function answerEnd(question: ServerQuestion, answer: ServerAnswer | 'gone', end: InquiryEnd, call: Relayed): DeedEnd {
  const server = call.entry.server.id
  if (answer === 'gone') return { outcome: 'cancelled', server }
  if (end.kind === 'over') return { outcome: 'failed', server, error: end.why }
  return { ...endOfAnswer(question, answer), server }
}

/** Whether the person, or the client, said yes. */
export function endOfAnswer({ method }: ServerQuestion, answer: ServerAnswer): DeedEnd {
  if ('error' in answer) return { outcome: 'error', error: 'client-error' }
  const isNo = method === 'elicitation/create' && answer.result.action !== 'accept'
  if (!isNo) return { outcome: 'answered', decision: 'allow' }
  return { outcome: 'refused', decision: 'deny', error: answer.result.action === 'decline' ? 'declined' : 'dismissed' }
}

/** The call is over, because its server asked what cannot be answered. @param why after the server's name */
export function failedCall(done: Performed, { entry, scene }: Relayed, why: string): Performed {
  const text = `${entry.server.name} ${why}. What it did until then is not known.`
  const isTool = scene.errand.request.method === 'tools/call'
  return {
    ...done,
    reply: isTool ? toolError(text) : { kind: 'error', error: { code: ErrorCode.InternalError, message: text } },
    note: { error: 'not-answered' },
    isBegun: true,
  }
}
