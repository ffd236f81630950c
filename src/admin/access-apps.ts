/** `/access/apps`: one for each portal and server, there as long as those are. */
import {
  type AppCreate,
  type AppQuery,
  type AppShown,
  type AppUpdate,
  KEPT_APP_SETTING_NAMES,
} from '../contract/access-app.ts'
import type { Db } from '../store/open.ts'
import type { StoredServer } from '../upstream/server-store.ts'
import {
  type AccessApp,
  type AppSettings,
  listApps as loadApps,
  revokeTokensOfPortal,
  saveAppSettings,
} from './access-app-store.ts'
import { policiesOf, policiesOfAll, takePolicies } from './app-policies.ts'
import { attach, changeApp, existingApp, requireRight, rewrite } from './change-app.ts'
import { isPlaced, meantBy } from './meant-app.ts'
import { pageOf } from './paging.ts'
import { invalid } from './refusal.ts'
import type { Call, Outcome } from './route.ts'
import { hostnameOf, nameOf, showApp } from './show-app.ts'
import { isNoneLeft, noneLeft } from './take-own-policies.ts'
import { writtenFields } from './written-fields.ts'

export async function listApps({ deps, query }: Call<unknown, AppQuery>): Promise<Outcome> {
  const { db } = deps.store
  const wanted = (await loadApps(db)).filter(
    (app) =>
      (query.name === undefined || nameOf(app) === query.name) &&
      (query.domain === undefined || hostnameOf(app) === query.domain.toLowerCase()) &&
      (query.aud === undefined || app.object.uid === query.aud),
  )
  const page = pageOf(wanted, query, (app) => [app.id, nameOf(app), hostnameOf(app) ?? app.object.id])
  const policies = await policiesOfAll(db, page.items)
  return { result: page.items.map((app, index) => showApp(app, policies[index] ?? [])), info: page.info }
}

export async function getApp({ deps, id }: Call): Promise<Outcome> {
  return { result: await shown(deps.store.db, id) }
}

/** Binds to the portal or server that is meant: there is one application for each, and never a second. */
export async function createApp(call: Call<AppCreate>): Promise<Outcome> {
  const app = meantBy(await loadApps(call.deps.store.db), call.body)
  return write({ ...call, id: app.id }, call.body)
}

export async function updateApp(call: Call<AppUpdate>): Promise<Outcome> {
  return write(call, call.body)
}

/**
 * What only the application had is forgotten, and its policies are taken away. So nobody enters a portal, and nobody uses a server that
 * had any; one that never had any leaves it to the policies of its portals, as before.
 */
export async function deleteApp(call: Call): Promise<Outcome> {
  const { id, deps } = call
  await changeApp(call, async (writing, app) => {
    await saveAppSettings(writing.store, writing.trx, app, {})
    await attach(call, writing, app, [])
  })
  await deps.upstreams.serversChanged()
  const { type, object } = await existingApp(deps.store.db, id)
  const closed = type === 'mcp' ? closedBy(object) : ['The portal has no policies now, so nobody may enter it.']
  return {
    result: { id },
    messages: [...closed, `The application is there as long as the ${type === 'mcp' ? 'server' : 'portal'} is.`],
    change: { object: 'app', id, fields: ['policies'] },
  }
}

export async function revokeAppTokens(call: Call): Promise<Outcome> {
  const { id, deps } = call
  const app = await existingApp(deps.store.db, id)
  requireRight(call, app)
  const ended =
    app.type === 'mcp'
      ? { clients: 0, accessTokens: 0 }
      : await deps.store.write((trx) => revokeTokensOfPortal(deps.store, trx, app.object.uid))
  return {
    result: { clients: ended.clients, access_tokens: ended.accessTokens },
    messages:
      app.type === 'mcp'
        ? ['A server has no tokens of its own: revoke those of its portals.']
        : [
            `Ended: ${ended.clients} clients and ${ended.accessTokens} access tokens. Service tokens are revoked by themselves.`,
          ],
    change: { object: 'app', id, fields: ['revoke_tokens'] },
  }
}

async function write(call: Call<unknown>, body: AppUpdate): Promise<Outcome> {
  const { deps, id } = call
  await changeApp(call, async (writing, app) => {
    if (body.type !== undefined && body.type !== app.type) throw invalid('type', `is "${app.type}" and cannot change`)
    if (isPlaced(body) && meantBy([app], { ...body, type: app.type }).id !== app.id)
      throw invalid('domain', 'cannot change')
    await saveAppSettings(writing.store, writing.trx, app, settingsFrom(app, body))
    const policies = body.policies ? await takePolicies(writing, app, body.policies) : undefined
    await rewrite(call, writing, app, { policies, oauth_configuration: body.oauth_configuration })
  })
  await deps.upstreams.serversChanged()
  const kept = KEPT_APP_SETTING_NAMES.filter((name) => body[name] !== undefined && body[name] !== null)
  const { type, object } = await existingApp(deps.store.db, id)
  const closed = type === 'mcp' && body.policies ? closedBy(object) : []
  const idle = kept.length === 0 ? [] : [`Kept and shown, and decides nothing in this portal: ${kept.join(', ')}.`]
  return {
    result: await shown(deps.store.db, id),
    messages: [...closed, ...idle],
    change: { object: 'app', id, fields: writtenFields(body) },
  }
}

function closedBy(server: StoredServer): string[] {
  return isNoneLeft(server) ? [noneLeft(server.id)] : []
}

/** Null takes a setting away; what is left out stays. */
function settingsFrom({ settings, object }: AccessApp, body: AppUpdate): AppSettings {
  const after: Record<string, unknown> = { ...settings }
  for (const name of ['name', ...KEPT_APP_SETTING_NAMES] as const) {
    const value = body[name]
    if (value === null || (name === 'name' && value === object.name)) delete after[name]
    else if (value !== undefined) after[name] = value
  }
  return after
}

async function shown(db: Db, id: string): Promise<AppShown> {
  const app = await existingApp(db, id)
  return showApp(app, await policiesOf(db, app))
}
