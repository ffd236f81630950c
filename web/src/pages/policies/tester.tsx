/** What a policy would do as it is written now, saved or not: whom it lets in alone, and who would gain or lose what. */
import { Button, Fieldset, Group, List, Stack, Text } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { PolicyShown } from '../../../../src/contract/policy.ts'
import type { DiffShown } from '../../../../src/contract/policy-explanation.ts'
import { useMay } from '../../api/me.ts'
import { compare, type Tried, tryPolicy } from '../../api/policies.ts'
import { Foreign } from '../../parts/foreign.tsx'
import { Mark } from '../../parts/mark.tsx'
import { type Column, Rows } from '../../parts/rows.tsx'
import { ProblemNote } from '../../parts/told.tsx'
import { askedBodyOf, type Draft } from '../../rules/draft.ts'
import { POLICY_WORDS } from '../../words/policies.ts'

const WORDS = POLICY_WORDS.tester

export function Tester({ draft, stored }: { draft: Draft; stored: PolicyShown | undefined }) {
  const mayPeople = useMay('users:read')
  const mayLogs = useMay('logs:read')
  const trying = useMutation({ mutationFn: async () => (await tryPolicy(askedBodyOf(draft))).result })
  const comparing = useMutation({
    mutationFn: async (id: string) => (await compare({ ...askedBodyOf(draft), id })).result,
  })
  if (!mayPeople) return null
  return (
    <Fieldset legend={WORDS.title}>
      <Stack gap="sm">
        <Text size="sm" c="dimmed">
          {WORDS.says}
        </Text>
        <Group>
          <Button variant="default" loading={trying.isPending} onClick={() => trying.mutate()}>
            {WORDS.people}
          </Button>
          {stored !== undefined && mayLogs && (
            <Button variant="default" loading={comparing.isPending} onClick={() => comparing.mutate(stored.id)}>
              {WORDS.compare}
            </Button>
          )}
          <Button variant="subtle" renderRoot={(props) => <Link to="/access" {...props} />}>
            {WORDS.explain}
          </Button>
        </Group>
        {stored === undefined && (
          <Text size="sm" c="dimmed">
            {WORDS.compareNew}
          </Text>
        )}
        {trying.error !== null && <ProblemNote error={trying.error} />}
        {trying.data !== undefined && <People tried={trying.data} />}
        {comparing.error !== null && <ProblemNote error={comparing.error} />}
        {comparing.data !== undefined && <Differences diff={comparing.data} />}
      </Stack>
    </Fieldset>
  )
}

type Person = Tried['people'][number]
const COLOR = { approved: 'green', blocked: 'gray', error: 'yellow' } as const
const COLUMNS: readonly Column<Person>[] = [
  {
    title: 'Person',
    width: 'minmax(8rem, 3fr)',
    cell: ({ email, name, id }) => <Foreign text={email || name || id} />,
  },
  {
    title: 'Verdict',
    width: '9rem',
    cell: ({ status }) => <Mark color={COLOR[status]}>{WORDS.verdicts[status]}</Mark>,
  },
]

function People({ tried: { counts, people } }: { tried: Tried }) {
  const { total_users: total, users_approved: letIn, users_errored: unsure } = counts
  return (
    <Stack gap="xs" role="status">
      <Text size="sm">{total === 0 ? WORDS.nobody : WORDS.ran(letIn, total)}</Text>
      {unsure > 0 && <Text size="sm">{WORDS.unsure(unsure)}</Text>}
      {people.length > 0 && (
        <Rows label={WORDS.people} rows={people} columns={COLUMNS} idOf={({ id }) => id} height="16rem" minWidth={18} />
      )}
    </Stack>
  )
}

const MOST_USES = 20

function Differences({ diff }: { diff: DiffShown }) {
  const { everybody, used, deeds } = diff
  const { gains, loses, cannot_tell: unsure, holders } = everybody
  const isSame = gains + loses + unsure + used.length === 0
  return (
    <Stack gap="xs" role="status" aria-label={WORDS.compare}>
      <Text size="sm">{isSame ? WORDS.same : WORDS.changed(gains, loses, unsure)}</Text>
      {holders.length > 0 && (
        <List size="sm">
          {holders.slice(0, MOST_USES).map(({ actor, portal, examples }) => (
            <List.Item key={`${actor} ${portal}`}>
              <Foreign text={`${actor} · ${portal}: ${examples.join(', ')}`} />
            </List.Item>
          ))}
        </List>
      )}
      <Text size="sm">{used.length === 0 ? WORDS.usedNone : WORDS.used(deeds.read)}</Text>
      {used.length > 0 && (
        <List size="sm">
          {used.slice(0, MOST_USES).map((use) => (
            <List.Item key={`${use.actor} ${use.portal} ${use.kind} ${use.capability} ${use.change}`}>
              <Foreign text={WORDS.use(WORDS[use.change], use.actor, use.capability, use.times)} />
            </List.Item>
          ))}
        </List>
      )}
    </Stack>
  )
}
