/** Pages on which a person gives what a call of theirs lacks: links that are one person's alone, for a quarter of an hour. */
import type { GrantId, PolicyId } from '../base/ids.ts'
import type { JsonObject } from '../protocol/model.ts'
import { addresseeOf } from './ask.ts'
import type { QuestionRecord } from './question-store.ts'
import type { Questions } from './questions.ts'
import type { Links } from './rooms.ts'
import type { Scene } from './scene.ts'

/** What the call is, as its person may recognise it. */
export interface AboutCall {
  /** What the client calls itself. */
  client: string | null
  server: { id: string; name: string }
  name: string
}

export interface PurposeSubject extends AboutCall {
  grant: GrantId
  policy: PolicyId
  prompt: string | null
  /** Milliseconds for which one answer counts; null: for one call. */
  sessionMs: number | null
}

export interface StepUpSubject extends AboutCall {
  grant: GrantId
  /** The account that has to prove itself. */
  issuer: string
  subject: string
  methods: readonly string[]
  /** Milliseconds. */
  maxAge: number | null
}

const PURPOSE = 'purpose'
const STEP_UP = 'step-up'

export type FoundPurpose = Omit<QuestionRecord, 'subject'> & PurposeSubject
export type FoundStepUp = Omit<QuestionRecord, 'subject'> & StepUpSubject

export function aboutCall({ visit, target }: Scene): AboutCall {
  if (target.kind !== 'capability') throw new Error('only what a server has is guarded so')
  const { server, original } = target.entry
  return { client: visit.client.name, server: { id: server.id, name: server.name }, name: original }
}

/** @param page one that was made for this call before; it is made anew where it is over */
export async function purposePage(scene: Scene, subject: PurposeSubject, page: string | null) {
  const id = await madeOr(scene, { kind: PURPOSE, subject: { ...subject } as unknown as JsonObject }, page)
  return { id, url: `${scene.rooms.links.issuer()}/approve/purpose/${id}` }
}

export async function stepUpPage(scene: Scene, subject: StepUpSubject, page: string | null) {
  const id = await madeOr(scene, { kind: STEP_UP, subject: { ...subject } as unknown as JsonObject }, page)
  return { id, url: `${scene.rooms.links.issuer()}${stepUpPath(id)}` }
}

export function stepUpPath(id: string): string {
  return `/approve/sign-in/${id}`
}

export function approvalUrl(links: Links, id: string): string {
  return `${links.issuer()}/approve/${id}`
}

async function madeOr(scene: Scene, { kind, subject }: { kind: string; subject: JsonObject }, page: string | null) {
  const { questions } = scene.rooms
  if (page !== null && (await questions.findPage(page, kind)) !== undefined) return page
  return questions.makePage(addresseeOf(scene), kind, subject)
}

type Finding = Pick<Questions, 'findPage'>

/** @returns undefined where no such page waits; whose it is, is for the caller to compare */
export async function findPurpose(questions: Finding, id: string): Promise<FoundPurpose | undefined> {
  const found = await questions.findPage(id, PURPOSE)
  return found && { ...found, ...(JSON.parse(found.subject) as PurposeSubject) }
}

/** @returns undefined where no such page waits; whose it is, is for the caller to compare */
export async function findStepUp(questions: Finding, id: string): Promise<FoundStepUp | undefined> {
  const found = await questions.findPage(id, STEP_UP)
  return found && { ...found, ...(JSON.parse(found.subject) as StepUpSubject) }
}
