/** API tokens: made with a role, rights and an end, shown once, revoked at once. */
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { ApiTokenShown } from '../../../../src/contract/tokens.ts'
import { meQuery } from '../../api/me.ts'
import { apiTokensQuery, createApiToken, revokeApiToken } from '../../api/settings.ts'
import { Deed, Deeds } from '../../parts/deeds.tsx'
import { Facts } from '../../parts/facts.tsx'
import { endOfDay, type Field, many, text } from '../../parts/fields.tsx'
import { Foreign } from '../../parts/foreign.tsx'
import { Form } from '../../parts/form.tsx'
import { LockNote, useLock } from '../../parts/from-file.tsx'
import { Mark } from '../../parts/mark.tsx'
import type { Column } from '../../parts/rows.tsx'
import { SecretOnce } from '../../parts/secret-once.tsx'
import { Shelf } from '../../parts/shelf.tsx'
import { useDeed } from '../../parts/use-deed.ts'
import { When } from '../../parts/when.tsx'
import { COMMON } from '../../words/common.ts'
import { SETTINGS } from '../../words/settings.ts'

const { tokens: WORDS } = SETTINGS
const { roles: ROLES } = SETTINGS.roles
const READS = [['api-tokens']]

function StateOf({ token: { revoked_at, expires_at } }: { token: ApiTokenShown }) {
  if (revoked_at !== null) return <Mark color="red">{WORDS.state.revoked}</Mark>
  const isOver = expires_at !== null && Date.parse(expires_at) <= Date.now()
  return isOver ? <Mark color="yellow">{WORDS.state.over}</Mark> : <Mark color="green">{WORDS.state.on}</Mark>
}

const endOf = ({ expires_at: at }: ApiTokenShown) => (at === null ? SETTINGS.noEnd : <When at={at} />)

const COLUMNS: readonly Column<ApiTokenShown>[] = [
  { title: WORDS.columns.name, width: 'minmax(10rem, 2fr)', cell: ({ name }) => <Foreign text={name} fw={600} /> },
  { title: WORDS.columns.role, width: '6rem', cell: ({ role }) => ROLES[role] },
  { title: WORDS.columns.state, width: '8rem', cell: (token) => <StateOf token={token} /> },
  { title: WORDS.columns.ends, width: '8rem', cell: endOf },
]

export function ApiTokens() {
  return (
    <Shelf
      label={SETTINGS.sections.tokens}
      query={apiTokensQuery}
      columns={COLUMNS}
      idOf={({ id }) => id}
      wordsOf={({ name, role }) => [name, role]}
      titleOf={({ name }) => name}
      none={WORDS.none}
      right="api_tokens:write"
      add={{ title: WORDS.add, form: (done) => <NewToken done={done} /> }}
      one={(token) => <One token={token} />}
    />
  )
}

function NewToken({ done }: { done(id?: string): void }) {
  const [made, setMade] = useState<(ApiTokenShown & { token: string }) | null>(null)
  const lock = useLock('api_tokens:write')
  const { data: me } = useQuery(meQuery)
  if (made !== null)
    return <SecretOnce says={WORDS.secret} secrets={[[WORDS.token, made.token]]} close={() => done(made.id)} />
  const { fields } = WORDS
  // Nobody gives more than they have.
  const rights = (me?.rights ?? []).map((right) => [right, right] as const)
  const asked: readonly Field[] = [
    { name: 'name', ...fields.name, required: true },
    { name: 'role', ...fields.role, kind: 'choice', options: Object.entries(ROLES) },
    { name: 'expires_at', ...fields.expires, kind: 'date' },
    { name: 'scopes', ...fields.scopes, kind: 'many', options: rights },
  ]
  return (
    <Form
      fields={asked}
      initial={{ role: 'auditor', scopes: [] }}
      deed={WORDS.create}
      lock={lock}
      reads={READS}
      perform={(values) =>
        createApiToken({
          ...{ name: text(values, 'name'), role: text(values, 'role'), scopes: many(values, 'scopes') },
          expires_at: endOfDay(values, 'expires_at') ?? null,
        })
      }
      after={setMade}
      cancel={() => done()}
    />
  )
}

function One({ token }: { token: ApiTokenShown }) {
  const lock = useLock('api_tokens:write')
  const revoke = useDeed(() => revokeApiToken(token.id), { reads: READS, done: WORDS.revoke.done })
  const { facts } = WORDS
  return (
    <>
      <LockNote lock={lock} />
      <Facts
        facts={[
          [facts.state, <StateOf key="state" token={token} />],
          [facts.role, ROLES[token.role]],
          [facts.scopes, token.scopes.length === 0 ? facts.all : token.scopes.join(', ')],
          [SETTINGS.ends, endOf(token)],
          [SETTINGS.created, <When key="made" at={token.created_at} />],
          [SETTINGS.createdBy, <Foreign key="by" text={token.created_by} />],
        ]}
      />
      {lock === null && token.revoked_at === null && (
        <Deeds>
          <Deed
            words={{ button: COMMON.revoke, ...WORDS.revoke }}
            perform={() => revoke.mutateAsync(undefined)}
            isRed
          />
        </Deeds>
      )}
    </>
  )
}
