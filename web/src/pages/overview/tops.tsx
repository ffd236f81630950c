/** What was used, refused and broken most often, each with the rows of the log that it stands for. */
import { SimpleGrid, Table, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import type { OverviewShown } from '../../../../src/contract/overview.ts'
import { Foreign } from '../../parts/foreign.tsx'
import { When } from '../../parts/when.tsx'
import { OVERVIEW } from '../../words/overview.ts'
import { Away } from './away.tsx'
import { number } from './numbers.ts'
import { Dimmed, Section } from './section.tsx'

type Newest = OverviewShown['newest']

const { tops } = OVERVIEW
const { columns } = tops

export function Tops({ newest, since }: { newest: Newest; since: string }) {
  const from = newest.sampled ? newest.since : since
  const seen = { plane: 'mcp', since: from }
  return (
    <>
      {newest.sampled && (
        <Dimmed>
          {tops.sampled} <When at={newest.since} exact />.
        </Dimmed>
      )}
      <SimpleGrid cols={{ base: 1, lg: 2 }}>
        <Top {...tops.tools} heads={[columns.tool, columns.calls, columns.failed]}>
          {newest.tools.map(({ server, capability, count, failed }) => [
            <Away key="tool" to="/logs" search={{ ...seen, capability, server: server ?? undefined }}>
              <Foreign text={capability} />
            </Away>,
            number(count),
            number(failed),
          ])}
        </Top>
        <Top {...tops.users} heads={[columns.who, columns.calls, columns.refused]}>
          {newest.users.map(({ id, label, count, refused }) => [
            <Away key="who" to="/logs" search={{ ...seen, actor: label === '' ? id : label }}>
              <Foreign text={label === '' ? id : label} />
            </Away>,
            number(count),
            number(refused),
          ])}
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
  seen: Readonly<Record<string, string>>,
): ReactNode[] {
  return [
    <Away
      key="tool"
      to="/logs"
      search={{ ...seen, outcome, capability: capability ?? undefined, server: server ?? undefined }}
    >
      <Foreign text={capability ?? server ?? tops.noName} />
    </Away>,
    <div key="reason">
      <Foreign text={reason === '' ? tops.noReason : reason} />
      <Text size="xs" c="dimmed">
        <When at={last_at} />
      </Text>
    </div>,
    number(count),
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
