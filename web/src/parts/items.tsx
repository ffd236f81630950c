/** A short list within a page: what each is, and what can be done with it. */
import { Group, Paper, Stack, Text, Title } from '@mantine/core'
import type { ReactNode } from 'react'

export function Section({ title, says, children }: { title: string; says?: string; children: ReactNode }) {
  return (
    <Stack gap="xs" component="section" aria-label={title}>
      <Title order={2} size="h4">
        {title}
      </Title>
      {says !== undefined && (
        <Text size="sm" c="dimmed">
          {says}
        </Text>
      )}
      {children}
    </Stack>
  )
}

export function Item({ actions, children }: { actions?: ReactNode; children: ReactNode }) {
  return (
    <Paper withBorder p="sm" role="listitem">
      <Group justify="space-between" align="center" gap="sm">
        <Stack gap={2} flex={1} miw="12rem">
          {children}
        </Stack>
        {actions !== undefined && <Group gap="xs">{actions}</Group>}
      </Group>
    </Paper>
  )
}

/** @param none said in the place of an empty list */
export function Items({ none, children }: { none: string; children: readonly ReactNode[] }) {
  return children.length === 0 ? (
    <Text size="sm" c="dimmed">
      {none}
    </Text>
  ) : (
    <Stack gap="xs" role="list">
      {children}
    </Stack>
  )
}
