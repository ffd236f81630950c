/** What waits for a decision: each definition with its differences from the approved one. Decided is exactly what is seen, by its hash. */
import { Alert, Button, Checkbox, Group, List, Paper, Stack, Text } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import type { DefinitionShown } from '../../../../src/contract/definitions.ts'
import type { ServerShown } from '../../../../src/contract/server.ts'
import { decideDefinitions, heldQuery } from '../../api/servers.ts'
import { Confirm } from '../../parts/confirm.tsx'
import { Foreign } from '../../parts/foreign.tsx'
import { LockNote, useLock } from '../../parts/from-file.tsx'
import { Nothing, ProblemNote, Waiting } from '../../parts/told.tsx'
import { When } from '../../parts/when.tsx'
import { COMMON } from '../../words/common.ts'
import { ONE_SERVER, HELD as SAYS } from '../../words/servers.ts'
import { Differences } from './differences.tsx'

/** Another hash is another definition, and is chosen anew. */
const keyOf = ({ kind, name, hash }: DefinitionShown): string => `${kind} ${hash} ${name}`

export function HeldDefinitions({ server }: { server: ServerShown }) {
  const { data, error, refetch } = useQuery(heldQuery(server.id))
  // An admin's word on a definition is no part of what a file declares.
  const lock = useLock('servers:write')
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set())
  if (error !== null) return <ProblemNote error={error} again={() => void refetch()} />
  if (data === undefined) return <Waiting />
  const { result: held, info } = data
  if (held.length === 0) return <Nothing {...SAYS.none} />
  const wanted = held.filter((one) => chosen.has(keyOf(one)))
  const choose = (keys: readonly string[], isChosen: boolean) =>
    setChosen((before) => {
      const next = new Set(before)
      for (const key of keys) isChosen ? next.add(key) : next.delete(key)
      return next
    })
  return (
    <Stack>
      <Text size="sm">{SAYS.intro}</Text>
      <LockNote lock={lock} />
      {lock === null && (
        <Group>
          <Checkbox
            label={SAYS.all}
            checked={wanted.length === held.length}
            indeterminate={wanted.length > 0 && wanted.length < held.length}
            onChange={({ currentTarget }) => choose(held.map(keyOf), currentTarget.checked)}
          />
          <Decide id={server.id} verdict="approve" wanted={wanted} />
          <Decide id={server.id} verdict="reject" wanted={wanted} />
        </Group>
      )}
      {held.map((one) => (
        <HeldOne
          key={keyOf(one)}
          one={one}
          isChosen={chosen.has(keyOf(one))}
          {...(lock === null ? { onChoose: (isChosen: boolean) => choose([keyOf(one)], isChosen) } : {})}
        />
      ))}
      {info.total_count > held.length && <Text size="sm">{SAYS.more(info.total_count - held.length)}</Text>}
    </Stack>
  )
}

function Decide({
  id,
  verdict,
  wanted,
}: {
  id: string
  verdict: 'approve' | 'reject'
  wanted: readonly DefinitionShown[]
}) {
  const queries = useQueryClient()
  const isApproval = verdict === 'approve'
  const decide = async () => {
    const choices = wanted.map(({ kind, name, hash }) => ({ kind, name, hash }))
    try {
      await decideDefinitions(id, verdict, choices)
      notifications.show({
        message: ONE_SERVER.saved,
        color: 'green',
        closeButtonProps: { 'aria-label': COMMON.close },
      })
    } finally {
      // Also where something changed meanwhile: then this shows what there is now.
      await queries.invalidateQueries({ queryKey: ['servers'] })
    }
  }
  return (
    <Confirm
      title={isApproval ? SAYS.approveTitle : SAYS.rejectTitle}
      deed={SAYS[verdict](wanted.length)}
      says={
        <>
          {isApproval ? SAYS.approveSays : SAYS.rejectSays}
          <List size="sm" mt="xs">
            {wanted.slice(0, 20).map((one) => (
              <List.Item key={keyOf(one)}>
                {SAYS.kind[one.kind]} <Foreign text={one.name} fw={600} />
              </List.Item>
            ))}
          </List>
        </>
      }
      perform={decide}
    >
      {(open) => (
        <Button size="xs" variant={isApproval ? 'filled' : 'default'} disabled={wanted.length === 0} onClick={open}>
          {SAYS[verdict](wanted.length)}
        </Button>
      )}
    </Confirm>
  )
}

function HeldOne({
  one,
  isChosen,
  onChoose,
}: {
  one: DefinitionShown
  isChosen: boolean
  onChoose?(isChosen: boolean): void
}) {
  const { diff } = one
  return (
    <Paper withBorder p="md" component="article">
      <Stack gap="sm">
        <Group justify="space-between">
          <Group gap="sm" wrap="nowrap">
            {onChoose !== undefined && (
              <Checkbox
                aria-label={SAYS.choose(one.name)}
                checked={isChosen}
                onChange={({ currentTarget }) => onChoose(currentTarget.checked)}
              />
            )}
            <Text size="sm">
              {SAYS.kind[one.kind]} <Foreign text={one.name} fw={600} />
            </Text>
          </Group>
          {one.held !== undefined && (
            <Text size="sm" c="dimmed">
              {SAYS.since} <When at={one.held.since} />
            </Text>
          )}
        </Group>
        {one.findings.map(({ pointer, message }) => (
          <Alert key={`${pointer} ${message}`} color="yellow" variant="light" py="xs">
            <Foreign text={`${pointer}: ${message}`} />
          </Alert>
        ))}
        <Text size="sm">{diff === undefined ? SAYS.isNew : SAYS.changed(diff.length)}</Text>
        <Differences one={one} />
      </Stack>
    </Paper>
  )
}
