/** The command palette (Ctrl or Cmd and K): every page, and what the pages hold, by name. */
import { Button, Kbd, Text } from '@mantine/core'
import { Spotlight, spotlight } from '@mantine/spotlight'
import { useNavigate } from '@tanstack/react-router'
import type { Right } from '../../../src/contract/rights.ts'
import { SHELL } from '../words/shell.ts'
import { NAVIGATION } from './navigation.ts'

export function Palette({ rights }: { rights: readonly Right[] }) {
  const navigate = useNavigate()
  const actions = NAVIGATION.filter(({ right }) => rights.includes(right)).map(({ to, title, says }) => ({
    ...{ id: to, label: title, description: says },
    onClick: () => void navigate({ to }),
  }))
  return (
    <Spotlight
      actions={actions}
      shortcut={['mod + K']}
      nothingFound={SHELL.nothingFound}
      scrollable
      searchProps={{ placeholder: SHELL.find, 'aria-label': SHELL.find }}
    />
  )
}

export function FindButton() {
  return (
    <Button variant="default" size="xs" onClick={spotlight.open} rightSection={<Kbd size="xs">Ctrl K</Kbd>}>
      <Text size="xs" component="span">
        {SHELL.findShort}
      </Text>
    </Button>
  )
}
