/**
 * What a model would be shown of a portal's tools whose person is not here, in each mode: by the very lists and instructions that a client
 * gets. Nothing is asked of a server, and what people's own accounts list is left out: it is for nobody else to see.
 */
import type { Principal } from '../base/principal.ts'
import type { Facts } from '../policy/model.ts'
import type { Upstreams } from '../upstream/model.ts'
import { builtinList } from './builtin.ts'
import type { Catalog, Visible } from './catalog.ts'
import { partsIn } from './context/list-mode.ts'
import { MODES, type Mode, modeOf, NOTHING_ASKED } from './context/mode.ts'
import { accessOf } from './explain-access.ts'
import { instructionsFor } from './introduce.ts'
import type { PortalSpec } from './spec.ts'

export interface ShownTool {
  /** Null where it is the portal's own. */
  server: string | null
  /** As a client of 2026 has it listed, as JSON text. */
  text: string
}

export interface ShownMode {
  mode: Mode
  /** What clients get that do not ask for another. */
  isUsual: boolean
  /** Whether a client can get it here at all. */
  isOffered: boolean
  instructions: string
  tools: readonly ShownTool[]
}

export interface Onlooker {
  spec: PortalSpec
  principal: Principal
  facts: Facts
  catalog: Catalog
  upstreams: Pick<Upstreams, 'inventory'>
}

/** @returns every mode, also one that the portal does not offer; empty where the policies do not let them in */
export function shownTo(onlooker: Onlooker): ShownMode[] {
  const { spec, catalog, upstreams } = onlooker
  const visible = visibleTo(onlooker)
  if (visible === null) return []
  const { parts } = catalog.list('tool', visible)
  const usual = modeOf(NOTHING_ASKED, spec)
  return MODES.map((mode) => {
    const view = { spec, visible, mode, mounted: false, own: new Map() }
    const own = builtinList(view).map((text) => ({ server: null, text }))
    const theirs = mode === 'all' ? parts : partsIn(mode, parts)
    return {
      ...{ mode, isUsual: mode === usual, isOffered: isOffered(mode, spec) },
      instructions: instructionsFor(view, { upstreams }),
      tools: [...own, ...theirs.map((text) => ({ server: serverOf(text, catalog), text }))],
    }
  })
}

/** Before they switch anything off, at the portal's own address. */
function visibleTo({ spec, principal, facts }: Onlooker): Visible | null {
  const access = accessOf(spec, facts)
  if (!access.enter.allow) return null
  const has = spec.servers.map(
    ({ uid, onBehalf }) => access.servers.get(uid)?.allow === true && !(onBehalf && principal.kind !== 'user'),
  )
  return {
    has,
    key: has.map((yes) => (yes ? '1' : '0')).join('') + access.key,
    may: ({ scope, capability }) => access.of(scope, capability).allow,
  }
}

function isOffered(mode: Mode, { codeMode }: PortalSpec): boolean {
  return mode === 'code_mode' ? codeMode !== 'off' : codeMode !== 'enforced'
}

function serverOf(text: string, catalog: Catalog): string | null {
  const { name } = JSON.parse(text)
  return catalog.find('tool', name)?.server.id ?? null
}
