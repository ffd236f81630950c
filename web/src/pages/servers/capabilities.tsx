/** The tools, or the prompts, of a server: what each is for clients, and what of that an admin has changed. */
import { Stack, Text, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useDeferredValue, useMemo } from 'react'
import type { ServerShown } from '../../../../src/contract/server.ts'
import { offeredByQuery } from '../../api/servers.ts'
import { Foreign } from '../../parts/foreign.tsx'
import { Mark } from '../../parts/mark.tsx'
import { type Column, Rows } from '../../parts/rows.tsx'
import { beside } from '../../parts/spot.ts'
import { Nothing, ProblemNote, Waiting } from '../../parts/told.tsx'
import { COMMON } from '../../words/common.ts'
import { CAPABILITIES as SAYS, SERVERS } from '../../words/servers.ts'
import { EditCapability } from './edit-capability.tsx'
import { useSearchText } from './use-search-text.ts'

export type CapabilityKind = 'tools' | 'prompts'
export type Override = NonNullable<ServerShown['updated_tools']>[number]

/** One of them, with what an admin said of it. */
export interface Capability {
  name: string
  description: string
  hints: readonly string[]
  override: Override | undefined
}

const textIn = (value: unknown): string => (typeof value === 'string' ? value : '')

function capabilitiesOf(list: ServerShown['tools'], said: readonly Override[] = []): Capability[] {
  const overrides = new Map(said.map((one) => [one.name, one]))
  return list.map((definition) => {
    const name = textIn(definition.name)
    const annotations: Record<string, unknown> = { ...(definition.annotations as object | undefined) }
    const hints = Object.entries(SAYS.hints).flatMap(([hint, says]) => (annotations[hint] === true ? [says] : []))
    const description = textIn(definition.description)
    return { name, description, hints, override: overrides.get(name) }
  })
}

const COLUMNS: readonly Column<Capability>[] = [
  { title: SAYS.columns.name, width: 'minmax(8rem, 2fr)', cell: ({ name }) => <Foreign text={name} fw={600} /> },
  {
    title: SAYS.columns.shown,
    width: 'minmax(7rem, 2fr)',
    cell: ({ override, name }) => <Foreign text={override?.alias ?? name} />,
  },
  {
    title: SAYS.columns.about,
    width: 'minmax(10rem, 4fr)',
    cell: ({ override, description }) => (
      <Foreign text={(override?.description ?? description).replaceAll('\n', ' ')} />
    ),
  },
  { title: SAYS.columns.hints, width: 'minmax(6rem, 1fr)', cell: ({ hints }) => hints.join(', ') },
  {
    title: SAYS.columns.state,
    width: '5rem',
    cell: ({ override }) =>
      override?.enabled === false ? <Mark>{SAYS.off}</Mark> : <Mark color="green">{SAYS.on}</Mark>,
  },
]

export function Capabilities({ server, kind }: { server: ServerShown; kind: CapabilityKind }) {
  const { data, error, refetch } = useQuery(offeredByQuery(server.id, server.last_successful_sync))
  // What was shown before stays while another server is read.
  if (data?.id === server.id) return <Listed server={server} kind={kind} list={data[kind]} />
  return error === null ? <Waiting /> : <ProblemNote error={error} again={() => void refetch()} />
}

function Listed({ server, kind, list }: { server: ServerShown; kind: CapabilityKind; list: ServerShown['tools'] }) {
  const [text, setText] = useSearchText('q')
  const [open, setOpen] = useSearchText('of')
  const said = kind === 'tools' ? server.updated_tools : server.updated_prompts
  const all = useMemo(() => capabilitiesOf(list, said), [list, said])
  const wanted = useDeferredValue(text.toLowerCase())
  const found = useMemo(() => all.filter((one) => isFound(one, wanted)), [all, wanted])
  if (all.length === 0) return <Nothing {...SAYS.none[kind]} />
  const chosen = all.find(({ name }) => name === open)
  return (
    <Stack>
      <TextInput
        label={SAYS.search}
        value={text}
        onChange={({ currentTarget }) => setText(currentTarget.value)}
        maw="24rem"
      />
      <Text size="sm" c="dimmed" role="status">
        {found.length === 0 ? COMMON.nothingMatches : COMMON.count(found.length, all.length)}
      </Text>
      <Rows
        label={SERVERS.tabs[kind]}
        rows={found}
        columns={COLUMNS}
        idOf={({ name }) => name}
        minWidth={52}
        linkOf={({ name }) => beside({ of: name })}
      />
      {chosen !== undefined && (
        <EditCapability key={chosen.name} server={server} kind={kind} capability={chosen} onClose={() => setOpen('')} />
      )}
    </Stack>
  )
}

function isFound({ name, description, override }: Capability, wanted: string): boolean {
  return [name, description, override?.alias ?? ''].some((one) => one.toLowerCase().includes(wanted))
}
