/** An Access application as the API shows it. */
import type { AppShown } from '../contract/access-app.ts'
import type { AppPolicyShown } from '../contract/policy.ts'
import type { AccessApp } from './access-app-store.ts'
import { shownStamps, shownTime } from './times.ts'

/** @returns null for a server */
export function hostnameOf({ type, object }: AccessApp): string | null {
  return type === 'mcp_portal' ? object.hostname : null
}

export function nameOf({ settings, object }: AccessApp): string {
  return typeof settings.name === 'string' ? settings.name : object.name
}

export function showApp(app: AccessApp, policies: readonly AppPolicyShown[]): AppShown {
  const hostname = hostnameOf(app)
  const { origin, created_at, created_by, modified_by } = shownStamps(app.object)
  const clients = app.type === 'mcp_portal' ? app.object.clientPolicy : null
  return {
    ...app.settings,
    id: app.id,
    uid: app.id,
    type: app.type,
    name: nameOf(app),
    aud: app.object.uid,
    ...(hostname === null ? {} : { domain: hostname, self_hosted_domains: [hostname] }),
    destinations:
      hostname === null
        ? [{ type: 'via_mcp_server_portal', mcp_server_id: app.object.id }]
        : [{ type: 'public', uri: hostname }],
    ...(clients === null ? {} : { oauth_configuration: JSON.parse(clients) as unknown }),
    policies: [...policies],
    allowed_idps: [],
    updated_at: shownTime(app.modifiedAt),
    ...{ created_at, created_by, modified_at: shownTime(app.modifiedAt), modified_by, origin },
  }
}
