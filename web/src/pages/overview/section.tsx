/** One part of the first page: a heading, and what belongs to it. */
import { Group, Paper, Stack, Text, Title } from '@mantine/core'
import { type ReactNode, useId } from 'react'

export interface SectionProps {
  title: string
  says?: string
  aside?: ReactNode
  children: ReactNode
}

export function Section({ title, says, aside, children }: SectionProps) {
  const heading = useId()
  return (
    <Paper component="section" withBorder p="md" aria-labelledby={heading} style={{ minWidth: 0 }}>
      <Stack gap="sm">
        <Group justify="space-between" align="flex-start" gap="sm">
          <div>
            <Title order={2} size="h4" id={heading}>
              {title}
            </Title>
            {says !== undefined && (
              <Text size="sm" c="dimmed">
                {says}
              </Text>
            )}
          </div>
          {aside}
        </Group>
        {children}
      </Stack>
    </Paper>
  )
}

export function Dimmed({ children }: { children: ReactNode }) {
  return (
    <Text size="sm" c="dimmed">
      {children}
    </Text>
  )
}
