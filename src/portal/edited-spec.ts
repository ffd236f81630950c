/** A portal as it would be with other policies, or others attached: for questions about what a change would do, before it is made. */
import type { PolicyId } from '../base/ids.ts'
import { openCoverage } from '../policy/coverage.ts'
import { askedBy } from '../policy/facts.ts'
import type { Policy } from '../policy/model.ts'
import type { RuleBook } from '../policy/rule-book.ts'
import type { PortalSpec } from './spec.ts'

export interface Edits {
  /** All policies as they would be. */
  book: RuleBook
  /** Which would be attached, in order, by the id of the portal or server; what is not in here stays as it is. */
  portals: ReadonlyMap<string, readonly PolicyId[]>
  /** Null: the portal's decide alone. */
  servers: ReadonlyMap<string, readonly PolicyId[] | null>
}

export function editedSpec(spec: PortalSpec, { book, portals, servers }: Edits): PortalSpec {
  const prepared = (ids: readonly PolicyId[]) => ids.map((id) => book.policy(id))
  const policies = prepared(portals.get(spec.id) ?? idsOf(spec.policies))
  const edited = spec.servers.map((server) => {
    const stays = server.policies === null ? null : idsOf(server.policies)
    const ids = servers.has(server.id) ? (servers.get(server.id) ?? null) : stays
    return { ...server, policies: ids === null ? null : prepared(ids) }
  })
  const own = edited.map((server) => server.policies)
  return {
    ...{ ...spec, policies, servers: edited },
    coverage: openCoverage(policies, own),
    asked: askedBy([policies, ...own.map((list) => list ?? [])].flat()),
  }
}

function idsOf(policies: readonly Policy[]): PolicyId[] {
  return policies.map(({ id }) => id)
}
