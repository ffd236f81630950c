/** Yes, no or it depends, in words; the colour says nothing more. */
import { Mark } from '../../parts/mark.tsx'
import { ACCESS } from '../../words/access.ts'

export type VerdictName = keyof typeof ACCESS.verdicts
export const VERDICT_COLOR = { allowed: 'green', denied: 'red', depends: 'yellow' } as const

export function Verdict({ verdict }: { verdict: VerdictName }) {
  return <Mark color={VERDICT_COLOR[verdict]}>{ACCESS.verdicts[verdict]}</Mark>
}
