/** Who may work on the portal itself: addresses and groups, each with a role. */
import { useQuery } from '@tanstack/react-query'
import type { RoleMemberShown } from '../../../../src/contract/roles.ts'
import { addRole, providersQuery, removeRole, rolesQuery } from '../../api/settings.ts'
import { Deed, Deeds } from '../../parts/deeds.tsx'
import { Facts } from '../../parts/facts.tsx'
import { type Field, text, type Values } from '../../parts/fields.tsx'
import { Foreign } from '../../parts/foreign.tsx'
import { Form } from '../../parts/form.tsx'
import { LockNote, useLock } from '../../parts/from-file.tsx'
import type { Column } from '../../parts/rows.tsx'
import { Shelf } from '../../parts/shelf.tsx'
import { useDeed } from '../../parts/use-deed.ts'
import { When } from '../../parts/when.tsx'
import { SETTINGS } from '../../words/settings.ts'

const { roles: WORDS } = SETTINGS
const READS = [['roles'], ['users'], ['me']]

export function Roles() {
  const { data: providers = [] } = useQuery(providersQuery)
  const whoOf = ({ email, group, identity_provider_id: id }: RoleMemberShown): string =>
    email ?? WORDS.group(group ?? '', providers.find((one) => one.id === id)?.name ?? id ?? '')
  const columns: readonly Column<RoleMemberShown>[] = [
    { title: WORDS.columns.who, width: 'minmax(12rem, 3fr)', cell: (row) => <Foreign text={whoOf(row)} fw={600} /> },
    { title: WORDS.columns.role, width: '6rem', cell: ({ role }) => WORDS.roles[role] },
    { title: WORDS.columns.from, width: 'minmax(8rem, 2fr)', cell: ({ created_by }) => <Foreign text={created_by} /> },
    { title: WORDS.columns.at, width: '8rem', cell: ({ created_at }) => <When at={created_at} /> },
  ]
  return (
    <Shelf
      label={SETTINGS.sections.roles}
      query={rolesQuery}
      columns={columns}
      idOf={({ id }) => id}
      wordsOf={(row) => [whoOf(row), WORDS.roles[row.role]]}
      titleOf={whoOf}
      none={WORDS.none}
      right="roles:write"
      add={{
        title: WORDS.add,
        form: (done) => <NewRole providers={providers.map(({ id, name }) => [id, name])} done={done} />,
      }}
      one={(row, back) => <One row={row} who={whoOf(row)} back={back} />}
    />
  )
}

function NewRole(props: { providers: readonly (readonly [string, string])[]; done(id?: string): void }) {
  const { providers, done } = props
  const lock = useLock('roles:write')
  const { fields } = WORDS
  const isGroup = (values: Values) => values.to === 'group'
  const asked: readonly Field[] = [
    { name: 'role', ...fields.role, kind: 'choice', options: Object.entries(WORDS.roles) },
    { name: 'to', label: fields.to.label, kind: 'choice', options: Object.entries(fields.to.options) },
    { name: 'email', ...fields.email, kind: 'email', required: true, shows: (values) => !isGroup(values) },
    {
      ...{ name: 'identity_provider_id', ...fields.provider, kind: 'choice', options: providers, shows: isGroup },
    },
    { name: 'group', ...fields.group, required: true, shows: isGroup },
  ]
  return (
    <Form
      fields={asked}
      initial={{ role: 'auditor', to: 'email', identity_provider_id: providers[0]?.[0] ?? '' }}
      deed={WORDS.create}
      lock={lock}
      reads={READS}
      done={WORDS.given}
      perform={(values) => {
        const names = isGroup(values) ? ['role', 'group', 'identity_provider_id'] : ['role', 'email']
        return addRole(Object.fromEntries(names.map((name) => [name, text(values, name)])))
      }}
      after={() => done()}
      cancel={() => done()}
    />
  )
}

function One({ row, who, back }: { row: RoleMemberShown; who: string; back(): void }) {
  const lock = useLock('roles:write')
  const take = useDeed(() => removeRole(row.id), { reads: READS, done: WORDS.take.done, after: back })
  return (
    <>
      <LockNote lock={lock} />
      <Facts
        facts={[
          [WORDS.facts.who, <Foreign key="who" text={who} />],
          [WORDS.facts.role, WORDS.roles[row.role]],
          [WORDS.columns.from, <Foreign key="by" text={row.created_by} />],
          [WORDS.columns.at, <When key="at" at={row.created_at} />],
        ]}
      />
      {lock === null && (
        <Deeds>
          <Deed words={WORDS.take} perform={() => take.mutateAsync(undefined)} isRed />
        </Deeds>
      )}
    </>
  )
}
