/** Where no page is, and where one broke. */
import { Button, Stack, Text, Title } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { SHELL } from '../words/shell.ts'

export function Lost() {
  const { title, says, home } = SHELL.lost
  return (
    <Stack align="flex-start">
      <Title order={1} size="h2">
        {title}
      </Title>
      <Text>{says}</Text>
      <Button renderRoot={(props) => <Link to="/" {...props} />}>{home}</Button>
    </Stack>
  )
}

export function Broken({ error }: { error: unknown }) {
  const { title, says, again } = SHELL.broken
  return (
    <Stack align="flex-start" role="alert">
      <Title order={1} size="h2">
        {title}
      </Title>
      <Text>{says}</Text>
      <Text size="sm" c="dimmed" className="foreign">
        {String(error)}
      </Text>
      <Button onClick={() => location.reload()}>{again}</Button>
    </Stack>
  )
}
