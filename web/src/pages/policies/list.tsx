/** All policies, groups and lists, in words. */
import { Button, Tabs, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import type { GroupShown } from '../../../../src/contract/access-group.ts'
import type { ListShown } from '../../../../src/contract/gateway-list.ts'
import type { PolicyShown } from '../../../../src/contract/policy.ts'
import { useMay } from '../../api/me.ts'
import { groupsQuery, listsQuery, policiesQuery, useNames } from '../../api/policies.ts'
import { Foreign } from '../../parts/foreign.tsx'
import { Mark } from '../../parts/mark.tsx'
import { Page } from '../../parts/page.tsx'
import { type Column, Rows } from '../../parts/rows.tsx'
import { Nothing, ProblemNote, Waiting } from '../../parts/told.tsx'
import type { Names } from '../../rules/names.ts'
import { readGroup, readRule } from '../../rules/read-rule.ts'
import { COMMON } from '../../words/common.ts'
import { POLICY_WORDS } from '../../words/policies.ts'
import { PAGES } from '../../words/shell.ts'

const { columns: TITLES, uses } = POLICY_WORDS
const TABS = ['policies', 'groups', 'lists'] as const
type Tab = (typeof TABS)[number]
const NEW = { policies: '/policies/new', groups: '/groups/new', lists: '/lists/new' } as const

const COLOR: Readonly<Record<string, string>> = { allow: 'green', deny: 'red', non_identity: 'blue', bypass: 'yellow' }
const DECISIONS: Readonly<Record<string, { label: string }>> = POLICY_WORDS.decisions

function ofPolicies(names: Names): readonly Column<PolicyShown>[] {
  return [
    { title: TITLES.name, width: 'minmax(8rem, 2fr)', cell: ({ name }) => <Foreign text={name} fw={600} /> },
    {
      title: TITLES.decision,
      width: '8rem',
      cell: ({ decision }) => <Mark color={COLOR[decision] ?? 'gray'}>{DECISIONS[decision]?.label ?? decision}</Mark>,
    },
    {
      title: TITLES.reading,
      width: 'minmax(12rem, 5fr)',
      cell: (policy) => {
        const { decision, include, require, exclude, ...extra } = policy
        return <Foreign text={readRule({ decision, include, require, exclude, extra }, names).join(' ')} />
      },
    },
    { title: TITLES.uses, width: '7rem', cell: ({ app_count }) => uses(app_count) },
  ]
}

function ofGroups(names: Names): readonly Column<GroupShown>[] {
  return [
    { title: TITLES.name, width: 'minmax(8rem, 2fr)', cell: ({ name }) => <Foreign text={name} fw={600} /> },
    { title: TITLES.reading, width: 'minmax(12rem, 5fr)', cell: (group) => <Foreign text={readGroup(group, names)} /> },
  ]
}

const OF_LISTS: readonly Column<ListShown>[] = [
  { title: TITLES.name, width: 'minmax(8rem, 2fr)', cell: ({ name }) => <Foreign text={name} fw={600} /> },
  { title: TITLES.type, width: '7rem', cell: ({ type }) => type },
  { title: TITLES.count, width: '6rem', cell: ({ count }) => count },
  {
    title: TITLES.description,
    width: 'minmax(8rem, 4fr)',
    cell: ({ description = '' }) => <Foreign text={description} />,
  },
]

export function PolicyList() {
  const { tab: asked, q = '' } = useSearch({ strict: false })
  const tab: Tab = TABS.find((one) => one === asked) ?? 'policies'
  const navigate = useNavigate()
  const may = useMay('policies:write')
  const go = (search: Record<string, string>) => void navigate({ to: '/policies', search, replace: true })
  const add = (
    <Button renderRoot={(props) => <Link to={NEW[tab]} {...props} />} key={tab}>
      {POLICY_WORDS.add[tab]}
    </Button>
  )
  return (
    <Page {...PAGES.policies} actions={may && add}>
      <Tabs value={tab} onChange={(chosen) => go({ tab: chosen ?? 'policies' })} keepMounted={false}>
        <Tabs.List mb="md">
          {TABS.map((one) => (
            <Tabs.Tab key={one} value={one}>
              {POLICY_WORDS.tabs[one]}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <TextInput
          mb="md"
          aria-label={POLICY_WORDS.filter}
          placeholder={POLICY_WORDS.filter}
          value={q}
          onChange={(event) => go({ tab, q: event.currentTarget.value })}
        />
        {TABS.map((one) => (
          <Tabs.Panel key={one} value={one}>
            <OfTab tab={one} filter={q.toLowerCase()} />
          </Tabs.Panel>
        ))}
      </Tabs>
    </Page>
  )
}

function OfTab({ tab, filter }: { tab: Tab; filter: string }) {
  const names = useNames()
  const policies = useQuery({ ...policiesQuery, enabled: tab === 'policies' })
  const groups = useQuery(groupsQuery)
  const lists = useQuery(listsQuery)
  switch (tab) {
    case 'policies':
      return <Table tab={tab} filter={filter} query={policies} columns={ofPolicies(names)} />
    case 'groups':
      return <Table tab={tab} filter={filter} query={groups} columns={ofGroups(names)} />
    case 'lists':
      return <Table tab={tab} filter={filter} query={lists} columns={OF_LISTS} />
  }
}

interface TableProps<Row> {
  tab: Tab
  filter: string
  query: { data: Row[] | undefined; error: Error | null; refetch(): unknown }
  columns: readonly Column<Row>[]
}

function Table<Row extends { id: string; name: string }>({ tab, filter, query, columns }: TableProps<Row>) {
  const { data, error, refetch } = query
  if (error !== null) return <ProblemNote error={error} again={() => void refetch()} />
  if (data === undefined) return <Waiting />
  if (data.length === 0) return <Nothing {...POLICY_WORDS.none[tab]} />
  const rows = data.filter(({ name }) => name.toLowerCase().includes(filter))
  if (rows.length === 0) return <Nothing title={COMMON.nothingMatches} says={POLICY_WORDS.filter} />
  return (
    <Rows
      label={POLICY_WORDS.tabs[tab]}
      rows={rows}
      columns={columns}
      idOf={({ id }) => id}
      linkOf={({ id }) => ({ to: `/${tab}/$id`, params: { id } })}
    />
  )
}
