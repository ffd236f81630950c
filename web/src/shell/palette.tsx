/** The command palette: every page, by name. It is loaded, and opens, when it is first asked for. */
import { Spotlight, spotlight } from '@mantine/spotlight'
import { useNavigate } from '@tanstack/react-router'
import { useEffect } from 'react'
import type { Right } from '../../../src/contract/rights.ts'
import { SHELL } from '../words/shell.ts'
import { NAVIGATION } from './navigation.ts'

export const openPalette = spotlight.open

export function Palette({ rights }: { rights: readonly Right[] }) {
  const navigate = useNavigate()
  useEffect(openPalette, [])
  const actions = NAVIGATION.filter(({ right }) => rights.includes(right)).map(({ to, title, says }) => ({
    ...{ id: to, label: title, description: says },
    onClick: () => void navigate({ to }),
  }))
  return (
    <Spotlight
      actions={actions}
      shortcut={null}
      nothingFound={SHELL.nothingFound}
      scrollable
      attributes={{ content: { 'aria-label': SHELL.find } }}
      searchProps={{ placeholder: SHELL.find, 'aria-label': SHELL.find }}
    />
  )
}
