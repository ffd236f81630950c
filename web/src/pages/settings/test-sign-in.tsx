/**
 * A real way through a provider, in another tab or another browser, and what became of it by the audit. It signs nobody in, so who looks at
 * this page stays who they are.
 */
import { Alert, Button, Group, Loader, Stack, Text } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { meQuery } from '../../api/me.ts'
import { newestRow, type SignInRow, signInsQuery } from '../../api/settings.ts'
import { Copyable } from '../../parts/copy.tsx'
import { Foreign } from '../../parts/foreign.tsx'
import { Section } from '../../parts/items.tsx'
import { ProblemNote } from '../../parts/told.tsx'
import { When } from '../../parts/when.tsx'
import { SETTINGS } from '../../words/settings.ts'

const { test: WORDS } = SETTINGS.providers
const WHY: Readonly<Record<string, string>> = WORDS.why

export function TestSignIn({ provider }: { provider: string }) {
  const start = useMutation({ mutationFn: newestRow })
  const after = start.data ?? null
  const { data: me } = useQuery(meQuery)
  const { data: rows, error } = useQuery(signInsQuery(provider, after))
  const newest = after === null ? undefined : rows?.at(-1)
  return (
    <Section title={WORDS.title} says={WORDS.says}>
      {after === null ? (
        <Group>
          <Button variant="default" loading={start.isPending} onClick={() => start.mutate()}>
            {WORDS.start}
          </Button>
          {start.error !== null && <ProblemNote error={start.error} />}
        </Group>
      ) : (
        <Stack gap="sm">
          <Copyable
            text={`${me?.url ?? location.origin}/sign-in?test=${encodeURIComponent(provider)}`}
            label={WORDS.link}
          />
          <Group>
            <Button
              component="a"
              href={`/sign-in?test=${encodeURIComponent(provider)}`}
              target="_blank"
              rel="noopener"
              variant="default"
            >
              {WORDS.open}
            </Button>
          </Group>
          {error ? <ProblemNote error={error} /> : newest === undefined ? <Wait /> : <Became row={newest} />}
        </Stack>
      )}
    </Section>
  )
}

function Wait() {
  return (
    <Group gap="sm" role="status">
      <Loader size="xs" />
      <Text size="sm">{WORDS.waiting}</Text>
    </Group>
  )
}

function Became({ row }: { row: SignInRow }) {
  const { label } = row.actor
  if (row.outcome === 'answered')
    return (
      <Alert role="status" variant="light" color="green">
        {WORDS.ok} <Foreign text={label} fw={600} />, <When at={row.at} />.
      </Alert>
    )
  const why = row.error ?? ''
  return (
    <Alert role="alert" variant="light" color="red">
      {WORDS.refused} {label !== '' && <Foreign text={`${label}: `} fw={600} />}
      <Foreign text={WHY[why] ?? why} /> (<When at={row.at} />)
    </Alert>
  )
}
