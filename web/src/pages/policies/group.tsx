/** One group, or a new one: criteria under one name, and what names it. */
import { Button, Fieldset, Group, List, Stack, Text, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useParams } from '@tanstack/react-router'
import { useState } from 'react'
import type { GroupShown } from '../../../../src/contract/access-group.ts'
import { GROUPS, groupQuery, groupsQuery, policiesQuery, remove, save, useNames } from '../../api/policies.ts'
import { Confirm } from '../../parts/confirm.tsx'
import { Foreign } from '../../parts/foreign.tsx'
import { FromFileBadge, LockNote, useLock } from '../../parts/from-file.tsx'
import { Page } from '../../parts/page.tsx'
import { ProblemNote, Waiting } from '../../parts/told.tsx'
import { useDeed } from '../../parts/use-deed.ts'
import { type CriteriaDraft, criteriaOf, newCriterion, openCriteria } from '../../rules/draft.ts'
import { readGroup } from '../../rules/read-rule.ts'
import { type Criterion, openCriterion } from '../../rules/selectors.ts'
import { COMMON } from '../../words/common.ts'
import { POLICY_WORDS } from '../../words/policies.ts'
import { PAGES } from '../../words/shell.ts'
import { CriteriaRows } from './criteria-rows.tsx'
import { Reading } from './reading.tsx'

const WORDS = POLICY_WORDS.group
const ABOVE = [['/policies', PAGES.policies.title]] as const

export function GroupOne() {
  const { id = 'new' } = useParams({ strict: false })
  const isNew = id === 'new'
  const { data, error, refetch } = useQuery({ ...groupQuery(id), enabled: !isNew })
  if (isNew || data !== undefined)
    return <GroupForm key={`${id} ${data?.updated_at}`} stored={isNew ? undefined : data} />
  return (
    <Page title={POLICY_WORDS.tabs.groups} above={ABOVE}>
      {error ? <ProblemNote error={error} again={() => void refetch()} /> : <Waiting />}
    </Page>
  )
}

function GroupForm({ stored }: { stored: GroupShown | undefined }) {
  const navigate = useNavigate()
  const names = useNames()
  const lock = useLock('policies:write', stored?.origin)
  const [name, setName] = useState(stored?.name ?? '')
  const [isTouched, setTouched] = useState(false)
  const [draft, setDraft] = useState<CriteriaDraft>(() =>
    stored === undefined ? { include: [newCriterion()], require: [], exclude: [] } : openCriteria(stored),
  )
  const saving = useDeed(
    () => save<GroupShown>(GROUPS, stored?.id ?? null, { name: name.trim(), ...criteriaOf(draft) }),
    {
      done: stored === undefined ? WORDS.created : WORDS.saved,
      reads: [['groups'], ['policies'], ['explanations']],
    },
  )
  const isLocked = lock !== null
  return (
    <Page
      title={stored?.name ?? WORDS.new}
      above={ABOVE}
      actions={
        stored !== undefined && (isLocked ? <FromFileBadge origin={stored.origin} /> : <RemoveGroup group={stored} />)
      }
    >
      <LockNote lock={lock} />
      <Reading sentences={[readGroup(criteriaOf(draft), names)]} isUnsaved={isTouched || stored === undefined} />
      <form
        onSubmit={(event) => {
          event.preventDefault()
          saving.mutate(undefined, {
            onSuccess: ({ result }) => void navigate({ to: '/groups/$id', params: { id: result.id }, replace: true }),
          })
        }}
      >
        <Stack>
          <TextInput
            label={POLICY_WORDS.form.name.label}
            description={WORDS.nameSays}
            required
            maxLength={350}
            value={name}
            disabled={isLocked}
            onChange={(event) => {
              setTouched(true)
              setName(event.currentTarget.value)
            }}
          />
          <CriteriaRows
            draft={draft}
            isLocked={isLocked}
            onChange={(part, rows) => {
              setTouched(true)
              setDraft({ ...draft, [part]: rows })
            }}
          />
          {saving.error !== null && <ProblemNote error={saving.error} />}
          {!isLocked && (
            <Group>
              <Button type="submit" loading={saving.isPending}>
                {COMMON.save}
              </Button>
            </Group>
          )}
        </Stack>
      </form>
      {stored !== undefined && <NamedBy group={stored.id} />}
    </Page>
  )
}

function RemoveGroup({ group }: { group: GroupShown }) {
  const navigate = useNavigate()
  const removing = useDeed(() => remove(GROUPS, group.id), {
    done: WORDS.removed,
    reads: [['groups']],
  })
  const { title, deed, says } = WORDS.remove
  return (
    <Confirm
      title={title}
      deed={deed}
      says={<Foreign text={says(group.name)} />}
      perform={async () => {
        await removing.mutateAsync(undefined)
        await navigate({ to: '/policies', search: { tab: 'groups' } })
      }}
    >
      {(open) => (
        <Button variant="default" onClick={open}>
          {COMMON.remove}
        </Button>
      )}
    </Confirm>
  )
}

interface Naming {
  id: string
  name: string
  include: readonly Criterion[]
  require: readonly Criterion[]
  exclude: readonly Criterion[]
}

function NamedBy({ group }: { group: string }) {
  const policies = useQuery(policiesQuery).data ?? []
  const groups = useQuery(groupsQuery).data ?? []
  const names = ({ include, require, exclude }: Naming) =>
    [...include, ...require, ...exclude].some((one) => {
      const { selector, value } = openCriterion(one)
      return selector === 'group' && value.id === group
    })
  const found = [
    ...policies.filter(names).map(({ id, name }) => ({ to: `/policies/${id}`, name })),
    ...groups.filter(names).map(({ id, name }) => ({ to: `/groups/${id}`, name })),
  ]
  return (
    <Fieldset legend={WORDS.usedBy}>
      {found.length === 0 ? (
        <Text size="sm">{WORDS.unused}</Text>
      ) : (
        <List size="sm">
          {found.map(({ to, name }) => (
            <List.Item key={to}>
              <Link to={to}>
                <Foreign text={name} />
              </Link>
            </List.Item>
          ))}
        </List>
      )}
    </Fieldset>
  )
}
