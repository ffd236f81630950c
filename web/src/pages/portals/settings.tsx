/** What a portal is called, where it is reached, who may come in, how much, and its end. Only what was changed is sent. */
import { Button, Fieldset, Group, MultiSelect, Stack, Switch, Text, Textarea, TextInput, Title } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import type { FormEvent } from 'react'
import type { PortalShown, PortalUpdate } from '../../../../src/contract/portal.ts'
import { Problem } from '../../api/ask.ts'
import { choosablePoliciesQuery, deletePortal, PORTAL_READS, updatePortal } from '../../api/portals.ts'
import { Confirm } from '../../parts/confirm.tsx'
import { type Draft as DraftOf, useDraft } from '../../parts/draft.ts'
import { Elsewhere } from '../../parts/elsewhere.tsx'
import { ProblemNote } from '../../parts/told.tsx'
import { useDeed } from '../../parts/use-deed.ts'
import { COMMON } from '../../words/common.ts'
import { PORTALS } from '../../words/portals.ts'
import { type LimitDraft, Limits, toDrafts, toLimits } from './limits.tsx'
import type { TabProps } from './one.tsx'

const { settings: SAYS, create: FIELDS } = PORTALS

interface Draft {
  name: string
  hostname: string
  description: string
  policies: string[]
  header: string
  mayRegister: boolean
  limits: readonly LimitDraft[]
}

/** As the form calls them. */
const NAMES: Readonly<Record<keyof Draft, string>> = {
  ...{ name: FIELDS.name[0], hostname: FIELDS.hostname[0], description: FIELDS.description[0] },
  ...{ policies: FIELDS.policies[0], limits: SAYS.limits, header: SAYS.header[0], mayRegister: SAYS.registration[0] },
}

export function PortalSettings({ portal, lock }: TabProps) {
  return (
    <Stack gap="xl" maw="44rem">
      <Form key={portal.id} portal={portal} lock={lock} />
      {lock === null && <End portal={portal} />}
    </Stack>
  )
}

function Form({ portal, lock }: Pick<TabProps, 'portal' | 'lock'>) {
  const form = useDraft(draftOf(portal))
  const { values: draft, type: put } = form
  const { data: policies = [] } = useQuery(choosablePoliciesQuery)
  const save = useDeed((body: PortalUpdate) => updatePortal(portal.id, body), { reads: PORTAL_READS, done: SAYS.saved })
  const problem = save.error instanceof Problem ? save.error : null
  const change = changeOf(form, portal)
  const isLocked = lock !== null
  const field = (name: 'name' | 'hostname' | 'description') => ({
    ...{ label: FIELDS[name][0], description: FIELDS[name][1], error: problem?.at(name) },
    ...{ value: draft[name], readOnly: isLocked },
  })
  // A policy of this portal alone is not among those that may be chosen anywhere, and stays.
  const known = new Set(policies.map(({ id }) => id))
  const choices = [
    ...policies.map(({ id, name, decision }) => ({ value: id, label: `${name} (${decision})` })),
    ...portal.policies.filter((id) => !known.has(id)).map((id) => ({ value: id, label: id })),
  ]
  return (
    <form
      onSubmit={(event: FormEvent) => {
        event.preventDefault()
        form.send()
        save.mutate(change, { onSuccess: () => form.saved(), onError: form.failed })
      }}
    >
      <Stack gap="lg">
        <Elsewhere draft={form} nameOf={(member) => NAMES[member]} />
        <Fieldset legend={SAYS.address}>
          <Stack>
            <TextInput {...field('name')} required onChange={(event) => put({ name: event.currentTarget.value })} />
            <TextInput
              {...field('hostname')}
              required
              onChange={(event) => put({ hostname: event.currentTarget.value })}
            />
            <Textarea
              {...field('description')}
              autosize
              maxLength={512}
              onChange={(event) => put({ description: event.currentTarget.value })}
            />
          </Stack>
        </Fieldset>
        <Fieldset legend={SAYS.access}>
          <MultiSelect
            label={FIELDS.policies[0]}
            description={draft.policies.length === 0 ? SAYS.noPolicies : FIELDS.policies[1]}
            error={problem?.at('policies')}
            data={choices}
            value={draft.policies}
            onChange={(chosen) => put({ policies: chosen })}
            readOnly={isLocked}
            searchable
            limit={100}
            hidePickedOptions
          />
        </Fieldset>
        <Limits
          drafts={draft.limits}
          put={(limits) => put({ limits })}
          isLocked={isLocked}
          error={problem?.at('limits')}
        />
        <Fieldset legend={SAYS.more}>
          <Stack>
            <TextInput
              label={SAYS.header[0]}
              description={SAYS.header[1]}
              error={problem?.at('read_service_tokens_from_header')}
              value={draft.header}
              readOnly={isLocked}
              onChange={(event) => put({ header: event.currentTarget.value })}
            />
            <Switch
              label={SAYS.registration[0]}
              description={SAYS.registration[1]}
              checked={draft.mayRegister}
              disabled={isLocked}
              onChange={(event) => put({ mayRegister: event.currentTarget.checked })}
            />
          </Stack>
        </Fieldset>
        {save.error !== null && <ProblemNote error={save.error} />}
        {lock === null && (
          <Group>
            <Button
              type="submit"
              loading={save.isPending}
              disabled={form.changed.length === 0 || form.elsewhere.length > 0}
            >
              {COMMON.save}
            </Button>
          </Group>
        )}
      </Stack>
    </form>
  )
}

