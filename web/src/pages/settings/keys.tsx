/** The keys that sign who calls: how often they are replaced, and replacing them now. */
import { Stack } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { keysQuery, rotateKeys, writeKeys } from '../../api/settings.ts'
import { Deed, Deeds } from '../../parts/deeds.tsx'
import { Facts } from '../../parts/facts.tsx'
import { text } from '../../parts/fields.tsx'
import { Form } from '../../parts/form.tsx'
import { useLock } from '../../parts/from-file.tsx'
import { ProblemNote, Waiting } from '../../parts/told.tsx'
import { useDeed } from '../../parts/use-deed.ts'
import { When } from '../../parts/when.tsx'
import { COMMON } from '../../words/common.ts'
import { SETTINGS } from '../../words/settings.ts'

const { keys: WORDS } = SETTINGS
const READS = [['keys'], ['organization']]
const DAYS = 'key_rotation_interval_days'

export function Keys() {
  const { data, error, refetch } = useQuery(keysQuery)
  const lock = useLock('organization:write')
  const rotate = useDeed(rotateKeys, { reads: READS, done: WORDS.rotate.done })
  if (error) return <ProblemNote error={error} again={() => void refetch()} />
  if (data === undefined) return <Waiting rows={3} />
  const { last_key_rotation_at: last, days_until_next_rotation: next } = data
  return (
    <Stack>
      <Facts
        facts={[
          [WORDS.last, last === undefined ? WORDS.notYet : <When key="last" at={last} />],
          ...(last === undefined ? [] : ([[WORDS.next, Math.ceil(next)]] as const)),
        ]}
      />
      {lock === null && (
        <Deeds>
          <Deed words={WORDS.rotate} perform={() => rotate.mutateAsync(undefined)} />
        </Deeds>
      )}
      <Form
        fields={[{ name: DAYS, ...WORDS.fields.days, required: true }]}
        stored={{ [DAYS]: String(data[DAYS]) }}
        deed={COMMON.save}
        lock={lock}
        reads={READS}
        done={SETTINGS.saved}
        perform={(values) => writeKeys({ [DAYS]: Number(text(values, DAYS)) })}
      />
    </Stack>
  )
}
