/** What hurts is asked for twice: what will happen, in words, and a button that says what it does. */
import { Button, Group, Stack, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useMutation } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { COMMON } from '../words/common.ts'
import { Dialog } from './dialog.tsx'
import { ProblemNote } from './told.tsx'

export interface ConfirmProps {
  /** What the dialog is called, and what its button says. */
  title: string
  deed: string
  /** What will have happened. */
  says: ReactNode
  /** Does it; the dialog stays, with the problem, when that throws. */
  perform(): Promise<unknown>
  /** Opens it. */
  children(open: () => void): ReactNode
}

export function Confirm({ title, deed, says, perform, children }: ConfirmProps) {
  const [isOpen, { open, close }] = useDisclosure(false)
  const act = useMutation({ mutationFn: perform, onSuccess: close })
  return (
    <>
      {children(open)}
      <Dialog opened={isOpen} onClose={close} title={title} centered>
        <Stack>
          <Text component="div" size="sm">
            {says}
          </Text>
          {act.error !== null && <ProblemNote error={act.error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={close} data-autofocus>
              {COMMON.cancel}
            </Button>
            <Button color="red" loading={act.isPending} onClick={() => act.mutate()}>
              {deed}
            </Button>
          </Group>
        </Stack>
      </Dialog>
    </>
  )
}
