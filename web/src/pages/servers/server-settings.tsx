/** Everything of a server that can be set. Only what was changed is sent, so that two admins do not undo each other's fields. */
import { Button, Fieldset, Group, Stack, Textarea, TextInput } from '@mantine/core'
import type { FormEvent } from 'react'
import type { ServerShown, ServerUpdate } from '../../../../src/contract/server.ts'
import { Problem } from '../../api/ask.ts'
import { updateServer } from '../../api/servers.ts'
import { useDraft } from '../../parts/draft.ts'
import { Elsewhere } from '../../parts/elsewhere.tsx'
import { LockNote, useLock } from '../../parts/from-file.tsx'
import { ProblemNote } from '../../parts/told.tsx'
import { useDeed } from '../../parts/use-deed.ts'
import { COMMON } from '../../words/common.ts'
import { ONE_SERVER, SETTINGS as SAYS } from '../../words/servers.ts'
import { IdentityFields } from './identity-fields.tsx'
import { LimitsFields } from './limits-fields.tsx'
import { AsksFields, ReachFields, ResourceFields } from './reach-fields.tsx'
import { TrustFields } from './trust-fields.tsx'

const FIELDS = [
  ...(['name', 'description', 'definitions', 'instructions', 'policies', 'labels', 'bypass_credential'] as const),
  ...(['isolation', 'allow_private', 'deadlines', 'relay', 'resources', 'limits'] as const),
  ...(['own_policies', 'identity_header', 'identity_claims'] as const),
] as const

export type Draft = Pick<ServerShown, (typeof FIELDS)[number]>

/** What each group of fields is given. */
export interface Section {
  draft: Draft
  change(part: Partial<Draft>): void
  /** What the server says of a field, where it says something. */
  at(field: string): string | undefined
}

const draftOf = (server: ServerShown): Draft =>
  Object.fromEntries(FIELDS.map((field) => [field, server[field]])) as unknown as Draft

export function ServerSettings({ server }: { server: ServerShown }) {
  const lock = useLock('servers:write', server.origin)
  const form = useDraft(draftOf(server))
  const save = useDeed((body: ServerUpdate) => updateServer(server.id, body), {
    ...{ done: ONE_SERVER.saved, reads: [['servers'], ['portals']] },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    form.send()
    const changes = Object.fromEntries(form.changed.map((field) => [field, form.values[field]]))
    save.mutate(changes as ServerUpdate, { onSuccess: () => form.saved(), onError: form.failed })
  }
  const problem = save.error instanceof Problem ? save.error : null
  const section: Section = {
    draft: form.values,
    change: form.type,
    at: (field) => problem?.at(field),
  }
  return (
    <form onSubmit={submit}>
      <Stack maw="44rem">
        <LockNote lock={lock} />
        <Elsewhere draft={form} nameOf={(field) => SAYS.names[field]} />
        <Fieldset variant="unstyled" disabled={lock !== null} aria-label={ONE_SERVER.facts.changed}>
          <Stack>
            <Basics section={section} />
            <TrustFields section={section} instructions={server.upstream_instructions} />
            {server.transport === undefined && <IdentityFields section={section} audience={server.identity_audience} />}
            <ReachFields section={section} isHttp={server.transport === undefined} />
            <AsksFields section={section} />
            <ResourceFields section={section} />
            <LimitsFields section={section} />
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
        </Fieldset>
      </Stack>
    </form>
  )
}

function Basics({ section: { draft, change, at } }: { section: Section }) {
  return (
    <Fieldset legend={SAYS.basics}>
      <Stack>
        <TextInput
          label={SAYS.name}
          description={SAYS.nameSays}
          required
          value={draft.name}
          onChange={({ currentTarget }) => change({ name: currentTarget.value })}
          error={at('name')}
        />
        <Textarea
          label={SAYS.description}
          description={SAYS.descriptionSays}
          autosize
          value={draft.description ?? ''}
          onChange={({ currentTarget: { value } }) => change({ description: value === '' ? null : value })}
          error={at('description')}
        />
      </Stack>
    </Fieldset>
  )
}
