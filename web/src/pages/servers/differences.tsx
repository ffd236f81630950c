/** A definition that is held beside the one that was approved: difference by difference, or whole where it is new. */
import { Box, SimpleGrid, Stack, Text } from '@mantine/core'
import type { DefinitionShown } from '../../../../src/contract/definitions.ts'
import { Foreign } from '../../parts/foreign.tsx'
import { HELD as SAYS } from '../../words/servers.ts'
import { Definition } from './edit-capability.tsx'

export function Differences({ one }: { one: DefinitionShown }) {
  if (one.diff === undefined) return <Definition value={one.definition} />
  return (
    <Stack gap="sm">
      {one.diff.map((difference) => (
        <Box key={difference.pointer}>
          <Foreign text={difference.pointer === '' ? '/' : difference.pointer} fz="xs" fw={600} />
          <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="xs" mt={4}>
            <Side title={SAYS.before} value={difference.before} color="red" />
            <Side title={SAYS.after} value={difference.after} color="green" />
          </SimpleGrid>
        </Box>
      ))}
    </Stack>
  )
}

function Side({ title, value, color }: { title: string; value: unknown; color: 'red' | 'green' }) {
  const text = typeof value === 'string' ? value : JSON.stringify(value, null, 2)
  return (
    <Box p="xs" bg={`var(--mantine-color-${color}-light)`} bdrs="sm">
      <Text size="xs" fw={600}>
        {title}
      </Text>
      {value === undefined ? (
        <Text size="sm" fs="italic">
          {SAYS.absent}
        </Text>
      ) : (
        <Foreign text={text} fz="sm" ff="monospace" />
      )}
    </Box>
  )
}
