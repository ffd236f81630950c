/** `/me`: who asks, with which rights, and what this portal is. */
import type { MeShown } from '../contract/me.ts'
import { rightsOf } from '../contract/rights.ts'
import { readOrganization } from '../identity/organization.ts'
import type { Call, Outcome } from './route.ts'

export async function showMe({ deps, operator, account }: Call): Promise<Outcome> {
  const { kind, name, role, scopes } = operator
  const { name: organization } = await readOrganization(deps.store.db)
  const result: MeShown = {
    ...{ kind, name, role, rights: [...rightsOf(role, scopes)] },
    ...{ organization, account: deps.config.accountId ?? account },
    ...{ version: deps.version, url: deps.issuer(), database: deps.store.dialect, config_file: deps.configFile },
  }
  return { result }
}
