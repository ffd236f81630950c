/** As whom the portal is known at a server's authorization server: by itself, or as a client that was registered there by hand. */
import { Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { ServerShown } from '../../../../src/contract/server.ts'
import { Problem } from '../../api/ask.ts'
import { updateServer } from '../../api/servers.ts'
import { providersQuery } from '../../api/settings.ts'
import { Copyable } from '../../parts/copy.tsx'
import { Form } from '../../parts/form.tsx'
import { Section } from '../../parts/items.tsx'
import { CLIENT as SAYS } from '../../words/credentials.ts'
import { bodyOf, fieldsOf, valuesOf } from './oauth-client-fields.ts'

interface Props {
  server: ServerShown
  summary: NonNullable<ServerShown['auth_config_summary']>
  lock: string | null
}

export function OauthClient({ server, summary, lock }: Props) {
  const { data: providers = [] } = useQuery(providersQuery)
  const { redirect_uri: callback, client_document: document } = summary
  const kept = summary.has_client_secret ? SAYS.kept(summary.client_secret_version) : null
  const fields = fieldsOf(
    kept,
    providers.map(({ id, name }) => [id, name] as const),
  )
  return (
    <Section title={SAYS.title} says={SAYS.says}>
      <Stack>
        {callback !== undefined && <Told says={SAYS.callback} text={callback} />}
        {document !== undefined && <Told says={SAYS.document} text={document} />}
        <Form
          fields={fields}
          stored={valuesOf(summary, server.is_shared_oauth_callback_enabled)}
          deed={SAYS.save}
          // Said at the head of the page already.
          lock={lock === null ? null : ''}
          reads={[['servers']]}
          done={SAYS.saved}
          perform={(values) => updateServer(server.id, bodyOf(values, summary)).catch(toField)}
        />
        {server.connection !== undefined && <Text size="sm">{SAYS.ends}</Text>}
      </Stack>
    </Section>
  )
}

function Told({ says, text }: { says: string; text: string }) {
  return (
    <Stack gap={4}>
      <Text size="sm">{says}</Text>
      <Copyable text={text} label={says} />
    </Stack>
  )
}

/** What is wrong within a text of JSON is told with its path at the end; here each path has a field. */
function toField(error: unknown): never {
  if (!(error instanceof Problem)) throw error
  const says = error.says.map((one) => {
    const [, path, what] = /^auth_credentials: .* at "([\w.]+)": (.*)$/.exec(one) ?? []
    return path === undefined ? one : `auth_credentials.${path}: ${what}`
  })
  throw new Problem(error.status, says)
}
