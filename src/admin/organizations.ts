/** `/access/organizations`: what the organisation has settled about signing in. There is one, and it is always there. */

import { parseDuration, showDuration } from '../contract/duration.ts'
import {
  KEPT_SETTINGS,
  type OrganizationCreate,
  type OrganizationShown,
  type OrganizationUpdate,
} from '../contract/organization.ts'
import { changeOrganization, type Organization, readOrganization } from '../identity/organization.ts'
import { mayTurnOffLocal } from '../identity/roles.ts'
import { conflict } from './refusal.ts'
import type { Call, Outcome } from './route.ts'
import { writtenFields } from './written-fields.ts'

const DAY = 86_400_000

export async function getOrganization({ deps }: Call): Promise<Outcome> {
  return { result: show(await readOrganization(deps.store.db)) }
}

export async function changeOrganizationSettings({
  deps,
  body,
}: Call<OrganizationCreate | OrganizationUpdate>): Promise<Outcome> {
  const next = await deps.store.write(async (trx) => {
    if (body.local_sign_in === 'off' && !(await mayTurnOffLocal(trx))) {
      throw conflict(
        'Without local sign-in nobody could come in: first let an owner sign in through an identity provider, then switch it off.',
      )
    }
    return changeOrganization(deps.store, trx, changesIn(body, await readOrganization(trx)))
  })
  const idle = KEPT_SETTINGS.filter((name) => body[name] !== undefined && body[name] !== null)
  return {
    result: show(next),
    ...(idle.length === 0
      ? {}
      : { messages: [`Kept and shown, and decides nothing in this portal: ${idle.join(', ')}.`] }),
    change: { object: 'organization', id: 'organization', fields: writtenFields(body) },
  }
}

function changesIn(body: OrganizationUpdate, before: Organization): Partial<Organization> {
  const changes: Partial<Organization> = {}
  if (body.name !== undefined) changes.name = body.name
  if (body.session_duration !== undefined) changes.sessionLifetime = milliseconds(body.session_duration)
  if (body.grant_lifetime !== undefined) changes.grantLifetime = milliseconds(body.grant_lifetime)
  if (body.access_token_lifetime !== undefined) changes.accessTokenLifetime = milliseconds(body.access_token_lifetime)
  if (body.strict_service_token_auth !== undefined) changes.strictServiceTokenAuth = body.strict_service_token_auth
  if (body.local_sign_in !== undefined) changes.localSignIn = body.local_sign_in
  if (body.key_rotation_interval_days !== undefined) changes.keyRotation = body.key_rotation_interval_days * DAY
  const idle = body.service_token_inactivity
  if (idle !== undefined) {
    const { enabled, action, inactivity_threshold_days: thresholdDays } = idle
    changes.serviceTokenInactivity = { enabled, action, thresholdDays }
  }
  return { ...changes, extra: keptOf(body, before.extra) }
}

/** What is written is kept as it is written, durations too: whoever declares "1440m" must read it back so. Null takes away. */
function keptOf(body: OrganizationUpdate, before: Organization['extra']): Organization['extra'] {
  const extra: Record<string, unknown> = { ...before }
  for (const name of [...KEPT_SETTINGS, ...DURATIONS]) {
    if (body[name] === null) delete extra[name]
    else if (body[name] !== undefined) extra[name] = body[name]
  }
  return extra
}

const DURATIONS = ['session_duration', 'grant_lifetime', 'access_token_lifetime'] as const

function show(organization: Organization): OrganizationShown {
  const { extra } = organization
  const { action, enabled, thresholdDays } = organization.serviceTokenInactivity
  const written = (name: (typeof DURATIONS)[number], ms: number): string => {
    const text = extra[name]
    return typeof text === 'string' && parseDuration(text) === ms ? text : showDuration(ms)
  }
  return {
    ...extra,
    name: organization.name,
    session_duration: written('session_duration', organization.sessionLifetime),
    strict_service_token_auth: organization.strictServiceTokenAuth,
    grant_lifetime: written('grant_lifetime', organization.grantLifetime),
    access_token_lifetime: written('access_token_lifetime', organization.accessTokenLifetime),
    local_sign_in: organization.localSignIn,
    key_rotation_interval_days: organization.keyRotation / DAY,
    service_token_inactivity: { action, enabled, inactivity_threshold_days: thresholdDays },
  }
}

/** The shape has checked it. */
function milliseconds(text: string): number {
  const ms = parseDuration(text)
  if (ms === undefined) throw new Error('a duration passed its check and is none')
  return ms
}
