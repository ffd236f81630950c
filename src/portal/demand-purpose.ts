/** What a person needs something for, where a policy wants to know. It is the person's text: it is kept, shown, and never believed. */

import { digest } from '../base/secret.ts'
import { visible } from '../base/visible.ts'
import { LIMITS } from '../config/limits.ts'
import type { Asking } from '../policy/model.ts'
import { type Fields, modeFor } from '../protocol/elicitation.ts'
import { memoryOf, remembering, withPurpose } from './demand-memory.ts'
import { aboutCall, purposePage } from './demand-page.ts'
import { type Demand, mayAsk, type Pursued, pursue, refuse, topicFor } from './demand-turn.ts'
import { type PurposeKey, readPurpose, savePurpose } from './purpose-store.ts'
import type { Scene } from './scene.ts'

const MOST = LIMITS.purpose.value
const FIELDS: Fields = { purpose: { type: 'string', title: 'What do you need it for?', maxLength: MOST } }

/** @returns what was written, without the space around it; null for what is nothing, or too much */
export function readPurposeText(text: unknown): string | null {
  if (typeof text !== 'string') return null
  const read = text.trim()
  // What nobody can see is nothing.
  const hasLetters = /[\p{L}\p{N}]/u.test(read)
  return hasLetters && read.length <= MOST ? read : null
}

/** As the audit keeps it: one line, with whatever cannot be seen made visible. */
export function purposeForAudit(purposes: readonly string[]): string {
  return visible(purposes.join(' / '))
}

export interface Purposes {
  kind: 'met'
  texts: readonly string[]
  /** To be used up when the call goes on: they count for one call. */
  once: readonly PurposeKey[]
  scene: Scene
}

export async function meetPurposes(asking: readonly Asking[], scene: Scene): Promise<Purposes | Pursued> {
  const texts: string[] = []
  const once: PurposeKey[] = []
  let now = scene
  for (const one of asking) {
    if (one.terms.purpose === null) continue
    const given = await givenFor(one, now)
    if (given !== null) {
      texts.push(given.text)
      if (given.once !== null) once.push(given.once)
      continue
    }
    const asked = await askFor(one, now)
    if (asked.kind !== 'met') return asked
    texts.push(asked.text)
    now = asked.scene
  }
  return { kind: 'met', texts, once, scene: now }
}

async function givenFor({ policy, terms }: Asking, scene: Scene) {
  const told = memoryOf(scene).purposes[policy]
  if (told !== undefined) return { text: told, once: null }
  const { store, sealer } = scene.rooms.demands
  const key: PurposeKey = { owner: ownerOf(scene), policy }
  const text = await readPurpose(store, sealer, key)
  return text === undefined ? null : { text, once: terms.sessionMs === null ? key : null }
}

/** Of the grant, in whatever session: a person says it once for one client of theirs. */
function ownerOf({ visit }: Scene): string {
  return `grant:${visit.principal.grant}`
}

type AskedFor = { kind: 'met'; text: string; scene: Scene } | Pursued

async function askFor(asking: Asking, scene: Scene): Promise<AskedFor> {
  const { policy } = asking
  const about = { reason: 'purpose', policy } as const
  if (!mayAsk(scene)) return { kind: 'over', held: refuse(about, CANNOT) }
  const demand = demandOf(asking, scene)
  for (let now = scene; ; ) {
    const pursued = await pursue(demand, now)
    if (pursued.kind !== 'filled-in') return pursued
    const text = readPurposeText(pursued.content.purpose)
    if (text === null) {
      // Asked again, in the next turn, within its bounds.
      now = pursued.scene
      continue
    }
    const { store, sealer } = scene.rooms.demands
    const { sessionMs } = asking.terms
    if (sessionMs !== null)
      await savePurpose(store, sealer, { owner: ownerOf(scene), policy }, { text, life: sessionMs })
    return { kind: 'met', text, scene: remembering(pursued.scene, withPurpose(memoryOf(pursued.scene), policy, text)) }
  }
}

const CANNOT =
  'A policy wants a person to say what this is for, and whoever calls here cannot be asked. Nothing was done. Ask an administrator of the portal.'

function demandOf({ policy, terms }: Asking, scene: Scene): Demand {
  const { visit, rooms } = scene
  const { server, name } = aboutCall(scene)
  const prompt = terms.purpose?.prompt ?? null
  const question = prompt ?? `What do you need ${name} of ${server.name} for?`
  const key: PurposeKey = { owner: ownerOf(scene), policy }
  const why = `Before ${name} of ${server.name} is called, a policy wants to know what for.`
  const subject = { ...aboutCall(scene), grant: visit.principal.grant, policy, prompt, sessionMs: terms.sessionMs }
  const isForm = modeFor(visit.client, false) === 'form'
  const page = { link: (id: string | null) => purposePage(scene, subject, id) }
  return {
    topic: topicFor('purpose', digest(policy)),
    reason: 'purpose',
    policy,
    message: (isAgain) =>
      `${isAgain ? (isForm ? `It takes some words, and at most ${MOST} characters. ` : 'Still waiting for you to say it on the page. ') : ''}${question} What you write is kept in the audit.`,
    ...(isForm ? { fields: FIELDS } : page),
    state: {},
    waits: {
      topic: 'approvals',
      message: 'Waiting for the user to say what it is for.',
      isSettled: async () => (await readPurpose(rooms.demands.store, rooms.demands.sealer, key)) !== undefined,
    },
    told: {
      unwilling: (said) =>
        `${why} The user ${said ? 'did not want to say it' : 'closed the question without an answer'}, and nothing was done.`,
      late: (url) => `${why} Nobody said it in time, and nothing was done. ${at(url)}`,
      unable: (url) => `${why} Nothing was done. ${at(url)}`,
    },
  }
}

function at(url: string | null): string {
  return url === null
    ? 'Call again to be asked again.'
    : `Ask the user to open ${url} and say it there, then call again with exactly the same arguments within 15 minutes.`
}
