/** Access tokens that an admin makes for one person at one portal: shown once, revoked at once. */
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { AccessTokenShown } from '../../../../src/contract/tokens.ts'
import { accessTokensQuery, createAccessToken, portalChoicesQuery, revokeAccessToken } from '../../api/clients.ts'
import { Deed, Deeds } from '../../parts/deeds.tsx'
import { Facts } from '../../parts/facts.tsx'
import { endOfDay, type Field, text } from '../../parts/fields.tsx'
import { Foreign } from '../../parts/foreign.tsx'
import { Form } from '../../parts/form.tsx'
import { LockNote, useLock } from '../../parts/from-file.tsx'
import { Mark } from '../../parts/mark.tsx'
import type { Column } from '../../parts/rows.tsx'
import { SecretOnce } from '../../parts/secret-once.tsx'
import { Shelf } from '../../parts/shelf.tsx'
import { Waiting } from '../../parts/told.tsx'
import { useDeed } from '../../parts/use-deed.ts'
import { When } from '../../parts/when.tsx'
import { CLIENTS } from '../../words/clients.ts'
import { COMMON } from '../../words/common.ts'

const { access: WORDS } = CLIENTS
const READS = [['access-tokens'], ['users']]

function StateOf({ token: { revoked_at, expires_at } }: { token: AccessTokenShown }) {
  if (revoked_at !== null) return <Mark color="red">{WORDS.state.revoked}</Mark>
  const isOver = expires_at !== null && Date.parse(expires_at) <= Date.now()
  return isOver ? <Mark color="yellow">{WORDS.state.over}</Mark> : <Mark color="green">{WORDS.state.on}</Mark>
}

const endOf = ({ expires_at: at }: AccessTokenShown) => (at === null ? CLIENTS.noEnd : <When at={at} />)

const COLUMNS: readonly Column<AccessTokenShown>[] = [
  {
    title: WORDS.columns.who,
    width: 'minmax(10rem, 2fr)',
    cell: ({ email, user_id }) => <Foreign text={email ?? user_id} fw={600} />,
  },
  { title: WORDS.columns.name, width: 'minmax(8rem, 2fr)', cell: ({ name }) => <Foreign text={name ?? '–'} /> },
  { title: WORDS.columns.portal, width: '8rem', cell: ({ portal }) => <Foreign text={portal} /> },
  { title: WORDS.columns.state, width: '7rem', cell: (token) => <StateOf token={token} /> },
  { title: WORDS.columns.ends, width: '8rem', cell: endOf },
]

export function AccessTokens() {
  return (
    <Shelf
      label={CLIENTS.tabs.access}
      query={accessTokensQuery}
      columns={COLUMNS}
      idOf={({ id }) => id}
      wordsOf={({ name, email, portal }) => [name, email, portal]}
      titleOf={({ name, email }) => name ?? email ?? WORDS.unnamed}
      none={WORDS.none}
      right="access_tokens:write"
      add={{ title: WORDS.add, form: (done) => <NewToken done={done} /> }}
      one={(token) => <One token={token} />}
    />
  )
}

function NewToken({ done }: { done(id?: string): void }) {
  const [made, setMade] = useState<(AccessTokenShown & { token: string }) | null>(null)
  const lock = useLock('access_tokens:write')
  const { data: portals } = useQuery(portalChoicesQuery)
  if (made !== null)
    return <SecretOnce says={WORDS.secret} secrets={[[WORDS.token, made.token]]} close={() => done(made.id)} />
  if (portals === undefined) return <Waiting rows={4} />
  const { fields } = WORDS
  const asked: readonly Field[] = [
    { name: 'email', ...fields.email, kind: 'email', required: true },
    { name: 'portal', ...fields.portal, kind: 'choice', options: portals },
    { name: 'name', ...fields.name },
    { name: 'expires_at', ...fields.expires, kind: 'date' },
  ]
  return (
    <Form
      fields={asked}
      initial={{ portal: portals.find(([id]) => id === 'default')?.[0] ?? portals[0]?.[0] ?? '' }}
      deed={WORDS.create}
      lock={lock}
      reads={READS}
      perform={(values) => {
        const name = text(values, 'name')
        return createAccessToken({
          ...{ email: text(values, 'email'), portal: text(values, 'portal'), name: name === '' ? null : name },
          expires_at: endOfDay(values, 'expires_at') ?? null,
        })
      }}
      after={setMade}
      cancel={() => done()}
    />
  )
}

function One({ token }: { token: AccessTokenShown }) {
  const lock = useLock('access_tokens:write')
  const revoke = useDeed(() => revokeAccessToken(token.id), { reads: READS, done: WORDS.revoke.done })
  const { facts } = WORDS
  return (
    <>
      <LockNote lock={lock} />
      <Facts
        facts={[
          [facts.state, <StateOf key="state" token={token} />],
          [facts.who, <Foreign key="who" text={token.email ?? token.user_id} />],
          [facts.portal, <Foreign key="portal" text={token.portal} />],
          [CLIENTS.ends, endOf(token)],
          [CLIENTS.created, <When key="made" at={token.created_at} />],
          [CLIENTS.createdBy, <Foreign key="by" text={token.created_by} />],
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
