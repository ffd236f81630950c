/** One way to change what an application stands for: found, allowed and written in one transaction, through the object's own checks. */
import type { PolicyId } from '../base/ids.ts'
import type { AppUpdate } from '../contract/access-app.ts'
import { rightsOf } from '../contract/rights.ts'
import type { Db } from '../store/open.ts'
import { type AccessApp, findApp } from './access-app-store.ts'
import type { Writing } from './app-policies.ts'
import { forbidden, invalid, notFound, readOnly } from './refusal.ts'
import type { Call } from './route.ts'
import { writeInTurn } from './rules-in-turn.ts'
import { changePortal } from './write-portal.ts'
import { changeServer } from './write-server.ts'

/** Finds the application, sees that it may be changed, and does it in one transaction. */
export function changeApp<T>(call: Call<unknown>, work: (writing: Writing, app: AccessApp) => Promise<T>): Promise<T> {
  const { deps, id, author } = call
  return writeInTurn(deps.store, async (trx) => {
    const app = await existingApp(trx, id)
    requireRight(call, app)
    if (app.object.origin === 'file') {
      throw readOnly(app.type === 'mcp' ? 'server' : 'portal', app.object.id, deps.configFile)
    }
    return work({ store: deps.store, trx, author }, app)
  })
}

/** The list is the portal's or the server's, and who may not write those may not write it here. */
export function requireRight({ operator }: Call<unknown>, { type }: AccessApp): void {
  const right = type === 'mcp' ? 'servers:write' : 'portals:write'
  if (!rightsOf(operator.role, operator.scopes).includes(right)) {
    throw forbidden(`This changes a ${type === 'mcp' ? 'server' : 'portal'}, and needs the right "${right}" too.`)
  }
}

export function attach(
  call: Call<unknown>,
  writing: Writing,
  app: AccessApp,
  policies: readonly PolicyId[],
): Promise<void> {
  return rewrite(call, writing, app, { policies })
}

interface Rewritten {
  policies?: readonly PolicyId[] | undefined
  oauth_configuration?: AppUpdate['oauth_configuration']
}

/** Through the same checks as a portal or server that is written itself. */
export async function rewrite(
  { deps }: Call<unknown>,
  { trx, author }: Writing,
  app: AccessApp,
  { policies, oauth_configuration: sent }: Rewritten,
): Promise<void> {
  const attached = policies === undefined ? {} : { policies: [...policies] }
  if (app.type === 'mcp') {
    if (sent) throw invalid('oauth_configuration', 'belongs to a portal; people sign in there')
    if (policies !== undefined) await changeServer(deps, trx, app.object, { body: attached, author })
  } else {
    const { enabled: _, ...rules } = sent ?? {}
    const clients = sent === undefined ? {} : { oauth_configuration: sent && rules }
    await changePortal(deps, trx, app.object, { body: { ...attached, ...clients }, author })
  }
}

export async function existingApp(db: Db, id: string): Promise<AccessApp> {
  const app = await findApp(db, id)
  if (app === undefined) throw notFound('application', id)
  return app
}
