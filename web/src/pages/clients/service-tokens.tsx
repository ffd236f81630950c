/** Service tokens: made with a secret that is shown once, rotated, let run anew, switched off, deleted. */
import { Checkbox, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import type { ServiceTokenShown } from '../../../../src/contract/tokens.ts'
import {
  createServiceToken,
  deleteServiceToken,
  refreshServiceToken,
  rotateServiceToken,
  serviceTokensQuery,
  writeServiceToken,
} from '../../api/clients.ts'
import { Deed, Deeds } from '../../parts/deeds.tsx'
import { Facts } from '../../parts/facts.tsx'
import { type Field, text } from '../../parts/fields.tsx'
import { Foreign } from '../../parts/foreign.tsx'
import { Form } from '../../parts/form.tsx'
import { LockNote, useLock } from '../../parts/from-file.tsx'
import { Mark } from '../../parts/mark.tsx'
import type { Column } from '../../parts/rows.tsx'
import { SecretOnce } from '../../parts/secret-once.tsx'
import { Shelf } from '../../parts/shelf.tsx'
import { useDeed } from '../../parts/use-deed.ts'
import { When } from '../../parts/when.tsx'
import { CLIENTS } from '../../words/clients.ts'
import { COMMON } from '../../words/common.ts'

const { service: WORDS } = CLIENTS
const DAY_MS = 86_400_000
const READS = [['service-tokens']]
type Made = ServiceTokenShown & { client_secret?: string }

function StateOf({ token: { enabled, expires_at } }: { token: ServiceTokenShown }) {
  if (!enabled) return <Mark color="red">{WORDS.state.off}</Mark>
  const isOver = expires_at !== undefined && Date.parse(expires_at) <= Date.now()
  return isOver ? <Mark color="yellow">{WORDS.state.over}</Mark> : <Mark color="green">{WORDS.state.on}</Mark>
}

const endOf = ({ expires_at: at }: ServiceTokenShown) => (at === undefined ? CLIENTS.noEnd : <When at={at} />)

const COLUMNS: readonly Column<ServiceTokenShown>[] = [
  { title: WORDS.columns.name, width: 'minmax(10rem, 2fr)', cell: ({ name }) => <Foreign text={name} fw={600} /> },
  { title: WORDS.columns.state, width: '9rem', cell: (token) => <StateOf token={token} /> },
  { title: WORDS.columns.ends, width: '8rem', cell: endOf },
  { title: WORDS.columns.used, width: '8rem', cell: ({ last_seen_at }) => <When at={last_seen_at} /> },
]

export function ServiceTokens() {
  return (
    <Shelf
      label={CLIENTS.tabs.service}
      query={serviceTokensQuery}
      columns={COLUMNS}
      idOf={({ id }) => id}
      wordsOf={({ name, client_id }) => [name, client_id]}
      titleOf={({ name }) => name}
      none={WORDS.none}
      right="service_tokens:write"
      add={{ title: WORDS.add, form: (done) => <NewToken done={done} /> }}
      one={(token, back) => <One token={token} back={back} />}
    />
  )
}

const FIELDS: readonly Field[] = [
  { name: 'name', ...WORDS.fields.name, required: true },
  { name: 'duration', ...WORDS.fields.duration, kind: 'choice', options: Object.entries(WORDS.fields.durations) },
]

function NewToken({ done }: { done(id?: string): void }) {
  const [made, setMade] = useState<Made | null>(null)
  const lock = useLock('service_tokens:write')
  if (made !== null) return <Secret made={made} close={() => done(made.id)} />
  return (
    <Form
      fields={FIELDS}
      initial={{ duration: '8760h' }}
      deed={WORDS.create}
      lock={lock}
      reads={READS}
      perform={(values) => createServiceToken({ name: text(values, 'name'), duration: text(values, 'duration') })}
      after={setMade}
      cancel={() => done()}
    />
  )
}

function Secret({ made, close }: { made: Made; close(): void }) {
  return (
    <SecretOnce
      says={WORDS.secret}
      secrets={[
        [WORDS.idHeader, made.client_id],
        [WORDS.secretHeader, made.client_secret ?? ''],
      ]}
      close={close}
    />
  )
}

function One({ token, back }: { token: ServiceTokenShown; back(): void }) {
  const lock = useLock('service_tokens:write')
  const [fresh, setFresh] = useState<Made | null>(null)
  const { id, enabled } = token
  const next = enabled ? 'off' : 'on'
  const [hasGrace, setGrace] = useState(false)
  const grace = () =>
    hasGrace ? { previous_client_secret_expires_at: new Date(Date.now() + DAY_MS).toISOString() } : {}
  const rotate = useDeed(() => rotateServiceToken(id, grace()), { reads: READS, after: setFresh })
  const refresh = useDeed(() => refreshServiceToken(id), { reads: READS, done: WORDS.refresh.done })
  const turn = useDeed(() => writeServiceToken(id, { enabled: !enabled }), { reads: READS, done: WORDS[next].done })
  const remove = useDeed(() => deleteServiceToken(id), { reads: READS, done: WORDS.delete.done, after: back })
  const rotation = (
    <Stack gap="sm">
      <Text size="sm">{WORDS.rotate.says}</Text>
      <Checkbox
        label={WORDS.rotate.grace}
        checked={hasGrace}
        onChange={(event) => setGrace(event.currentTarget.checked)}
      />
    </Stack>
  )
  return (
    <>
      <LockNote lock={lock} />
      {fresh !== null && <Secret made={fresh} close={() => setFresh(null)} />}
      <TokenFacts token={token} />
      {lock === null && (
        <Deeds>
          <Deed words={{ ...WORDS.rotate, says: rotation }} perform={() => rotate.mutateAsync(undefined)} />
          <Deed
            words={{ ...WORDS.refresh, title: WORDS.refresh.button, says: WORDS.refresh.done }}
            perform={() => refresh.mutateAsync(undefined)}
          />
          <Deed words={WORDS[next]} perform={() => turn.mutateAsync(undefined)} />
          <Deed
            words={{ button: COMMON.remove, ...WORDS.delete }}
            perform={() => remove.mutateAsync(undefined)}
            isRed
          />
        </Deeds>
      )}
    </>
  )
}

function TokenFacts({ token }: { token: ServiceTokenShown }) {
  const { facts, fields } = WORDS
  const { duration, previous_client_secret_expires_at: previous } = token
  return (
    <Facts
      facts={[
        [facts.state, <StateOf key="state" token={token} />],
        [facts.clientId, <Foreign key="id" text={token.client_id} />],
        [facts.duration, (fields.durations as Readonly<Record<string, string>>)[duration] ?? duration],
        [CLIENTS.ends, endOf(token)],
        [CLIENTS.lastUsed, <When key="used" at={token.last_seen_at} />],
        [facts.version, token.client_secret_version],
        ...(previous === undefined ? [] : ([[facts.previous, <When key="previous" at={previous} />]] as const)),
        [CLIENTS.created, <When key="made" at={token.created_at} />],
      ]}
    />
  )
}
