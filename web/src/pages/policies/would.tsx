/** What the answer to the question that led here would be with the policy as it is written now. */
import { Text } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { explanationQuery } from '../../api/access.ts'
import { Foreign } from '../../parts/foreign.tsx'
import { openAsked } from '../../rules/asked.ts'
import { askedBodyOf, type Draft } from '../../rules/draft.ts'
import { ACCESS } from '../../words/access.ts'
import { Verdict } from '../access/verdict.tsx'
import { searchOfBack } from './prefill.ts'

export function Would({ back, id, draft }: { back: string; id: string; draft: Draft }) {
  const [settled] = useDebouncedValue(draft, 300)
  const asked = openAsked(searchOfBack(back))
  const { data, error } = useQuery(explanationQuery(asked, [{ ...askedBodyOf(settled), id }]))
  if (error !== null) return null
  return (
    <Text component="div" size="sm" role="status">
      {data === undefined ? (
        ACCESS.would.asking
      ) : (
        <>
          {ACCESS.would.says} <Verdict verdict={data.verdict} /> <Foreign text={data.says} />
        </>
      )}
    </Text>
  )
}
