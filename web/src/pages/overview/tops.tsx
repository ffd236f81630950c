/** What was used, refused and broken most often, each with the rows of the log that it stands for. */
import { SimpleGrid, Table, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import type { OverviewShown } from '../../../../src/contract/overview.ts'
import { Foreign } from '../../parts/foreign.tsx'
import { When } from '../../parts/when.tsx'
import { OVERVIEW } from '../../words/overview.ts'
import { Away, type AwaySearch, Counted } from './away.tsx'
import { callsIn, REACHED, WENT_WRONG } from './in-log.ts'
import { Dimmed, Section } from './section.tsx'

type Newest = OverviewShown['newest']

const { tops } = OVERVIEW
const { columns } = tops

export function Tops({ overview }: { overview: OverviewShown }) {
  const { newest } = overview
  const seen = { ...callsIn(overview), ...(newest.sampled && { since: newest.since }) }
  return (
    <>
      {newest.sampled && (
        <Dimmed>
          {tops.sampled} <When at={newest.since} exact />.
        </Dimmed>
      )}
      <SimpleGrid cols={{ base: 1, lg: 2 }}>
        <Top {...tops.tools} heads={[columns.tool, columns.calls, columns.failed]}>
          {newest.tools.map(({ server, capability, count, failed }) => {
            const its = { ...seen, capability, server: server ?? undefined, outcome: REACHED }
            return [
              <Away key="tool" to="/logs" search={its}>
                <Foreign text={capability} />
              </Away>,
              <Counted key="calls" count={count} of={capability} search={its} />,
              <Counted key="failed" count={failed} of={capability} search={{ ...its, outcome: WENT_WRONG }} />,
            ]
          })}
        </Top>
        <Top {...tops.users} heads={[columns.who, columns.calls, columns.refused]}>
          {newest.users.map(({ id, label, count, refused }) => {
            const who = label === '' ? id : label
            const theirs = { ...seen, actor: who }
            return [
              <Away key="who" to="/logs" search={theirs}>
                <Foreign text={who} />
              </Away>,
              <Counted key="calls" count={count} of={who} search={theirs} />,
              <Counted key="refused" count={refused} of={who} search={{ ...theirs, outcome: 'refused' }} />,
            ]
          })}
        </Top>
        <Top {...tops.denials} heads={[columns.tool, columns.reason, columns.calls]}>
          {newest.denials.map((one) => troubleRow(one, seen))}
        </Top>
        <Top {...tops.errors} heads={[columns.tool, columns.reason, columns.calls]}>
          {newest.errors.map((one) => troubleRow(one, seen))}
        </Top>
      </SimpleGrid>
    </>
  )
}

function troubleRow(
  { outcome, reason, server, capability, count, last_at }: Newest['errors'][number],
  seen: AwaySearch,
): ReactNode[] {
  const name = capability ?? server ?? tops.noName
  const alike = {
    ...seen,
    outcome,
    error: reason || undefined,
    capability: capability ?? undefined,
    server: server ?? undefined,
  }
  return [
    <Away key="tool" to="/logs" search={alike}>
      <Foreign text={name} />
    </Away>,
    <div key="reason">
      <Foreign text={reason === '' ? tops.noReason : reason} />
      <Text size="xs" c="dimmed">
        <When at={last_at} />
      </Text>
    </div>,
    <Counted key="count" count={count} of={name} search={alike} />,
  ]
}

interface TopProps {
  title: string
  none: string
  heads: readonly string[]
  /** Cells of each row; the first says what it is about. */
  children: readonly (readonly ReactNode[])[]
}

function Top({ title, none, heads, children }: TopProps) {
  return (
    <Section title={title}>
      {children.length === 0 ? (
        <Dimmed>{none}</Dimmed>
      ) : (
        <Table fz="sm" horizontalSpacing="xs" verticalSpacing={6} layout="fixed">
          <Table.Thead>
            <Table.Tr>
              {heads.map((head, at) => (
                <Table.Th key={head} scope="col" w={at === 0 ? undefined : head === columns.reason ? '35%' : '5.5rem'}>
                  {head}
                </Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {children.map((cells, row) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: a row is its place among the first
              <Table.Tr key={row}>
                {cells.map((cell, at) => (
                  <Table.Td key={heads[at]} style={{ overflowWrap: 'anywhere', verticalAlign: 'top' }}>
                    {cell}
                  </Table.Td>
                ))}
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
    </Section>
  )
}
