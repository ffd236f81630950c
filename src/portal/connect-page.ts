/**
 * The page on which a person connects their account at a server because a call needs it: a link that is good for that person
 * alone, for a quarter of an hour. Without such an id the same page is everybody's who is signed in, and knows of no call.
 */
import type { ServerUid } from '../base/ids.ts'
import type { JsonObject } from '../protocol/model.ts'
import { addresseeOf } from './ask.ts'
import type { QuestionRecord } from './question-store.ts'
import type { Questions } from './questions.ts'
import type { Links } from './rooms.ts'
import type { Scene } from './scene.ts'
import type { ServerSpec } from './spec.ts'

/** The kind of the page, and of the first question that leads to it. */
export const CONNECT = 'connect'

/** What the page has to know beyond whose it is. */
export interface ConnectSubject {
  /** What the client calls itself, or null: only for the person to recognise it. */
  client: string | null
  grant: string
  server: ServerUid
  /** All scopes that the call found missing or needs, or null where it says none. */
  scope: string | null
}

/** Where a person connects an account at this server, whatever led there. */
export function connectUrl(links: Links, { id }: Pick<ServerSpec, 'id'>): string {
  return `${links.issuer()}/connect/${encodeURIComponent(id)}`
}

/** The same place, for one call. @param page as `makeConnectPage` gave it */
export function connectLink(links: Links, server: Pick<ServerSpec, 'id'>, page: string): { id: string; url: string } {
  return { id: page, url: `${connectUrl(links, server)}?elicitationId=${page}` }
}

/** @returns the id of the page, as clients know it */
export function makeConnectPage(scene: Scene, server: Pick<ServerSpec, 'uid'>, scope: string | null): Promise<string> {
  const { visit, rooms } = scene
  const subject: ConnectSubject = {
    client: visit.client.name,
    grant: visit.principal.grant,
    server: server.uid,
    scope,
  }
  return rooms.questions.makePage(addresseeOf(scene), CONNECT, subject as unknown as JsonObject)
}

export type FoundConnect = Omit<QuestionRecord, 'subject'> & ConnectSubject

/** @returns undefined where no such page waits; whose it is, is for the caller to compare */
export async function findConnect(
  questions: Pick<Questions, 'findPage'>,
  id: string,
): Promise<FoundConnect | undefined> {
  const found = await questions.findPage(id, CONNECT)
  return found && { ...found, ...(JSON.parse(found.subject) as ConnectSubject) }
}
