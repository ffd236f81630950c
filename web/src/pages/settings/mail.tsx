/** What the portal was started with: read here, changed where it is started. */
import { Alert, Anchor, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { SettingShown } from '../../../../src/contract/settings.ts'
import { meQuery } from '../../api/me.ts'
import { startedWithQuery } from '../../api/settings.ts'
import { Foreign } from '../../parts/foreign.tsx'
import { Item, Items, Section } from '../../parts/items.tsx'
import { ProblemNote, Waiting } from '../../parts/told.tsx'
import { COMMON } from '../../words/common.ts'
import { SETTINGS } from '../../words/settings.ts'

const { mail: WORDS } = SETTINGS

export function Mail() {
  const { data, error, refetch } = useQuery(startedWithQuery)
  if (error) return <ProblemNote error={error} again={() => void refetch()} />
  if (data === undefined) return <Waiting />
  const isLocal = data.some(({ setting, value }) => setting === 'public_url' && value === null)
  const hasMail = data.some(({ setting, value }) => setting === 'smtp.host' && value !== null)
  return (
    <Stack gap="xl">
      {isLocal && <ThisMachineAlone />}
      {!hasMail && (
        <Alert variant="light" color="yellow">
          {WORDS.noMail}
        </Alert>
      )}
      {ROOMS.map((room) => (
        <Section key={room} title={WORDS.rooms[room]}>
          <Items none={COMMON.none}>
            {data
              .filter((one) => one.room === room)
              .map((one) => (
                <Item key={one.setting}>
                  <Text size="sm" fw={600}>
                    {one.setting}
                  </Text>
                  <Text size="sm" component="div">
                    <Foreign text={shownAs(one)} />
                  </Text>
                  <Text size="xs" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
                    {one.variable}
                  </Text>
                </Item>
              ))}
          </Items>
        </Section>
      ))}
    </Stack>
  )
}

function ThisMachineAlone() {
  const { data: me } = useQuery(meQuery)
  return (
    <Alert variant="light" color="yellow">
      {WORDS.local}{' '}
      {me?.role === 'owner' && (
        // A page of the set-up, beside the console.
        <Anchor inherit c="var(--mantine-color-text)" underline="always" href="/setup/name">
          {WORDS.setAddress}
        </Anchor>
      )}
    </Alert>
  )
}

const ROOMS = Object.keys(WORDS.rooms) as SettingShown['room'][]

function shownAs({ setting, value }: SettingShown): string {
  if (value === null) return WORDS.notSet
  if (typeof value === 'string') return value
  if (setting.endsWith('password')) return value ? WORDS.isSet : WORDS.notSet
  return value ? WORDS.on : WORDS.off
}
