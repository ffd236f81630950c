/** What a portal offers of its servers: found, turned on and off one by one or all that are shown, renamed and described anew. */
import { Button, Group, SegmentedControl, Select, Stack, Switch, Text, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { memo, useDeferredValue, useMemo, useState } from 'react'
import { changeServers, offeredQuery, PORTAL_READS } from '../../api/portals.ts'
import { serversQuery } from '../../api/servers.ts'
import { Confirm } from '../../parts/confirm.tsx'
import { Foreign } from '../../parts/foreign.tsx'
import { Mark } from '../../parts/mark.tsx'
import { type Column, Rows } from '../../parts/rows.tsx'
import { Nothing, ProblemNote, Waiting } from '../../parts/told.tsx'
import { useDeed } from '../../parts/use-deed.ts'
import { useFind } from '../../parts/use-find.ts'
import { COMMON } from '../../words/common.ts'
import { PORTALS } from '../../words/portals.ts'
import { type Change, type Kind, type Offer, offersOf, switched, withChange } from './curation.ts'
import type { TabProps } from './one.tsx'
import { ToolForm } from './tool-form.tsx'

const { tools: SAYS } = PORTALS
const STATES = ['all', 'on', 'off', 'changed'] as const
type State = (typeof STATES)[number]

export interface Wish {
  offers: readonly Offer[]
  change(offer: Pick<Offer, 'below'>, before: Change): Change
}

export function PortalTools({ portal, lock }: TabProps) {
  const { data: servers } = useQuery(serversQuery)
  const { data: offered, error, refetch } = useQuery(offeredQuery(portal.id))
  const offers = useMemo(
    () => offersOf(portal, { offered: offered ?? [], servers: servers ?? [] }),
    [portal, offered, servers],
  )
  const [filter, put] = useFilter()
  const wanted = useDeferredValue(filter)
  const shown = useMemo(() => offers.filter((offer) => isWanted(offer, wanted)), [offers, wanted])
  const [edited, edit] = useState<Offer | null>(null)
  const deed = useDeed(
    ({ offers: chosen, change }: Wish) => changeServers(portal.id, (all) => withChange(all, chosen, change)),
    { reads: PORTAL_READS, done: SAYS.saved },
  )
  const isLocked = lock !== null || deed.isPending
  if (offered === undefined)
    return error === null ? <Waiting /> : <ProblemNote error={error} again={() => void refetch()} />
  if (offers.length === 0) return <Nothing {...SAYS.none} />
  const isOneOn = shown.some(({ isOn }) => isOn)
  const isOneOff = shown.some(({ isOn }) => !isOn)
  const turnAll = (isOn: boolean) => deed.mutateAsync({ offers: shown, change: switched(isOn) })
  const total = offers.filter(({ kind }) => kind === filter.kind).length
  return (
    <Stack>
      <Text size="sm" c="dimmed">
        {SAYS.says}
      </Text>
      <Filters filter={filter} put={put} portal={portal} />
      {deed.error !== null && <ProblemNote error={deed.error} />}
      <Group justify="space-between">
        <Text size="sm" role="status">
          {SAYS.kinds[filter.kind]}: {SAYS.count(shown.length, total)}
        </Text>
        <Group gap="xs">
          <TurnAll isOn count={shown.length} isOff={isLocked || !isOneOff} perform={() => turnAll(true)} />
          <TurnAll isOn={false} count={shown.length} isOff={isLocked || !isOneOn} perform={() => turnAll(false)} />
        </Group>
      </Group>
      {shown.length === 0 ? (
        <Nothing title={COMMON.nothingMatches} says="" />
      ) : (
        <Offers shown={shown} kind={wanted.kind} isLocked={isLocked} wish={deed.mutate} edit={edit} />
      )}
      {edited !== null && <ToolForm offer={edited} lock={lock} close={() => edit(null)} perform={deed.mutateAsync} />}
    </Stack>
  )
}

interface OffersProps {
  shown: readonly Offer[]
  kind: Kind
  isLocked: boolean
  wish(wish: Wish): void
  edit(offer: Offer): void
}

/** Not drawn again for each key, but when what it shows is another. */
const Offers = memo(function Offers({ shown, kind, isLocked, wish, edit }: OffersProps) {
  const columns = useMemo(() => columnsFor(isLocked, wish, edit), [isLocked, wish, edit])
  return (
    <Rows
      label={SAYS.kinds[kind]}
      rows={shown}
      columns={columns}
      idOf={({ key }) => key}
      minWidth={44}
      height="min(60dvh, 40rem)"
    />
  )
})

interface Filter {
  find: string
  server: string
  state: State
  kind: Kind
}

/** It stands in the address, so that it can be sent to somebody. */
function useFilter(): [Filter, (part: Partial<Filter>) => void] {
  const [find, type] = useFind()
  const { server = '', state, kind } = useSearch({ strict: false })
  const navigate = useNavigate()
  const filter: Filter = {
    ...{ find, server, kind: kind === 'prompt' ? 'prompt' : 'tool' },
    state: STATES.find((one) => one === state) ?? 'all',
  }
  const put = ({ find: wanted, ...rest }: Partial<Filter>) => {
    if (wanted !== undefined) type(wanted)
    else void navigate({ to: '.', search: (before) => ({ ...before, ...rest }), replace: true })
  }
  return [filter, put]
}

function isWanted(offer: Offer, { find, server, state, kind }: Filter): boolean {
  if (offer.kind !== kind || (server !== '' && offer.server !== server)) return false
  const isChanged = Object.values(offer.own).some((value) => value !== undefined)
  const isInState = { all: true, on: offer.isOn, off: !offer.isOn, changed: isChanged }[state]
  return isInState && offer.words.includes(find.toLowerCase())
}

interface FiltersProps extends Pick<TabProps, 'portal'> {
  filter: Filter
  put(part: Partial<Filter>): void
}

function Filters({ filter, put, portal }: FiltersProps) {
  const servers = useMemo(
    () => portal.servers.map(({ server_id, name }) => ({ value: server_id, label: name })),
    [portal],
  )
  return (
    <Group align="flex-end">
      <TextInput
        label={SAYS.find}
        value={filter.find}
        onChange={(event) => put({ find: event.currentTarget.value })}
        style={{ flex: '1 1 14rem' }}
      />
      <Select
        label={SAYS.server}
        placeholder={SAYS.allServers}
        data={servers}
        value={filter.server === '' ? null : filter.server}
        onChange={(server) => put({ server: server ?? '' })}
        clearable
        clearButtonProps={{ 'aria-label': SAYS.allServers }}
        searchable
        limit={200}
        style={{ flex: '1 1 10rem' }}
      />
      <Select
        label={SAYS.state}
        data={STATES.map((value) => ({ value, label: SAYS.states[value] }))}
        value={filter.state}
        allowDeselect={false}
        onChange={(state) => put({ state: STATES.find((one) => one === state) ?? 'all' })}
        style={{ flex: '0 1 10rem' }}
      />
      <SegmentedControl
        aria-label={SAYS.kind}
        data={[
          { value: 'tool', label: SAYS.kinds.tool },
          { value: 'prompt', label: SAYS.kinds.prompt },
        ]}
        value={filter.kind}
        onChange={(kind) => put({ kind: kind === 'prompt' ? 'prompt' : 'tool' })}
      />
    </Group>
  )
}

interface TurnAllProps {
  isOn: boolean
  count: number
  isOff: boolean
  perform(): Promise<unknown>
}

function TurnAll({ isOn, count, isOff, perform }: TurnAllProps) {
  const deed = isOn ? SAYS.allOn(count) : SAYS.allOff(count)
  return (
    <Confirm title={deed} deed={deed} says={SAYS.bulkSays(count, isOn)} perform={perform}>
      {(open) => (
        <Button size="xs" variant="default" disabled={isOff} onClick={open}>
          {deed}
        </Button>
      )}
    </Confirm>
  )
}

function columnsFor(
  isLocked: boolean,
  wish: (wish: Wish) => void,
  edit: (offer: Offer) => void,
): readonly Column<Offer>[] {
  const { columns } = SAYS
  return [
    {
      title: columns.on,
      width: '3.5rem',
      cell: (offer) => (
        <Switch
          aria-label={SAYS.turn(offer.shown)}
          checked={offer.isOn}
          disabled={isLocked}
          onChange={(event) => wish({ offers: [offer], change: switched(event.currentTarget.checked) })}
        />
      ),
    },
    {
      title: columns.edit,
      width: '6rem',
      cell: (offer) => (
        <Button size="xs" variant="default" onClick={() => edit(offer)} aria-label={SAYS.edit(offer.shown)}>
          {SAYS.editDeed}
        </Button>
      ),
    },
    {
      title: columns.name,
      width: 'minmax(12rem, 2fr)',
      cell: ({ shown, isGone, own }) => (
        <>
          <Foreign text={shown} fw={600} /> {isGone && <Mark color="yellow">{SAYS.gone}</Mark>}
          {!isGone && (own.alias !== undefined || own.description !== undefined) && <Mark>{SAYS.changed}</Mark>}
        </>
      ),
    },
    { title: columns.server, width: 'minmax(6rem, 1fr)', cell: ({ serverName }) => <Foreign text={serverName} /> },
    {
      title: columns.description,
      width: 'minmax(10rem, 3fr)',
      cell: ({ description }) => <Foreign text={description.split('\n', 1)[0] ?? ''} c="dimmed" />,
    },
  ]
}
