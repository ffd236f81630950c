/** One change: asked for, told when done, and everything that shows what it changed is read again. */
import { notifications } from '@mantine/notifications'
import { type QueryKey, type UseMutationResult, useMutation, useQueryClient } from '@tanstack/react-query'
import type { Told } from '../api/ask.ts'
import { COMMON } from '../words/common.ts'

export interface DeedOptions<Result> {
  /** What is said when it is done; nothing is where the page itself shows it. */
  done?: string
  /** Keys of what has to be read again. */
  reads: readonly QueryKey[]
  then?(result: Result): void
  /** The same: linters take an object with `then` for a promise. */
  after?(result: Result): void
}

/** @param perform asks the server; what it says beside a success is shown too */
export function useDeed<Input, Result>(
  perform: (input: Input) => Promise<Told<Result>>,
  { done, reads, then, after }: DeedOptions<Result>,
): UseMutationResult<Told<Result>, unknown, Input> {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: perform,
    async onSuccess({ result, messages }) {
      const closeButtonProps = { 'aria-label': COMMON.close }
      if (done !== undefined) notifications.show({ message: done, color: 'green', closeButtonProps })
      for (const message of messages)
        notifications.show({ message, color: 'yellow', autoClose: 15_000, closeButtonProps })
      await Promise.all(reads.map((queryKey) => queries.invalidateQueries({ queryKey })))
      then?.(result)
      after?.(result)
    },
  })
}
