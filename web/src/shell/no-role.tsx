/** For who is signed in and has no role: why nothing is shown, and the way back. */
import { Button, Container, Stack, Text, Title } from '@mantine/core'
import { SHELL } from '../words/shell.ts'

export function NoRole() {
  const { title, says, home } = SHELL.noRole
  return (
    <Container size="xs" component="main" py="15vh">
      <Stack align="flex-start">
        <Title order={1} size="h2">
          {title}
        </Title>
        <Text>{says}</Text>
        <Button component="a" href="/">
          {home}
        </Button>
      </Stack>
    </Container>
  )
}
