/** Told above a form whose object was changed by somebody else while it was filled in: nothing is lost, and its writer chooses. */
import { Alert, Button, Group, Text } from '@mantine/core'
import { COMMON } from '../words/common.ts'
import type { Draft } from './draft.ts'

const { elsewhere: SAYS } = COMMON

/** @param nameOf how the form calls a member; what it has no name for is not listed */
export function Elsewhere<Values extends object>(props: {
  draft: Pick<Draft<Values>, 'elsewhere' | 'changed' | 'keep' | 'drop'>
  nameOf(member: keyof Values): string | undefined
}) {
  const { draft, nameOf } = props
  if (draft.elsewhere.length === 0) return null
  const named = (members: readonly (keyof Values)[]) => members.flatMap((member) => nameOf(member) ?? []).join(', ')
  const both = named(draft.elsewhere.filter((member) => draft.changed.includes(member)))
  const there = named(draft.elsewhere)
  return (
    <Alert color="yellow" variant="light" role="alert" title={SAYS.title} styles={DARK_TITLE}>
      <Text size="sm">{SAYS.says}</Text>
      {there !== '' && <Text size="sm">{SAYS.there(there)}</Text>}
      {both !== '' && <Text size="sm">{SAYS.both(both)}</Text>}
      <Group gap="sm" mt="sm">
        <Button size="xs" variant="default" onClick={draft.keep}>
          {SAYS.keep}
        </Button>
        <Button size="xs" variant="default" onClick={draft.drop}>
          {SAYS.drop}
        </Button>
      </Group>
    </Alert>
  )
}

/** In its colour the title is too pale on the pale ground of that colour (WCAG 2.2, 1.4.3). */
const DARK_TITLE = { title: { color: 'var(--mantine-color-text)' } } as const
