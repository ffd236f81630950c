/** What is still to set up. It goes by itself when all is done, and before that when somebody wants it gone. */
import { Button, Group, Stack, Text, ThemeIcon } from '@mantine/core'
import { useState } from 'react'
import type { OverviewShown } from '../../../../src/contract/overview.ts'
import { recall, remember } from '../../parts/remembered.ts'
import { OVERVIEW } from '../../words/overview.ts'
import { Away } from './away.tsx'
import { Dimmed, Section } from './section.tsx'

const HIDDEN = 'checklist-hidden'

export function Checklist({ steps }: { steps: OverviewShown['checklist'] }) {
  const [isHidden, setHidden] = useState(() => recall(HIDDEN) === 'yes')
  const done = steps.filter((step) => step.done).length
  if (isHidden || done === steps.length) return null
  const { title, hide, backup } = OVERVIEW.checklist
  const dismiss = () => {
    remember(HIDDEN, 'yes')
    setHidden(true)
  }
  return (
    <Section
      title={title}
      says={OVERVIEW.checklist.done(done, steps.length)}
      aside={
        <Button size="compact-sm" variant="default" onClick={dismiss}>
          {hide}
        </Button>
      }
    >
      <Stack component="ol" gap="sm" m={0} p={0} style={{ listStyle: 'none' }}>
        {steps.map((step) => (
          <Step key={step.step} {...step} />
        ))}
      </Stack>
      <Dimmed>{backup}</Dimmed>
    </Section>
  )
}

function Step({ step, done, path }: OverviewShown['checklist'][number]) {
  const { title, says } = OVERVIEW.checklist.steps[step]
  return (
    <Group component="li" gap="sm" wrap="nowrap" align="flex-start">
      <ThemeIcon
        size="sm"
        radius="xl"
        mt={2}
        variant={done ? 'filled' : 'default'}
        color="teal.9"
        role="img"
        aria-label={done ? OVERVIEW.checklist.isDone : OVERVIEW.checklist.isOpen}
      >
        {done ? '✓' : ''}
      </ThemeIcon>
      <div>
        {done ? <Text size="sm">{title}</Text> : <Away to={path}>{title}</Away>}
        {!done && <Dimmed>{says}</Dimmed>}
      </div>
    </Group>
  )
}
