/** Who is signed in, and what this portal is. */
import { queryOptions, useQuery } from '@tanstack/react-query'
import type { MeShown } from '../../../src/contract/me.ts'
import type { Right } from '../../../src/contract/rights.ts'
import { ask, useAccount } from './ask.ts'

export const meQuery = queryOptions({
  queryKey: ['me'],
  queryFn: async ({ signal }) => {
    const { result } = await ask<MeShown>('GET', '/me', { signal })
    useAccount(result.account)
    return result
  },
  staleTime: 60_000,
})

/** @returns whether who is signed in has a right; false until that is known */
export function useMay(right: Right): boolean {
  return useQuery(meQuery).data?.rights.includes(right) ?? false
}
