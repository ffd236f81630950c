/** Objects that the configuration file declares: what it says of them, and whether a form may be used at all. */
import { Alert, Badge } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { Right } from '../../../src/contract/rights.ts'
import { meQuery, useMay } from '../api/me.ts'
import { COMMON } from '../words/common.ts'

export function FromFileBadge({ origin }: { origin: 'api' | 'file' }) {
  return origin === 'file' ? (
    <Badge variant="default" tt="none">
      {COMMON.fromFile}
    </Badge>
  ) : null
}

/** @returns why nothing can be changed here, or null where it can */
export function useLock(right: Right, origin: 'api' | 'file' = 'api'): string | null {
  const { data } = useQuery(meQuery)
  const may = useMay(right)
  if (origin === 'file') return COMMON.fromFileSays(data?.config_file ?? null)
  return data === undefined || may ? null : COMMON.mayNot(right)
}

export function LockNote({ lock }: { lock: string | null }) {
  return lock === null || lock === '' ? null : (
    <Alert variant="light" color="gray">
      {lock}
    </Alert>
  )
}
