/** Every attack of the hostile server, one entry each. To add one is to add a row to one of these tables. */
import type { Mode } from './mode.ts'
import { ANSWER_MODES } from './modes-answers.ts'
import { CONNECTION_MODES } from './modes-connection.ts'
import { DEFINITION_MODES } from './modes-definitions.ts'
import { FLOOD_MODES } from './modes-floods.ts'

export const MODES: readonly Mode[] = [...ANSWER_MODES, ...CONNECTION_MODES, ...DEFINITION_MODES, ...FLOOD_MODES]
