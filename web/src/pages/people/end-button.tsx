/** Ends one thing of a person, once that was said again. */
import { Button } from '@mantine/core'
import { Confirm } from '../../parts/confirm.tsx'
import { PEOPLE } from '../../words/people.ts'

const { sessions: WORDS } = PEOPLE

/** @param name what is ended, for screen readers */
export function EndButton({ name, says, end }: { name: string; says: string; end(): Promise<unknown> }) {
  return (
    <Confirm title={WORDS.endTitle} deed={WORDS.end} says={says} perform={end}>
      {(open) => (
        <Button size="xs" variant="default" onClick={open} aria-label={WORDS.endOf(name)}>
          {WORDS.end}
        </Button>
      )}
    </Confirm>
  )
}