function End({ portal }: Pick<TabProps, 'portal'>) {
  const navigate = useNavigate()
  const queries = useQueryClient()
  const end = async () => {
    await deletePortal(portal.id)
    // Away first: what is not there any more cannot be read again.
    await navigate({ to: '/portals' })
    queries.removeQueries({ queryKey: ['portals', 'one', portal.id] })
    await queries.invalidateQueries({ queryKey: ['portals'] })
    notifications.show({ message: SAYS.deleted, color: 'green', closeButtonProps: { 'aria-label': COMMON.close } })
  }
  return (
    <Stack align="flex-start" gap="xs">
      <Title order={2} size="h4">
        {SAYS.danger}
      </Title>
      <Text size="sm">{SAYS.dangerSays}</Text>
      <Confirm title={SAYS.danger} deed={SAYS.delete} says={`${SAYS.dangerSays} ${COMMON.confirm.sure}`} perform={end}>
        {(open) => (
          <Button color="red" variant="outline" onClick={open}>
            {SAYS.delete}
          </Button>
        )}
      </Confirm>
    </Stack>
  )
}

function draftOf(portal: PortalShown): Draft {
  return {
    name: portal.name,
    hostname: portal.hostname,
    description: portal.description ?? '',
    policies: portal.policies,
    header: portal.read_service_tokens_from_header ?? '',
    mayRegister: portal.oauth_configuration?.dynamic_client_registration?.enabled ?? true,
    limits: toDrafts(portal.limits),
  }
}

/** @returns what differs, as the REST API takes it */
function changeOf(form: Pick<DraftOf<Draft>, 'values' | 'changed'>, portal: PortalShown): PortalUpdate {
  const { values: draft } = form
  const isOther = (name: keyof Draft) => form.changed.includes(name)
  const rules = portal.oauth_configuration
  return {
    ...(isOther('name') && { name: draft.name }),
    ...(isOther('hostname') && { hostname: draft.hostname }),
    ...(isOther('description') && { description: draft.description === '' ? null : draft.description }),
    ...(isOther('policies') && { policies: draft.policies }),
    ...(isOther('header') && { read_service_tokens_from_header: draft.header === '' ? null : draft.header }),
    ...(isOther('limits') && { limits: toLimits(draft.limits) }),
    ...(isOther('mayRegister') && {
      oauth_configuration: {
        ...rules,
        dynamic_client_registration: { ...rules?.dynamic_client_registration, enabled: draft.mayRegister },
      },
    }),
  }
}
