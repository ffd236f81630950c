/**
 * What a server lists only to clients that can be asked something is listed to every caller who may use it: a list does not vary with the
 * client. Who cannot be asked it is told so at the call, before the server hears of anything, and only where the policies allow the call.
 */
import { type Refusal, refused } from '../base/refusal.ts'
import { type AskedKind, askableOf, capabilitiesFor, NOTHING_ASKABLE } from '../protocol/asked.ts'
import { askableAt, passesOn } from './relay-askable.ts'
import type { Scene } from './scene.ts'

const WORDS: Readonly<Record<AskedKind, string>> = {
  form: 'to fill in a form',
  url: 'to open a page',
  sampling: 'for an answer of its model',
  samplingTools: 'for an answer of its model, which may use tools',
  roots: 'for the folders that it works in',
}

/** @returns null where nothing is lacking, as for nearly every call */
export function lackingFor({ target, visit, errand, rooms }: Scene): Refusal | null {
  const needs = target.kind === 'capability' ? target.entry.definition.needs : undefined
  if (target.kind !== 'capability' || needs === undefined) return null
  const { server } = target.entry
  const era = rooms.upstreams.inventory(server.uid)?.era ?? null
  const can = askableAt(server, { visit, errand, era }) ?? NOTHING_ASKABLE
  const missing = needs.filter((need) => !can[need])
  if (missing.length === 0) return null
  const offers = `${server.name} offers this only to clients that it can ask ${missing.map((one) => WORDS[one]).join(', and ')}`
  const passed = passesOn(server, era)
  // To declare what an admin switched off would not help.
  if (missing.some((need) => !passed[need]))
    return refused(
      'cannot-be-asked',
      null,
      `${offers}, and this portal does not let it ask that. An administrator may.`,
    )
  const told = `${offers}, and this client did not declare that it can be asked so.`
  return { ...refused('cannot-be-asked', null, told), lacks: capabilitiesFor(askableOf(missing)) }
}
