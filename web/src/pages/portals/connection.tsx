/** Whether a client has reached a portal, by what the audit holds; it tells by itself when the first one does. */
import { Alert, Anchor, Card, Group, Loader, Stack, Text, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { type Asked, latelyQuery } from '../../api/portals.ts'
import { Foreign } from '../../parts/foreign.tsx'
import { Mark } from '../../parts/mark.tsx'
import { ProblemNote, Waiting } from '../../parts/told.tsx'
import { When } from '../../parts/when.tsx'
import { PORTALS } from '../../words/portals.ts'

const { connection: SAYS } = PORTALS

/** A tool that fails is a client that was let in. */
const LET_IN: readonly (string | null)[] = ['answered', 'tool-error', 'cancelled']

export function Connection({ portal }: { portal: string }) {
  const { data, error, refetch } = useQuery(latelyQuery(portal))
  if (data === undefined)
    return error === null ? <Waiting rows={2} /> : <ProblemNote error={error} again={() => void refetch()} />
  const { rows, isWhole } = data
  const isIn = rows.some(({ outcome }) => LET_IN.includes(outcome))
  return (
    <Card withBorder>
      <div role="status">
        {isIn ? (
          <Alert color="green" variant="light" title={<Strong says={SAYS.connected} />}>
            {SAYS.connectedSays}
          </Alert>
        ) : rows.length > 0 ? (
          <Alert color="red" variant="light" title={<Strong says={SAYS.refused} />}>
            {rows[0]?.error ?? ''}
          </Alert>
        ) : (
          <Group wrap="nowrap">
            <Loader size="sm" aria-hidden="true" />
            <div>
              <Text fw={600}>{isWhole ? SAYS.waiting : SAYS.noneLately}</Text>
              <Text size="sm" c="dimmed">
                {isWhole ? SAYS.waitingSays : SAYS.noneLatelySays}
              </Text>
            </div>
          </Group>
        )}
      </div>
      {rows.length > 0 && <Lately portal={portal} rows={rows} />}
    </Card>
  )
}

/** The colour of the note is too pale for its own title. */
function Strong({ says }: { says: string }) {
  return (
    <Text inherit component="span" c="var(--mantine-color-text)">
      {says}
    </Text>
  )
}

function Lately({ portal, rows }: { portal: string; rows: readonly Asked[] }) {
  return (
    <Stack gap="xs" mt="md">
      <Title order={2} size="h5">
        {SAYS.lately}
      </Title>
      <Stack component="ul" gap={6} m={0} p={0} style={{ listStyle: 'none' }} aria-label={SAYS.lately}>
        {rows.map((row) => (
          <Row key={row.seq} row={row} />
        ))}
      </Stack>
      <Anchor size="sm" renderRoot={(props) => <Link to="/logs" search={{ portal }} {...props} />}>
        {SAYS.all}
      </Anchor>
    </Stack>
  )
}

function Row({ row }: { row: Asked }) {
  const { method, capability, outcome, actor, client_name, client_version, at } = row
  const name = client_name === undefined ? SAYS.unnamed : `${client_name} ${client_version ?? ''}`.trim()
  return (
    <Group component="li" gap="xs" wrap="wrap">
      <Mark color={LET_IN.includes(outcome) ? 'green' : 'red'}>{outcome ?? ''}</Mark>
      <Text size="sm" component="span" fw={600}>
        <Foreign text={capability ?? method} />
      </Text>
      <Text size="sm" component="span" c="dimmed">
        <Foreign text={SAYS.by(name, actor.label)} /> · <When at={at} />
      </Text>
    </Group>
  )
}
