/** `/settings`: what the portal was started with. Only what is named here is shown, and of a secret only whether there is one. */

import { SETTINGS, type SettingName } from '../config/settings-schema.ts'
import type { Config } from '../config.ts'
import type { SettingShown } from '../contract/settings.ts'
import type { Call, Outcome } from './route.ts'

/** The part of the settings that this room is given. */
export type ShownConfig = Pick<Config, 'host' | 'publicUrl' | 'trustedProxies' | 'allowedOrigins' | 'smtp' | 'data'> & {
  clientDocuments: boolean
  audit: Pick<Config['audit'], 'durability' | 'retentionDays'>
}

export async function showSettings({ deps }: Call): Promise<Outcome> {
  return { result: [...addressesOf(deps.config), ...mailOf(deps.config), ...keepingOf(deps.config)] }
}

function addressesOf(config: ShownConfig): SettingShown[] {
  return [
    one('addresses', 'public_url', config.publicUrl),
    one('addresses', 'host', config.host),
    one('addresses', 'trusted_proxies', listed(config.trustedProxies)),
    one('addresses', 'allowed_origins', listed(config.allowedOrigins)),
    one('addresses', 'oauth.client_documents', config.clientDocuments),
  ]
}

function mailOf({ smtp }: ShownConfig): SettingShown[] {
  return [
    one('mail', 'smtp.host', smtp?.host ?? null),
    one('mail', 'smtp.port', smtp === null ? null : String(smtp.port)),
    one('mail', 'smtp.from', smtp?.from ?? null),
    one('mail', 'smtp.tls', smtp?.tls ?? null),
    one('mail', 'smtp.user', smtp?.user ?? null),
    one('mail', 'smtp.password', (smtp?.password ?? null) !== null),
  ]
}

function keepingOf({ data, audit }: ShownConfig): SettingShown[] {
  return [
    one('keeping', 'data', data),
    one('keeping', 'audit.retention_days', String(audit.retentionDays)),
    one('keeping', 'audit.durability', audit.durability),
  ]
}

function one(room: SettingShown['room'], setting: SettingName, value: SettingShown['value']): SettingShown {
  return { room, setting, variable: SETTINGS[setting].variable, value }
}

function listed(values: readonly string[]): string | null {
  return values.length === 0 ? null : values.join(', ')
}
