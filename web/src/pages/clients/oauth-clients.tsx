/** OAuth clients: those that an admin wrote down, that introduced themselves, and that are known by a document. */
import { useState } from 'react'
import type { OauthClientShown } from '../../../../src/contract/oauth-client.ts'
import {
  CLIENT_READS,
  createOauthClient,
  deleteOauthClient,
  endClientGrants,
  type ListedClient,
  oauthClientsQuery,
  writeOauthClient,
} from '../../api/clients.ts'
import { Deed, Deeds } from '../../parts/deeds.tsx'
import { Facts } from '../../parts/facts.tsx'
import { type Field, many, text } from '../../parts/fields.tsx'
import { Foreign } from '../../parts/foreign.tsx'
import { Form } from '../../parts/form.tsx'
import { LockNote, useLock } from '../../parts/from-file.tsx'
import type { Column } from '../../parts/rows.tsx'
import { SecretOnce } from '../../parts/secret-once.tsx'
import { Shelf } from '../../parts/shelf.tsx'
import { useDeed } from '../../parts/use-deed.ts'
import { When } from '../../parts/when.tsx'
import { CLIENTS } from '../../words/clients.ts'
import { COMMON } from '../../words/common.ts'
import { ClientRules } from './client-rules.tsx'

const { oauth: WORDS } = CLIENTS
const nameOf = ({ name }: ListedClient): string => name || WORDS.unnamed

const COLUMNS: readonly Column<ListedClient>[] = [
  { title: WORDS.columns.name, width: 'minmax(10rem, 2fr)', cell: (row) => <Foreign text={nameOf(row)} fw={600} /> },
  { title: WORDS.columns.kind, width: '8rem', cell: ({ kind }) => WORDS.kind[kind] },
  { title: CLIENTS.id, width: 'minmax(8rem, 2fr)', cell: ({ id }) => <Foreign text={id} /> },
  { title: WORDS.columns.people, width: '4rem', cell: ({ people }) => people },
  { title: WORDS.columns.used, width: '8rem', cell: ({ lastUsedAt }) => <When at={lastUsedAt} /> },
]

export function OauthClients() {
  return (
    <Shelf
      label={CLIENTS.tabs.oauth}
      query={oauthClientsQuery}
      columns={COLUMNS}
      idOf={({ id }) => id}
      wordsOf={({ id, name, client }) => [id, name, ...(client?.redirect_uris ?? [])]}
      titleOf={nameOf}
      none={WORDS.none}
      right="oauth_clients:write"
      add={{ title: WORDS.add, form: (done) => <NewClient done={done} /> }}
      one={(row, back) => <One row={row} back={back} />}
      below={<ClientRules />}
    />
  )
}

const { fields: ASKED } = WORDS
const FIELDS: readonly Field[] = [
  { name: 'client_name', ...ASKED.name, required: true },
  {
    name: 'redirect_uris',
    ...ASKED.uris,
    kind: 'lines',
    required: true,
    placeholder: 'https://client.example/callback',
  },
  { name: 'token_endpoint_auth_method', ...ASKED.auth, kind: 'choice', options: Object.entries(ASKED.methods) },
]

function NewClient({ done }: { done(id?: string): void }) {
  const [made, setMade] = useState<(OauthClientShown & { client_secret?: string }) | null>(null)
  const lock = useLock('oauth_clients:write')
  if (made !== null) return <Secret made={made} close={() => done(made.id)} />
  return (
    <Form
      fields={FIELDS}
      initial={{ token_endpoint_auth_method: 'none' }}
      deed={WORDS.create}
      lock={lock}
      reads={[...CLIENT_READS]}
      perform={(values) =>
        createOauthClient({
          client_name: text(values, 'client_name'),
          redirect_uris: many(values, 'redirect_uris'),
          token_endpoint_auth_method: text(values, 'token_endpoint_auth_method'),
        })
      }
      after={setMade}
      cancel={() => done()}
    />
  )
}

function Secret({ made, close }: { made: OauthClientShown & { client_secret?: string }; close(): void }) {
  const secret = made.client_secret === undefined ? [] : [['client_secret', made.client_secret] as const]
  return <SecretOnce says={WORDS.secret} secrets={[['client_id', made.client_id], ...secret]} close={close} />
}

function One({ row, back }: { row: ListedClient; back(): void }) {
  const lock = useLock('oauth_clients:write')
  const [fresh, setFresh] = useState<(OauthClientShown & { client_secret?: string }) | null>(null)
  const reads = [...CLIENT_READS]
  const rotate = useDeed(() => writeOauthClient(row.id, { rotate_client_secret: true }), { reads, after: setFresh })
  const end = useDeed(() => endClientGrants(row.id), { reads, done: WORDS.end.done })
  const remove = useDeed(() => deleteOauthClient(row.id), { reads, done: WORDS.delete.done, after: back })
  const hasSecret = row.kind === 'admin' && row.client?.token_endpoint_auth_method.startsWith('client_secret') === true
  return (
    <>
      <LockNote lock={lock} />
      {fresh !== null && <Secret made={fresh} close={() => setFresh(null)} />}
      <ClientFacts row={row} />
      {lock === null && (
        <Deeds>
          {hasSecret && <Deed words={WORDS.rotate} perform={() => rotate.mutateAsync(undefined)} />}
          {row.grants > 0 && <Deed words={WORDS.end} perform={() => end.mutateAsync(undefined)} />}
          {row.client !== null && (
            <Deed
              words={{ button: COMMON.remove, ...WORDS.delete }}
              perform={() => remove.mutateAsync(undefined)}
              isRed
            />
          )}
        </Deeds>
      )}
    </>
  )
}

function ClientFacts({ row: { id, kind, client, people, grants, lastUsedAt } }: { row: ListedClient }) {
  const { facts } = WORDS
  return (
    <Facts
      facts={[
        [facts.kind, `${WORDS.kind[kind]}. ${WORDS.kindSays[kind]}`],
        ['client_id', <Foreign key="id" text={id} />],
        ...(client === null
          ? []
          : ([
              [facts.uris, <Foreign key="uris" text={client.redirect_uris.join('\n')} />],
              [facts.auth, <Foreign key="auth" text={client.token_endpoint_auth_method} />],
              [facts.grants, <Foreign key="grants" text={client.grant_types.join(', ')} />],
              [CLIENTS.createdBy, <Foreign key="by" text={client.created_by} />],
              [CLIENTS.created, <When key="made" at={client.created_at} />],
            ] as const)),
        [facts.people, people],
        [facts.standing, grants],
        [CLIENTS.lastUsed, <When key="used" at={lastUsedAt} />],
        ...(client === null || client.expires_at === null
          ? []
          : ([[CLIENTS.ends, <When key="ends" at={client.expires_at} />]] as const)),
      ]}
    />
  )
}
