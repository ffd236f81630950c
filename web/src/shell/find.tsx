/** The way to the command palette: a button, and Ctrl or Cmd and K wherever one is. */
import { Button, Kbd, Text } from '@mantine/core'
import { useHotkeys } from '@mantine/hooks'
import { lazy, Suspense, useState } from 'react'
import type { Right } from '../../../src/contract/rights.ts'
import { SHELL } from '../words/shell.ts'

const palette = () => import('./palette.tsx')
const Palette = lazy(async () => ({ default: (await palette()).Palette }))

export function Find({ rights }: { rights: readonly Right[] }) {
  const [isWanted, setWanted] = useState(false)
  const open = () => {
    if (isWanted) void palette().then(({ openPalette }) => openPalette())
    else setWanted(true)
  }
  useHotkeys([['mod + K', open]], [])
  return (
    <>
      <Button
        variant="default"
        size="xs"
        onClick={open}
        rightSection={
          <Kbd size="xs" visibleFrom="sm" style={{ whiteSpace: 'nowrap' }}>
            Ctrl K
          </Kbd>
        }
      >
        <Text size="xs" component="span">
          {SHELL.findShort}
        </Text>
      </Button>
      {isWanted && (
        <Suspense>
          <Palette rights={rights} />
        </Suspense>
      )}
    </>
  )
}
