/** The link by which a person sets their password, and gets an account where they have none: for who comes by no identity provider. */
import { Button, Group, Stack, Text, TextInput } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { Problem } from '../../api/ask.ts'
import { meQuery } from '../../api/me.ts'
import { makePasswordLink, USER_READS } from '../../api/people.ts'
import { Dialog } from '../../parts/dialog.tsx'
import { Foreign } from '../../parts/foreign.tsx'
import { SecretOnce } from '../../parts/secret-once.tsx'
import { ProblemNote } from '../../parts/told.tsx'
import { useDeed } from '../../parts/use-deed.ts'
import { moment } from '../../parts/when.tsx'
import { COMMON } from '../../words/common.ts'
import { PEOPLE } from '../../words/people.ts'

const WORDS = PEOPLE.passwordLink

/** @param email whose; asked for where it is not known */
export function PasswordLink({ email }: { email?: string }) {
  const { data: me } = useQuery(meQuery)
  const [isOpen, { open, close }] = useDisclosure(false)
  // Whoever has such a link can become an owner, so owners alone make them.
  if (me?.role !== 'owner') return null
  const title = email === undefined ? WORDS.letIn : WORDS.reset
  return (
    <>
      <Button variant={email === undefined ? 'filled' : 'default'} onClick={open}>
        {title}
      </Button>
      <Dialog opened={isOpen} onClose={close} title={title} centered>
        <Making email={email} close={close} />
      </Dialog>
    </>
  )
}

function Making({ email, close }: { email: string | undefined; close(): void }) {
  const [typed, type] = useState(email ?? '')
  const make = useDeed((address: string) => makePasswordLink(address), { reads: USER_READS })
  if (make.data !== undefined) {
    const { url, expires_at } = make.data.result
    return <SecretOnce says={WORDS.made(typed, moment(expires_at))} secrets={[[WORDS.link, url]]} close={close} />
  }
  const wrong = make.error instanceof Problem ? make.error.at('email') : undefined
  const submit = (event: FormEvent) => {
    event.preventDefault()
    make.mutate(typed.trim())
  }
  return (
    <form onSubmit={submit}>
      <Stack>
        <Text size="sm">{email === undefined ? WORDS.letInSays : WORDS.resetSays}</Text>
        <TextInput
          label={WORDS.address}
          type="email"
          required
          autoComplete="off"
          readOnly={email !== undefined}
          value={typed}
          onChange={({ currentTarget }) => type(currentTarget.value)}
          error={wrong === undefined ? undefined : <Foreign text={wrong} />}
          data-autofocus
        />
        {make.error !== null && wrong === undefined && <ProblemNote error={make.error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={close}>
            {COMMON.cancel}
          </Button>
          <Button type="submit" loading={make.isPending} disabled={typed.trim() === ''}>
            {WORDS.make}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
