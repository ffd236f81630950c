/** What a page says in the place of what it cannot show yet, or at all. */
import { Alert, Button, EmptyState, Skeleton, Stack, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import { Problem } from '../api/ask.ts'
import { COMMON } from '../words/common.ts'

/** @param error whatever was thrown; `again` asks once more */
export function ProblemNote({ error, again }: { error: unknown; again?: () => void }) {
  const says = error instanceof Problem ? error.says : [String(error)]
  return (
    <Alert color="red" role="alert" variant="light">
      <Stack gap="xs" align="flex-start">
        {says.map((one) => (
          <Text key={one} size="sm" className="foreign">
            {one}
          </Text>
        ))}
        {again !== undefined && (
          <Button size="xs" variant="default" onClick={again}>
            {COMMON.again}
          </Button>
        )}
      </Stack>
    </Alert>
  )
}

/** As tall as what will stand there, so that nothing jumps. */
export function Waiting({ rows = 6 }: { rows?: number }) {
  return (
    <Stack gap="sm" aria-busy="true" aria-label={COMMON.loading} role="status">
      {Array.from({ length: rows }, (_, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: they are all alike
        <Skeleton key={at} height={36} />
      ))}
    </Stack>
  )
}

/** Nothing there yet: what it would be, and how to get it. */
export function Nothing({ title, says, children }: { title: string; says: string; children?: ReactNode }) {
  return (
    <EmptyState py="xl" title={title} description={says}>
      {children !== undefined && <EmptyState.Actions>{children}</EmptyState.Actions>}
    </EmptyState>
  )
}
