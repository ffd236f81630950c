/** A state in one or two words. The colour says nothing that the words do not. */
import { Badge, type MantineColor } from '@mantine/core'
import type { ReactNode } from 'react'

export function Mark({ color = 'gray', children }: { color?: MantineColor; children: ReactNode }) {
  return (
    <Badge variant="dot" tt="none" fw={500} size="md" color={color}>
      {children}
    </Badge>
  )
}
