/** Asks the server to reach a provider and read what it publishes; nobody is signed in. */
import { Alert, Button, Group, List } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { testProvider } from '../../api/settings.ts'
import { Foreign } from '../../parts/foreign.tsx'
import { ProblemNote } from '../../parts/told.tsx'
import { SETTINGS } from '../../words/settings.ts'

const { check: WORDS } = SETTINGS.providers

export function Check({ provider }: { provider: string }) {
  const check = useMutation({ mutationFn: () => testProvider(provider) })
  const tested = check.data?.result
  return (
    <>
      <Group>
        <Button variant="default" loading={check.isPending} onClick={() => check.mutate()}>
          {WORDS.button}
        </Button>
      </Group>
      {check.error !== null && <ProblemNote error={check.error} />}
      {tested !== undefined && (
        <Alert
          role="status"
          variant="light"
          color={tested.ok ? 'green' : 'red'}
          title={tested.ok ? WORDS.ok : WORDS.bad}
        >
          <List size="sm">
            {tested.checks.map(({ check: name, ok, message }) => (
              <List.Item key={name}>
                {ok ? WORDS.inOrder : WORDS.wrong}, {name}: <Foreign text={message} />
              </List.Item>
            ))}
          </List>
        </Alert>
      )}
    </>
  )
}
