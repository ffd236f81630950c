/** What the portal found out about an address, a step a line. */
import { Box, Group, Loader, Paper, Stack, Text } from '@mantine/core'
import type { ProbeShown } from '../../../../src/contract/server-look.ts'
import { NEW_SERVER as SAYS } from '../../words/servers.ts'

export function ProbeSteps({ shown, isLooking }: { shown: ProbeShown | undefined; isLooking: boolean }) {
  return (
    <Paper withBorder p="md" aria-live="polite" mih="6rem">
      <Text fw={600} size="sm" mb="xs">
        {SAYS.found}
      </Text>
      {isLooking || shown === undefined ? (
        <Group gap="sm" wrap="nowrap">
          <Loader size="xs" aria-hidden />
          <Text size="sm">{SAYS.looking}</Text>
        </Group>
      ) : (
        <Stack gap={6} component="ol" m={0} p={0} style={{ listStyle: 'none' }}>
          {shown.steps.map(({ step, ok, says }) => (
            <Group key={step} component="li" gap="sm" wrap="nowrap" align="flex-start">
              <Box component="span" aria-hidden w="1rem">
                {ok ? '✓' : '✗'}
              </Box>
              <Text size="sm" fw={ok ? 400 : 600} className="foreign">
                {says}
              </Text>
            </Group>
          ))}
        </Stack>
      )}
    </Paper>
  )
}
