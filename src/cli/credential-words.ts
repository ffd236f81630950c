/** How a server's credential stands, in words for a terminal. */
import type { Server } from './add-server.ts'

type Connection = NonNullable<Server['connection']>
type Mode = NonNullable<Server['auth_config_summary']>['auth_mode']

const BY_MODE: Readonly<Record<Mode, string>> = {
  dcr: 'oauth; the portal makes itself known there',
  manual: 'oauth; the portal is registered there by hand',
  client_credentials: "oauth; the portal's own account (client credentials)",
  enterprise: "oauth; each user's own account, by the word of their identity provider",
}

/** Lines of a heading and a text each. */
export function credentialLines(server: Server): [string, string][] {
  const { auth_type: type, auth_config_summary: summary, connection } = server
  if (type !== 'oauth' || summary === undefined)
    return [['sign-in', type === 'bearer' ? 'bearer; one secret for everyone' : type]]
  return [
    ['sign-in', BY_MODE[summary.auth_mode]],
    ['account', accountLine(server, summary.auth_mode)],
    ...(connection?.mend == null ? [] : ([['to mend', connection.mend]] as [string, string][])),
    ...(connection?.issuer == null ? [] : ([['signs in', `at ${connection.issuer}`]] as [string, string][])),
    ...(connection?.scope == null || connection.scope === ''
      ? []
      : ([['rights', connection.scope]] as [string, string][])),
    ...(summary.auth_mode === 'manual' && summary.redirect_uri !== undefined
      ? ([['way back', `${summary.redirect_uri} (must be registered there)`]] as [string, string][])
      : []),
  ]
}

function accountLine({ id, connection, status }: Server, mode: Mode): string {
  if (connection !== undefined) return stateLine(connection)
  const hasFailed = status === 'error'
  switch (mode) {
    case 'dcr':
    case 'manual':
      return `nobody has connected the shared one; portico servers connect ${id}`
    case 'client_credentials':
      return hasFailed
        ? `none: the portal could not get it. A new secret: portico servers secret ${id} --client-secret-file FILE`
        : 'none yet; the portal gets it by itself at the next sync'
    case 'enterprise':
      return `none that is shared; portico servers connections ${id} lists the users'`
  }
}

/** `connected as alice@work, until …`, or what is wrong. */
export function stateLine({
  kind,
  status,
  account,
  problem,
  expires_at,
}: Pick<Connection, 'kind' | 'status' | 'account' | 'problem' | 'expires_at'>): string {
  const as = account === null ? '' : ` as ${account}`
  if (status === 'ready' && problem === null)
    return `connected${as}${expires_at === null ? '' : `; the token is good until ${expires_at} and renewed before`}`
  if (status === 'ready') return `connected${as}. ${problem}`
  // Nobody connects the portal's own account.
  const state = status === 'needs_reauth' && kind !== 'machine' ? 'must be connected again' : 'does not work now'
  return `${state}${as === '' ? '' : `, was connected${as}`}. ${problem ?? ''}`.trim()
}
