/** Over everything, once the server says that nobody is signed in any more: what was typed stays behind it. */
import { Button, Group, Modal, Stack, Text } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { Problem } from '../api/ask.ts'
import { SHELL } from '../words/shell.ts'

export function SignedOut() {
  const queries = useQueryClient()
  const [isOut, setOut] = useState(false)
  useEffect(() => {
    const look = (error: unknown) => {
      if (error instanceof Problem && error.status === 401) setOut(true)
    }
    const reads = queries.getQueryCache().subscribe(({ query }) => look(query.state.error))
    const writes = queries.getMutationCache().subscribe(({ mutation }) => look(mutation?.state.error))
    return () => {
      reads()
      writes()
    }
  }, [queries])
  const { title, says, again } = SHELL.signedOut
  const back = encodeURIComponent(location.pathname + location.search)
  return (
    <Modal opened={isOut} onClose={() => {}} withCloseButton={false} title={title} centered>
      <Stack>
        <Text size="sm">{says}</Text>
        <Group justify="flex-end">
          <Button component="a" href={`/sign-in?return_to=${back}`} data-autofocus>
            {again}
          </Button>
        </Group>
      </Stack>
    </Modal>
  )
}
