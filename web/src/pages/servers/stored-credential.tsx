/** The token or the headers that everybody's calls carry: replaced here, tried at once, never shown. */
import { Button, Group, Stack, Text } from '@mantine/core'
import { type FormEvent, useState } from 'react'
import type { ServerShown } from '../../../../src/contract/server.ts'
import { Problem } from '../../api/ask.ts'
import { updateServer } from '../../api/servers.ts'
import { Section } from '../../parts/items.tsx'
import { ProblemNote } from '../../parts/told.tsx'
import { useDeed } from '../../parts/use-deed.ts'
import { CREDENTIALS } from '../../words/credentials.ts'
import { CredentialFields, credentialText, NO_SECRET } from './credential-fields.tsx'

const { bearer: SAYS } = CREDENTIALS

export function StoredCredential({ server, lock }: { server: ServerShown; lock: string | null }) {
  const [credential, setCredential] = useState(NO_SECRET)
  const text = credentialText(credential)
  const save = useDeed((auth_credentials: string) => updateServer(server.id, { auth_credentials }), {
    ...{ reads: [['servers']], done: SAYS.saved },
    after: () => setCredential(NO_SECRET),
  })
  const problem = save.error instanceof Problem ? save.error : null
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (text !== undefined) save.mutate(text)
  }
  return (
    <Section title={SAYS.title} says={SAYS.stored}>
      {lock === null && (
        <form onSubmit={submit}>
          <Stack>
            <Text size="sm">{SAYS.says}</Text>
            <CredentialFields value={credential} onChange={setCredential} error={problem?.at('auth_credentials')} />
            {save.error !== null && problem?.at('auth_credentials') === undefined && <ProblemNote error={save.error} />}
            <Group>
              <Button type="submit" loading={save.isPending} disabled={text === undefined}>
                {SAYS.save}
              </Button>
            </Group>
          </Stack>
        </form>
      )}
    </Section>
  )
}
