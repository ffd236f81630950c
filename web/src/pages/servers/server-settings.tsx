/** Everything of a server that can be set. Only what was changed is sent, so that two admins do not undo each other's fields. */
import { Button, Fieldset, Group, PasswordInput, Stack, Textarea, TextInput } from '@mantine/core'
import { type FormEvent, useState } from 'react'
import type { ServerShown, ServerUpdate } from '../../../../src/contract/server.ts'
import { Problem } from '../../api/ask.ts'
import { updateServer } from '../../api/servers.ts'
import { LockNote, useLock } from '../../parts/from-file.tsx'
import { ProblemNote } from '../../parts/told.tsx'
import { useDeed } from '../../parts/use-deed.ts'
import { COMMON } from '../../words/common.ts'
import { ONE_SERVER, SETTINGS as SAYS } from '../../words/servers.ts'
import { LimitsFields } from './limits-fields.tsx'
import { AsksFields, ReachFields, ResourceFields } from './reach-fields.tsx'
import { TrustFields } from './trust-fields.tsx'

const FIELDS = [
  ...(['name', 'description', 'definitions', 'instructions', 'policies', 'labels', 'bypass_credential'] as const),
  ...(['isolation', 'allow_private', 'deadlines', 'relay', 'resources', 'limits'] as const),
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

export function changesOf(before: Draft, after: Draft): ServerUpdate {
  const changed = FIELDS.filter((field) => JSON.stringify(before[field]) !== JSON.stringify(after[field]))
  return Object.fromEntries(changed.map((field) => [field, after[field]])) as ServerUpdate
}

export function ServerSettings({ server }: { server: ServerShown }) {
  const lock = useLock('servers:write', server.origin)
  const [before, setBefore] = useState(() => draftOf(server))
  const [draft, setDraft] = useState(before)
  const [credential, setCredential] = useState('')
  const save = useDeed((body: ServerUpdate) => updateServer(server.id, body), {
    ...{ done: ONE_SERVER.saved, reads: [['servers'], ['portals']] },
    after: (saved) => {
      setBefore(draftOf(saved))
      setDraft(draftOf(saved))
      setCredential('')
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    save.mutate({ ...changesOf(before, draft), ...(credential === '' ? {} : { auth_credentials: credential }) })
  }
  const problem = save.error instanceof Problem ? save.error : null
  const section: Section = {
    draft,
    change: (part) => setDraft((now) => ({ ...now, ...part })),
    at: (field) => problem?.at(field),
  }
  const isSame = credential === '' && Object.keys(changesOf(before, draft)).length === 0
  return (
    <form onSubmit={submit}>
      <Stack maw="44rem">
        <LockNote lock={lock} />
        <Fieldset variant="unstyled" disabled={lock !== null} aria-label={ONE_SERVER.facts.changed}>
          <Stack>
            <Basics section={section} />
            {server.auth_type === 'bearer' && (
              <PasswordInput
                label={SAYS.credential}
                description={SAYS.credentialSays}
                autoComplete="off"
                value={credential}
                onChange={({ currentTarget }) => setCredential(currentTarget.value)}
                error={section.at('auth_credentials')}
              />
            )}
            <TrustFields section={section} />
            <ReachFields section={section} isHttp={server.transport === undefined} />
            <AsksFields section={section} />
            <ResourceFields section={section} />
            <LimitsFields section={section} />
            {save.error !== null && <ProblemNote error={save.error} />}
            {lock === null && (
              <Group>
                <Button type="submit" loading={save.isPending} disabled={isSame}>
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
