/** The tools, or the prompts, of a server: what each is for clients, and what of that an admin has changed. */
import { Stack, Text, TextInput } from '@mantine/core'
import type { ServerShown } from '../../../../src/contract/server.ts'
import { Foreign } from '../../parts/foreign.tsx'
import { Mark } from '../../parts/mark.tsx'
import { type Column, Rows } from '../../parts/rows.tsx'
import { beside } from '../../parts/spot.ts'
import { Nothing } from '../../parts/told.tsx'
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
  definition: Readonly<Record<string, unknown>>
  override: Override | undefined
}

const textIn = (value: unknown): string => (typeof value === 'string' ? value : '')

export function capabilitiesOf(server: ServerShown, kind: CapabilityKind): Capability[] {
  const overrides = new Map(
    (kind === 'tools' ? server.updated_tools : server.updated_prompts)?.map((one) => [one.name, one]),
  )
  return server[kind].map((definition) => {
    const name = textIn(definition.name)
    const annotations: Record<string, unknown> = { ...(definition.annotations as object | undefined) }
    const hints = Object.entries(SAYS.hints).flatMap(([hint, says]) => (annotations[hint] === true ? [says] : []))
    const description = textIn(definition.description)
    return { ...{ name, description, hints, definition }, override: overrides.get(name) }
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
  const [text, setText] = useSearchText('q')
  const [open, setOpen] = useSearchText('of')
  const all = capabilitiesOf(server, kind)
  if (all.length === 0) return <Nothing {...SAYS.none[kind]} />
  const wanted = text.toLowerCase()
  const found = all.filter(({ name, description, override }) =>
    [name, description, override?.alias ?? ''].some((one) => one.toLowerCase().includes(wanted)),
  )
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
