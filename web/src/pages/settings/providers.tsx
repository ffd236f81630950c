/** Identity providers: who may say who people are. Only owners change them. */
import { Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { IdentityProviderShown, ProviderType } from '../../../../src/contract/identity-provider.ts'
import { meQuery } from '../../api/me.ts'
import { createProvider, deleteProvider, providersQuery, writeProvider } from '../../api/settings.ts'
import { Copyable } from '../../parts/copy.tsx'
import { Deed, Deeds } from '../../parts/deeds.tsx'
import { type Field, Fields } from '../../parts/fields.tsx'
import { Foreign } from '../../parts/foreign.tsx'
import { Form } from '../../parts/form.tsx'
import { FromFileBadge, useLock } from '../../parts/from-file.tsx'
import { Section } from '../../parts/items.tsx'
import type { Column } from '../../parts/rows.tsx'
import { Shelf } from '../../parts/shelf.tsx'
import { useDeed } from '../../parts/use-deed.ts'
import { COMMON } from '../../words/common.ts'
import { SETTINGS } from '../../words/settings.ts'
import { Check } from './provider-check.tsx'
import { bodyOf, fieldsOf, valuesOf } from './provider-fields.ts'
import { TestSignIn } from './test-sign-in.tsx'

const { providers: WORDS } = SETTINGS
const READS = [['identity-providers']]
const TYPES = Object.keys(WORDS.about) as ProviderType[]

const COLUMNS: readonly Column<IdentityProviderShown>[] = [
  { title: WORDS.columns.name, width: 'minmax(10rem, 2fr)', cell: ({ name }) => <Foreign text={name} fw={600} /> },
  { title: WORDS.columns.type, width: '12rem', cell: ({ type }) => WORDS.types[type] },
  { title: '', width: '14rem', cell: ({ origin }) => <FromFileBadge origin={origin} /> },
]

/** @returns why nothing can be changed here, or null */
function useOwnersLock(origin: 'api' | 'file' = 'api'): string | null {
  const lock = useLock('identity_providers:write', origin)
  const { data: me } = useQuery(meQuery)
  return lock ?? (me === undefined || me.role === 'owner' ? null : WORDS.ownersOnly)
}

export function Providers() {
  return (
    <Shelf
      label={SETTINGS.sections.providers}
      query={providersQuery}
      columns={COLUMNS}
      idOf={({ id }) => id}
      wordsOf={({ name, type }) => [name, WORDS.types[type]]}
      titleOf={({ name }) => name}
      none={WORDS.none}
      right="identity_providers:write"
      add={{ title: WORDS.add, form: (done) => <NewProvider done={done} /> }}
      one={(provider, back) => <One key={provider.id} provider={provider} back={back} />}
    />
  )
}

function NewProvider({ done }: { done(id?: string): void }) {
  const [type, setType] = useState<ProviderType>('oidc')
  const lock = useOwnersLock()
  return (
    <Stack>
      <Kind type={type} change={setType} isLocked={lock !== null} />
      <Form
        key={type}
        fields={fieldsOf(type, false)}
        initial={{ name: type === 'oidc' ? '' : WORDS.types[type] }}
        deed={WORDS.create}
        lock={lock}
        reads={READS}
        done={WORDS.added}
        perform={(values) => createProvider(bodyOf(type, values))}
        after={({ id }) => done(id)}
        cancel={() => done()}
      />
    </Stack>
  )
}

function Kind(props: { type: ProviderType; isLocked: boolean; change(type: ProviderType): void }) {
  const { type, isLocked, change } = props
  const field: Field = {
    ...{ name: 'type', ...WORDS.kind, kind: 'choice' },
    options: TYPES.map((one) => [one, WORDS.types[one]] as const),
  }
  return (
    <Stack maw="38rem" gap="xs">
      <Fields
        fields={[field]}
        values={{ type }}
        error={null}
        isLocked={isLocked}
        change={(_, value) => change(value as ProviderType)}
      />
      <Text size="sm">{WORDS.about[type]}</Text>
    </Stack>
  )
}

function One({ provider, back }: { provider: IdentityProviderShown; back(): void }) {
  const { id, type, config, callback_url: callback, has_client_secret: hasSecret, origin } = provider
  const lock = useOwnersLock(origin)
  const remove = useDeed(() => deleteProvider(id), { reads: READS, done: WORDS.delete.done, after: back })
  return (
    <Stack gap="xl">
      {callback !== undefined && (
        <Section title={WORDS.callback}>
          <Copyable text={callback} label={WORDS.callback} />
        </Section>
      )}
      {lock === null && <Check provider={id} />}
      {callback !== undefined && <TestSignIn provider={id} />}
      <Section title={WORDS.edit}>
        <Form
          fields={fieldsOf(type, hasSecret)}
          stored={valuesOf(provider)}
          deed={COMMON.save}
          lock={lock}
          reads={READS}
          done={WORDS.saved}
          perform={(values) => writeProvider(id, bodyOf(type, values, config))}
        />
      </Section>
      {lock === null && (
        <Deeds>
          <Deed
            words={{ button: COMMON.remove, ...WORDS.delete }}
            perform={() => remove.mutateAsync(undefined)}
            isRed
          />
        </Deeds>
      )}
    </Stack>
  )
}
