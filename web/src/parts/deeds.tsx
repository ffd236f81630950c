/** What can be done with one object, side by side; each asks again before it does it. */
import { Button, Group } from '@mantine/core'
import type { ReactNode } from 'react'
import { Confirm } from './confirm.tsx'

export interface DeedWords {
  button: string
  title: string
  says: ReactNode
}

export function Deeds({ children }: { children: ReactNode }) {
  return <Group gap="sm">{children}</Group>
}

export function Deed(props: { words: DeedWords; perform(): Promise<unknown>; isRed?: boolean }) {
  const { words, perform, isRed = false } = props
  return (
    <Confirm title={words.title} deed={words.button} says={words.says} perform={perform}>
      {(open) => (
        <Button {...(isRed ? { color: 'red' } : { variant: 'default' })} onClick={open}>
          {words.button}
        </Button>
      )}
    </Confirm>
  )
}
