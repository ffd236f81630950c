/** `/access/ai-controls/mcp/portals/{id}/context`: what a model is shown of a portal's tools, for whoever wants to know what that costs. */
import type { PortalId } from '../base/ids.ts'
import type { ShownContext, ShownContextQuery } from '../contract/shown-context.ts'
import { shownTo } from '../portal/shown-to.ts'
import { notFound } from './refusal.ts'
import type { Call, Outcome } from './route.ts'
import { simulateCaller } from './simulated-caller.ts'

const PERSONAL = 'What their own accounts list is not counted: it is for nobody else to see.'

/** No evaluator is told of somebody who did not come. */
export async function getShownContext({ deps, id, query }: Call<unknown, ShownContextQuery>): Promise<Outcome> {
  const { directory, store, clock, upstreams } = deps
  const spec = directory.byId(id as PortalId)
  if (spec === undefined) throw notFound('portal', id)
  const caller = await simulateCaller(store.db, query, clock.now())
  const { principal } = caller
  const asked = { ...spec.asked, external: [] }
  const { facts } = await deps.facts.gather(principal, { ip: null, certificate: null }, asked)
  const catalog = directory.catalog({ spec, mount: null })
  const modes = caller.stopped !== null ? [] : shownTo({ spec, principal, facts, catalog, upstreams })
  const result: ShownContext = {
    portal: spec.id,
    may_enter: modes.length > 0,
    modes: modes.map(({ mode, isUsual, isOffered, instructions, tools }) => ({
      ...{ mode, is_usual: isUsual, is_offered: isOffered, instructions },
      tools: tools.map(({ server, text }) => ({ server, definition: JSON.parse(text) })),
    })),
    remarks: [
      ...(caller.stopped === null ? [] : [caller.stopped]),
      ...caller.unknown,
      ...(spec.hasPersonal && principal.kind === 'user' ? [PERSONAL] : []),
    ],
  }
  return { result }
}
