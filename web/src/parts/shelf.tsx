/**
 * Objects of one kind: their list, one of them, or the form for a new one, each in the place of the others and each with an address of its
 * own (`?id=`, `?new=`).
 */
import { Button, Group, Stack, Text, TextInput, Title } from '@mantine/core'
import { type UseQueryOptions, useQuery } from '@tanstack/react-query'
import { type ReactNode, useEffect, useRef, useState } from 'react'
import type { Right } from '../../../src/contract/rights.ts'
import { useMay } from '../api/me.ts'
import { COMMON } from '../words/common.ts'
import { Foreign } from './foreign.tsx'
import { type Column, Rows } from './rows.tsx'
import { beside, useSpot } from './spot.ts'
import { Nothing, ProblemNote, Waiting } from './told.tsx'

export interface ShelfProps<Row> {
  label: string
  query: UseQueryOptions<Row[], Error, Row[], readonly string[]>
  columns: readonly Column<Row>[]
  idOf(row: Row): string
  /** What the search looks in. */
  wordsOf(row: Row): readonly (string | null)[]
  titleOf(row: Row): string
  none: { title: string; says: string }
  /** Of making a new one. */
  right: Right
  add?: { title: string; form(done: (id?: string) => void): ReactNode }
  one(row: Row, back: () => void): ReactNode
  /** Stands below the list. */
  below?: ReactNode
}

export function Shelf<Row>(props: ShelfProps<Row>) {
  const { data, error, refetch } = useQuery(props.query)
  const { search, go } = useSpot()
  const left = useRef<string>(undefined)
  if (search.id !== undefined) left.current = search.id
  const back = () => go({ id: undefined, new: undefined })
  if (search.new !== undefined && props.add !== undefined) {
    const done = (id?: string) => go({ new: undefined, id }, { replace: true })
    return (
      <Inner key="new" title={props.add.title} back={back} label={props.label}>
        {props.add.form(done)}
      </Inner>
    )
  }
  if (error) return <ProblemNote error={error} again={() => void refetch()} />
  if (data === undefined) return <Waiting />
  if (search.id === undefined)
    return (
      <Stack gap="xl">
        <List {...props} rows={data} cameFrom={left.current} />
        {props.below}
      </Stack>
    )
  const row = data.find((one) => props.idOf(one) === search.id)
  return (
    <Inner title={row === undefined ? COMMON.gone.title : props.titleOf(row)} back={back} label={props.label}>
      {row === undefined ? COMMON.gone.says : props.one(row, back)}
    </Inner>
  )
}

function List<Row>(props: ShelfProps<Row> & { rows: readonly Row[]; cameFrom: string | undefined }) {
  const { label, rows, columns, idOf, wordsOf, none, right, add, cameFrom } = props
  const { go } = useSpot()
  const may = useMay(right)
  const [wanted, setWanted] = useState('')
  const sought = wanted.trim().toLowerCase()
  const found =
    sought === '' ? rows : rows.filter((row) => wordsOf(row).some((word) => word?.toLowerCase().includes(sought)))
  const button = add !== undefined && may && <Button onClick={() => go({ new: '1' })}>{add.title}</Button>
  if (rows.length === 0) return <Nothing {...none}>{button}</Nothing>
  return (
    <Stack gap="sm">
      <Group justify="space-between">
        <TextInput
          value={wanted}
          onChange={(event) => setWanted(event.currentTarget.value)}
          placeholder={COMMON.search}
          aria-label={`${COMMON.search}: ${label}`}
          type="search"
        />
        {button}
      </Group>
      <Text size="sm" c="dimmed" role="status">
        {found.length === 0 ? COMMON.nothingMatches : COMMON.count(found.length, rows.length)}
      </Text>
      {found.length > 0 && (
        <Rows
          {...{ label, columns, idOf }}
          {...(cameFrom === undefined ? {} : { cameFrom })}
          rows={found}
          linkOf={(row) => beside({ id: idOf(row) })}
        />
      )}
    </Stack>
  )
}

function Inner(props: { title: string; label: string; back(): void; children: ReactNode }) {
  const { title, label, back, children } = props
  const head = useRef<HTMLHeadingElement>(null)
  // Who came by keyboard goes on here, and who listens hears where they are.
  useEffect(() => head.current?.focus(), [])
  return (
    <Stack>
      <Group gap="sm">
        <Button variant="default" size="xs" onClick={back} aria-label={COMMON.backTo(label)}>
          ←
        </Button>
        <Title order={2} size="h3" ref={head} tabIndex={-1} style={{ outline: 'none' }}>
          <Foreign text={title} />
        </Title>
      </Group>
      {children}
    </Stack>
  )
}
