/**
 * The page on which a person switches servers for one of their clients: a link that is good for that person alone, for one
 * grant or session of one portal, for a quarter of an hour.
 */
import type { JsonObject } from '../protocol/model.ts'
import { addresseeOf } from './ask.ts'
import type { QuestionRecord } from './question-store.ts'
import type { Questions } from './questions.ts'
import type { Scene } from './scene.ts'

/** The kind of the page, and of the question that leads to it. */
export const SELECTION = 'servers'

/** What the page has to know beyond whose switches they are. */
export interface Selection {
  /** What the client calls itself, or null: only for the person to recognise it. */
  client: string | null
  grant: string
}

/** @returns the link, and its id as clients know it */
export async function selectionLink(scene: Scene): Promise<{ id: string; url: string }> {
  const { visit, rooms } = scene
  const subject: Selection = { client: visit.client.name, grant: visit.principal.grant }
  const id = await rooms.questions.makePage(addresseeOf(scene), SELECTION, subject as unknown as JsonObject)
  return { id, url: `${rooms.links.issuer()}/authorize?elicitationId=${id}` }
}

export type FoundSelection = Omit<QuestionRecord, 'subject'> & Selection

/** @returns undefined where no such page waits; whose it is, is for the caller to compare */
export async function findSelection(questions: Questions, id: string): Promise<FoundSelection | undefined> {
  const found = await questions.findPage(id, SELECTION)
  return found && { ...found, ...(JSON.parse(found.subject) as Selection) }
}
