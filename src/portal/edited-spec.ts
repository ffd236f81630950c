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
  servers: ReadonlyMap<string, readonly PolicyId[]>
}

export function editedSpec(spec: PortalSpec, { book, portals, servers }: Edits): PortalSpec {
  const attached = (ids: readonly PolicyId[] | undefined, now: readonly Policy[]) =>
    (ids ?? now.map(({ id }) => id)).map((id) => book.policy(id))
  const policies = attached(portals.get(spec.id), spec.policies)
  const edited = spec.servers.map((server) => ({
    ...server,
    policies: attached(servers.get(server.id), server.policies),
  }))
  const own = edited.map((server) => server.policies)
  return {
    ...{ ...spec, policies, servers: edited },
    coverage: openCoverage(policies, own),
    asked: askedBy([policies, ...own].flat()),
  }
}
