/** What `doctor` sees of credentials at servers: whom the portal waits for, and where it cannot be known as a client. */
import type { Server } from './add-server.ts'
import { type Finding, problem, warning } from './finding.ts'

/** What stands in the way of one server, where it is its shared account. */
export function credentialOf({
  id,
  authentication_status: status,
  auth_config_summary: summary,
  connection,
}: Server): Finding[] {
  const check = `server ${id}`
  if (connection !== undefined && connection.problem !== null) {
    const whose = connection.kind === 'machine' ? "the portal's own account" : 'its shared account'
    const text = `${whose}: ${connection.problem}`
    const mend = connection.mend ?? `portico servers sync ${id}`
    return [connection.status === 'needs_reauth' ? problem(check, text, mend) : warning(check, text, mend)]
  }
  const isAwaited = status === 'required' || (status === 'manual' && summary?.auth_mode === 'manual')
  if (!isAwaited || connection !== undefined) return []
  return [
    warning(
      check,
      'nobody has connected its shared account, so its tools are not known',
      `portico servers connect ${id}`,
    ),
  ]
}

/** Looked at where the portal makes itself known by it: authorization servers elsewhere read it over the internet. */
export function checkClientDocument(servers: readonly Server[]): Finding[] {
  const automatic = servers.filter(({ auth_config_summary: summary }) => summary?.auth_mode === 'dcr')
  const [first] = automatic
  if (first === undefined) return []
  const check = 'client document'
  const byHand =
    'Set a public https address (public_url), or register the portal by hand: portico servers add --oauth --client-id …'
  const document = first.auth_config_summary?.client_document
  if (document === undefined) {
    return [
      warning(
        check,
        'the portal has no public https address, so authorization servers cannot read what it is: those that register nobody by themselves need a client by hand',
        byHand,
      ),
    ]
  }
  return []
}
