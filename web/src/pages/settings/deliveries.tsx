/** What was sent to a webhook, the newest first, and what became of it. */
import { Group, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { deliveriesQuery } from '../../api/settings.ts'
import { Foreign } from '../../parts/foreign.tsx'
import { Item, Items, Section } from '../../parts/items.tsx'
import { Mark } from '../../parts/mark.tsx'
import { ProblemNote, Waiting } from '../../parts/told.tsx'
import { When } from '../../parts/when.tsx'
import { SETTINGS } from '../../words/settings.ts'

const { deliveries: WORDS } = SETTINGS.webhooks
const COLOR = { waiting: 'gray', delivered: 'green', given_up: 'red' } as const

export function Deliveries({ webhook }: { webhook: string }) {
  const { data, error } = useQuery(deliveriesQuery(webhook))
  return (
    <Section title={WORDS.title}>
      {error ? <ProblemNote error={error} /> : null}
      {data === undefined ? (
        <Waiting rows={2} />
      ) : (
        <Items none={WORDS.none}>
          {data.map(({ id, type, state, tries, created_at, last_status, last_error }) => (
            <Item key={id}>
              <Group gap="xs">
                <Text size="sm" fw={600}>
                  {type}
                </Text>
                <Mark color={COLOR[state]}>{WORDS.states[state]}</Mark>
              </Group>
              <Text size="sm" c="dimmed" component="div">
                <When at={created_at} /> · {WORDS.tries(tries)}
                {last_status === null ? '' : ` · HTTP ${last_status}`}
                {last_error !== null && (
                  <>
                    {' · '}
                    <Foreign text={last_error} />
                  </>
                )}
              </Text>
            </Item>
          ))}
        </Items>
      )}
    </Section>
  )
}
