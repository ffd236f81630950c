/** A definition as an admin decides on it: what was approved, what the server lists now, and what is worth a look. */
import type { DefinitionShown, FindingShown } from '../contract/definitions.ts'
import type { Json } from '../protocol/model.ts'
import type { Candidate } from '../upstream/decide-definitions.ts'
import { type Finding, findIn } from '../upstream/findings.ts'
import type { Hold, Pin } from '../upstream/pin-store.ts'
import { diffJson } from './json-diff.ts'
import { shownTime } from './times.ts'

export interface Background {
  /** The id of the server whose definition it is. */
  server: string
  pin: Pin | undefined
  hold: Hold | undefined
  /** Public names of other servers' tools. */
  beside: ReadonlyMap<string, string>
}

export function showDefinition({ kind, definition, state }: Candidate, background: Background): DefinitionShown {
  const { pin, hold, server } = background
  const isApproved = state === 'approved'
  return {
    kind,
    name: definition.name,
    state,
    hash: definition.hash,
    definition: JSON.parse(definition.json),
    ...(pin === undefined ? {} : { approved: showPin(pin, isApproved) }),
    ...(pin === undefined || isApproved ? {} : { diff: diffJson(parse(pin.json), parse(definition.json)) }),
    ...(isApproved || hold === undefined ? {} : { held: { since: shownTime(hold.since), changes: hold.changes } }),
    findings: findIn(definition, background.beside).map((finding) => showFinding(finding, server)),
  }
}

/** The approved definition stands beside another one only: else it is the definition itself. */
function showPin({ hash, json, approvedAt, approvedBy }: Pin, isSame: boolean): DefinitionShown['approved'] {
  const approval = { hash, at: shownTime(approvedAt), by: approvedBy }
  return isSame ? approval : { ...approval, definition: JSON.parse(json) }
}

function showFinding(finding: Finding, server: string): FindingShown {
  const { kind, path: pointer } = finding
  switch (finding.kind) {
    case 'hidden-characters': {
      const message = `Holds characters that a person does not see: ${finding.codePoints.join(', ')}.`
      return { kind, pointer, message, code_points: [...finding.codePoints] }
    }
    case 'instructions':
      return { kind, pointer, message: `Speaks to the model: "${finding.phrase}".` }
    case 'other-server': {
      const message = `The server "${server}" speaks of "${finding.tool}", a tool of the server "${finding.server}".`
      return { kind, pointer, message }
    }
  }
}

function parse(json: string): Json {
  return JSON.parse(json) as Json
}
