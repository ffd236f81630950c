/** What a rule says, in sentences, while it is being written. */
import { Paper, Stack, Text } from '@mantine/core'
import { Foreign } from '../../parts/foreign.tsx'
import { POLICY_WORDS } from '../../words/policies.ts'

export function Reading({ sentences, isUnsaved }: { sentences: readonly string[]; isUnsaved: boolean }) {
  return (
    <Paper withBorder p="md" role="region" aria-label={POLICY_WORDS.form.reading}>
      <Stack gap={4}>
        <Text size="sm" fw={600} c="dimmed">
          {isUnsaved ? `${POLICY_WORDS.form.reading} · ${POLICY_WORDS.form.unsaved}` : POLICY_WORDS.form.reading}
        </Text>
        {sentences.map((sentence) => (
          <Text key={sentence}>
            <Foreign text={sentence} />
          </Text>
        ))}
      </Stack>
    </Paper>
  )
}
