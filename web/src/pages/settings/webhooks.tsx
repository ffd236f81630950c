/** Webhooks: who is told of what, with which secret, and what was sent. */
import { Stack } from '@mantine/core'
import { useState } from 'react'
import type { WebhookShown } from '../../../../src/contract/webhook.ts'
import {
  createWebhook,
  deleteWebhook,
  rotateWebhook,
  testWebhook,
  webhooksQuery,
  writeWebhook,
} from '../../api/settings.ts'
import { Deed, Deeds } from '../../parts/deeds.tsx'
import { type Field, isOn, many, text, type Values } from '../../parts/fields.tsx'
import { Foreign } from '../../parts/foreign.tsx'
import { Form } from '../../parts/form.tsx'
import { useLock } from '../../parts/from-file.tsx'
import { Section } from '../../parts/items.tsx'
import { Mark } from '../../parts/mark.tsx'
import type { Column } from '../../parts/rows.tsx'
import { SecretOnce } from '../../parts/secret-once.tsx'
import { Shelf } from '../../parts/shelf.tsx'
import { useDeed } from '../../parts/use-deed.ts'
import { COMMON } from '../../words/common.ts'
import { SETTINGS } from '../../words/settings.ts'
import { Deliveries } from './deliveries.tsx'

const { webhooks: WORDS } = SETTINGS
const READS = [['webhooks']]
type Made = WebhookShown & { secret: string }

const COLUMNS: readonly Column<WebhookShown>[] = [
  { title: WORDS.columns.name, width: 'minmax(9rem, 2fr)', cell: ({ name }) => <Foreign text={name} fw={600} /> },
  { title: WORDS.columns.url, width: 'minmax(9rem, 3fr)', cell: ({ url }) => <Foreign text={url} /> },
  {
    title: WORDS.columns.state,
    width: '9rem',
    cell: ({ enabled }) => <Mark color={enabled ? 'green' : 'red'}>{WORDS.state[enabled ? 'on' : 'off']}</Mark>,
  },
  { title: WORDS.columns.waiting, width: '5rem', cell: ({ waiting }) => waiting },
]

const EVENTS = Object.entries(WORDS.events).map(([name, says]) => [name, `${name}: ${says}`] as const)
const FIELDS: readonly Field[] = [
  { name: 'name', ...WORDS.fields.name, required: true },
  { name: 'url', ...WORDS.fields.url, required: true, placeholder: 'https://hooks.example/portico' },
  { name: 'events', ...WORDS.fields.events, kind: 'many', options: EVENTS },
  { name: 'enabled', ...WORDS.fields.enabled, kind: 'tick' },
  { name: 'allow_private', ...WORDS.fields.private, kind: 'lines' },
]

const bodyOf = (values: Values) => ({
  ...{ name: text(values, 'name'), url: text(values, 'url'), events: many(values, 'events') },
  ...{ enabled: isOn(values, 'enabled'), allow_private: many(values, 'allow_private') },
})

export function Webhooks() {
  return (
    <Shelf
      label={SETTINGS.sections.webhooks}
      query={webhooksQuery}
      columns={COLUMNS}
      idOf={({ id }) => id}
      wordsOf={({ name, url }) => [name, url]}
      titleOf={({ name }) => name}
      none={WORDS.none}
      right="webhooks:write"
      add={{ title: WORDS.add, form: (done) => <NewWebhook done={done} /> }}
      one={(webhook, back) => <One key={webhook.id} webhook={webhook} back={back} />}
    />
  )
}

function NewWebhook({ done }: { done(id?: string): void }) {
  const [made, setMade] = useState<Made | null>(null)
  const lock = useLock('webhooks:write')
  if (made !== null) return <Secret made={made} close={() => done(made.id)} />
  return (
    <Form
      fields={FIELDS}
      initial={{ enabled: true, events: [] }}
      deed={WORDS.create}
      lock={lock}
      reads={READS}
      perform={(values) => createWebhook(bodyOf(values))}
      after={setMade}
      cancel={() => done()}
    />
  )
}

function Secret({ made, close }: { made: Made; close(): void }) {
  return <SecretOnce says={WORDS.secret} secrets={[[WORDS.secretLabel, made.secret]]} close={close} />
}

function One({ webhook, back }: { webhook: WebhookShown; back(): void }) {
  const { id, name, url, events, enabled, allow_private, origin } = webhook
  const lock = useLock('webhooks:write', origin)
  const [fresh, setFresh] = useState<Made | null>(null)
  const test = useDeed(() => testWebhook(id), { reads: READS })
  const rotate = useDeed(() => rotateWebhook(id), { reads: READS, after: setFresh })
  const remove = useDeed(() => deleteWebhook(id), { reads: READS, done: WORDS.delete.done, after: back })
  return (
    <Stack gap="xl">
      {fresh !== null && <Secret made={fresh} close={() => setFresh(null)} />}
      {lock === null && (
        <Deeds>
          <Deed words={WORDS.test} perform={() => test.mutateAsync(undefined)} />
          <Deed words={WORDS.rotate} perform={() => rotate.mutateAsync(undefined)} />
          <Deed
            words={{ button: COMMON.remove, ...WORDS.delete }}
            perform={() => remove.mutateAsync(undefined)}
            isRed
          />
        </Deeds>
      )}
      <Deliveries webhook={id} />
      <Section title={WORDS.edit}>
        <Form
          fields={FIELDS}
          stored={{ name, url, events, enabled, allow_private: allow_private.join('\n') }}
          deed={COMMON.save}
          lock={lock}
          reads={READS}
          done={WORDS.saved}
          perform={(values) => writeWebhook(id, bodyOf(values))}
        />
      </Section>
    </Stack>
  )
}
