/** A secret on its way in: a token, or headers. It is typed here and never comes back. */
import { Group, NativeSelect, PasswordInput, Stack, TextInput } from '@mantine/core'
import { NEW_SERVER as SAYS } from '../../words/servers.ts'

export interface Credential {
  kind: 'token' | 'headers'
  /** Of `headers`. */
  name: string
  secret: string
}

export const NO_SECRET: Credential = { kind: 'token', name: '', secret: '' }

/** @returns as `auth_credentials` wants it; undefined where nothing is typed */
export function credentialText({ kind, name, secret }: Credential): string | undefined {
  if (secret === '') return undefined
  return kind === 'token' ? secret : JSON.stringify({ headers: { [name]: secret } })
}

export function CredentialFields({
  value,
  onChange,
  error,
}: {
  value: Credential
  onChange(value: Credential): void
  error?: string | undefined
}) {
  return (
    <Stack gap="xs">
      <NativeSelect
        label={SAYS.kind}
        value={value.kind}
        onChange={({ currentTarget }) =>
          onChange({ ...value, kind: currentTarget.value === 'headers' ? 'headers' : 'token' })
        }
        data={Object.entries(SAYS.kinds).map(([kind, label]) => ({ value: kind, label }))}
      />
      <Group align="flex-start" grow>
        {value.kind === 'headers' && (
          <TextInput
            label={SAYS.headerName}
            placeholder="X-Api-Key"
            value={value.name}
            onChange={({ currentTarget }) => onChange({ ...value, name: currentTarget.value })}
          />
        )}
        <PasswordInput
          label={value.kind === 'headers' ? SAYS.headerValue : SAYS.token}
          description={SAYS.tokenSays}
          inputWrapperOrder={['label', 'input', 'description', 'error']}
          autoComplete="off"
          value={value.secret}
          onChange={({ currentTarget }) => onChange({ ...value, secret: currentTarget.value })}
          error={error}
        />
      </Group>
    </Stack>
  )
}
