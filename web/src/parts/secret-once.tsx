/** A secret that is shown once, where it was made, and never again. */
import { Alert, Button, Group, Stack, Text } from '@mantine/core'
import { useEffect, useRef } from 'react'
import { COMMON } from '../words/common.ts'
import { Copyable } from './copy.tsx'

export interface SecretOnceProps {
  /** What it opens, and where it goes. */
  says: string
  secrets: readonly (readonly [label: string, text: string])[]
  close(): void
}

export function SecretOnce({ says, secrets, close }: SecretOnceProps) {
  const note = useRef<HTMLDivElement>(null)
  // The form that asked for it is gone: who works by keyboard goes on here, and who listens hears it.
  useEffect(() => note.current?.focus(), [])
  return (
    <Alert ref={note} tabIndex={-1} color="yellow" variant="light" title={COMMON.once.title} role="status" maw="48rem">
      <Stack gap="sm">
        <Text size="sm">{says}</Text>
        {secrets.map(([label, text]) => (
          <div key={label}>
            <Text size="sm" fw={600} mb={4}>
              {label}
            </Text>
            <Copyable text={text} label={label} />
          </div>
        ))}
        <Group>
          <Button size="xs" onClick={close}>
            {COMMON.once.kept}
          </Button>
        </Group>
      </Stack>
    </Alert>
  )
}
