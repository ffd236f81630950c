/** One list of addresses or other values, or a new one. */
import { Button, Group, Select, Stack, Textarea, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useParams } from '@tanstack/react-router'
import { useState } from 'react'
import type { ListShown } from '../../../../src/contract/gateway-list.ts'
import { LISTS, listQuery, remove, save } from '../../api/policies.ts'
import { Confirm } from '../../parts/confirm.tsx'
import { Foreign } from '../../parts/foreign.tsx'
import { FromFileBadge, LockNote, useLock } from '../../parts/from-file.tsx'
import { Page } from '../../parts/page.tsx'
import { ProblemNote, Waiting } from '../../parts/told.tsx'
import { useDeed } from '../../parts/use-deed.ts'
import { COMMON } from '../../words/common.ts'
import { POLICY_WORDS } from '../../words/policies.ts'
import { PAGES } from '../../words/shell.ts'

const WORDS = POLICY_WORDS.list
const ABOVE = [['/policies', PAGES.policies.title]] as const
const TYPES = ['EMAIL', 'IP', 'DOMAIN', 'URL', 'SERIAL', 'CATEGORY', 'LOCATION', 'DEVICE', 'AAGUID']

export function ValueList() {
  const { id = 'new' } = useParams({ strict: false })
  const isNew = id === 'new'
  const { data, error, refetch } = useQuery({ ...listQuery(id), enabled: !isNew })
  if (isNew || data !== undefined)
    return <ListForm key={`${id} ${data?.updated_at}`} stored={isNew ? undefined : data} />
  return (
    <Page title={POLICY_WORDS.tabs.lists} above={ABOVE}>
      {error ? <ProblemNote error={error} again={() => void refetch()} /> : <Waiting />}
    </Page>
  )
}

interface ListDraft {
  name: string
  type: string
  description: string
  text: string
}

function draftOf(stored: ListShown | undefined): ListDraft {
  const { name = '', type = 'EMAIL', description = '', items = [] } = stored ?? {}
  return { name, type, description, text: items.map(({ value }) => value).join('\n') }
}

/** What was said of an entry stays with it. */
function bodyOf({ name, type, description, text }: ListDraft, stored: ListShown | undefined): unknown {
  const said = new Map((stored?.items ?? []).map((item) => [item.value, item.description]))
  const values = [...new Set(text.split('\n').map((line) => line.trim()))].filter((value) => value !== '')
  const items = values.map((value) => {
    const description = said.get(value)
    return description === undefined ? { value } : { value, description }
  })
  return { name: name.trim(), ...(stored === undefined ? { type } : {}), description: description || null, items }
}

function ListForm({ stored }: { stored: ListShown | undefined }) {
  const navigate = useNavigate()
  const lock = useLock('policies:write', stored?.origin)
  const isLocked = lock !== null
  const [draft, setDraft] = useState(() => draftOf(stored))
  const saving = useDeed(() => save<ListShown>(LISTS, stored?.id ?? null, bodyOf(draft, stored)), {
    done: stored === undefined ? WORDS.created : WORDS.saved,
    reads: [['lists'], ['explanations']],
  })
  return (
    <Page
      title={stored?.name ?? WORDS.new}
      above={ABOVE}
      actions={
        stored !== undefined && (isLocked ? <FromFileBadge origin={stored.origin} /> : <RemoveList list={stored} />)
      }
    >
      <LockNote lock={lock} />
      <form
        onSubmit={(event) => {
          event.preventDefault()
          saving.mutate(undefined, {
            onSuccess: ({ result }) => void navigate({ to: '/lists/$id', params: { id: result.id }, replace: true }),
          })
        }}
      >
        <Stack>
          <ListFields draft={draft} isNew={stored === undefined} isLocked={isLocked} onChange={setDraft} />
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
    </Page>
  )
}

interface ListFieldsProps {
  draft: ListDraft
  isNew: boolean
  isLocked: boolean
  onChange(draft: ListDraft): void
}

function ListFields({ draft, isNew, isLocked, onChange }: ListFieldsProps) {
  return (
    <>
      <TextInput
        label={WORDS.name.label}
        description={WORDS.name.says}
        required
        maxLength={350}
        value={draft.name}
        disabled={isLocked}
        onChange={(event) => onChange({ ...draft, name: event.currentTarget.value })}
      />
      <Select
        label={WORDS.type.label}
        description={WORDS.type.says}
        data={TYPES}
        value={draft.type}
        allowDeselect={false}
        disabled={isLocked || !isNew}
        onChange={(type) => onChange({ ...draft, type: type ?? 'EMAIL' })}
      />
      <TextInput
        label={WORDS.description.label}
        description={WORDS.description.says}
        value={draft.description}
        disabled={isLocked}
        onChange={(event) => onChange({ ...draft, description: event.currentTarget.value })}
      />
      <Textarea
        label={WORDS.items.label}
        description={WORDS.items.says}
        rows={12}
        value={draft.text}
        disabled={isLocked}
        onChange={(event) => onChange({ ...draft, text: event.currentTarget.value })}
      />
    </>
  )
}

function RemoveList({ list }: { list: ListShown }) {
  const navigate = useNavigate()
  const removing = useDeed(() => remove(LISTS, list.id), {
    done: WORDS.removed,
    reads: [['lists']],
  })
  const { title, deed, says } = WORDS.remove
  return (
    <Confirm
      title={title}
      deed={deed}
      says={<Foreign text={says(list.name)} />}
      perform={async () => {
        await removing.mutateAsync(undefined)
        await navigate({ to: '/policies', search: { tab: 'lists' } })
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
