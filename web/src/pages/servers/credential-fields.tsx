/** A secret on its way in: a token, or headers. It is typed here and never comes back. */
import { Button, Group, NativeSelect, PasswordInput, Stack, TextInput } from '@mantine/core'
import { NEW_SERVER as SAYS } from '../../words/servers.ts'

interface Header {
  name: string
  secret: string
}

export interface Credential {
  kind: 'token' | 'headers'
  /** Of `token`. */
  secret: string
  /** Of `headers`. */
  headers: readonly Header[]
}

const NO_HEADER: Header = { name: '', secret: '' }
export const NO_SECRET: Credential = { kind: 'token', secret: '', headers: [NO_HEADER] }

/** @returns as `auth_credentials` wants it; undefined where nothing is typed */
export function credentialText({ kind, secret, headers }: Credential): string | undefined {
  if (kind === 'token') return secret === '' ? undefined : secret
  const given = headers.filter(({ name, secret: value }) => name !== '' && value !== '')
  if (given.length === 0) return undefined
  return JSON.stringify({ headers: Object.fromEntries(given.map(({ name, secret: value }) => [name, value])) })
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
  const { kind, secret, headers } = value
  const setHeader = (place: number, part: Partial<Header>) =>
    onChange({ ...value, headers: headers.map((one, at) => (at === place ? { ...one, ...part } : one)) })
  return (
    <Stack gap="xs">
      <NativeSelect
        label={SAYS.kind}
        value={kind}
        onChange={({ currentTarget }) =>
          onChange({ ...value, kind: currentTarget.value === 'headers' ? 'headers' : 'token' })
        }
        data={Object.entries(SAYS.kinds).map(([one, label]) => ({ value: one, label }))}
      />
      {kind === 'token' ? (
        <Secret
          label={SAYS.token}
          value={secret}
          error={error}
          onChange={(next) => onChange({ ...value, secret: next })}
        />
      ) : (
        headers.map((header, place) => (
          <Group
            // biome-ignore lint/suspicious/noArrayIndexKey: a header has no name yet; the lines only grow
            key={place}
            align="flex-start"
            grow
          >
            <TextInput
              label={SAYS.headerName}
              placeholder="X-Api-Key"
              value={header.name}
              onChange={({ currentTarget }) => setHeader(place, { name: currentTarget.value.trim() })}
              error={place === 0 ? error : undefined}
            />
            <Secret
              label={SAYS.headerValue}
              value={header.secret}
              onChange={(next) => setHeader(place, { secret: next })}
            />
          </Group>
        ))
      )}
      {kind === 'headers' && (
        <Button
          size="xs"
          variant="default"
          style={{ alignSelf: 'flex-start' }}
          onClick={() => onChange({ ...value, headers: [...headers, NO_HEADER] })}
        >
          {SAYS.addHeader}
        </Button>
      )}
    </Stack>
  )
}

function Secret(props: { label: string; value: string; error?: string | undefined; onChange(secret: string): void }) {
  const { label, value, error, onChange } = props
  return (
    <PasswordInput
      label={label}
      description={SAYS.tokenSays}
      inputWrapperOrder={['label', 'input', 'description', 'error']}
      autoComplete="off"
      visibilityToggleButtonProps={{ 'aria-label': SAYS.showSecret(label) }}
      value={value}
      onChange={({ currentTarget }) => onChange(currentTarget.value)}
      error={error}
    />
  )
}
