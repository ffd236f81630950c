/** One deed from its beginning to its end: every field there is, and where to go on from it. */
import { Anchor, Button, CopyButton, Drawer, Group, Stack, Text, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import type { LogRow } from '../../../../src/contract/log.ts'
import { deedQuery } from '../../api/logs.ts'
import { Facts } from '../../parts/facts.tsx'
import { Foreign } from '../../parts/foreign.tsx'
import { ProblemNote, Waiting } from '../../parts/told.tsx'
import { When } from '../../parts/when.tsx'
import type { Search } from '../../router.tsx'
import { COMMON } from '../../words/common.ts'
import { LOGS } from '../../words/logs.ts'
import { asCurl } from './as-curl.ts'
import { duration, OutcomeMark, tookOf, whatOf } from './columns.tsx'
import { type StepProps, Steps } from './step.tsx'

const WORDS = LOGS.deed

interface DeedDrawerProps extends StepProps {
  deed: string | undefined
  search: Search
  onClose(): void
}

export function DeedDrawer({ deed, search, onClose, ...list }: DeedDrawerProps) {
  return (
    <Drawer
      opened={deed !== undefined}
      onClose={onClose}
      position="right"
      size="lg"
      title={WORDS.title}
      closeButtonProps={{ 'aria-label': COMMON.close }}
      transitionProps={{ duration: 0 }}
    >
      {deed !== undefined && <Steps deed={deed} {...list} />}
      {deed !== undefined && <Deed key={deed} deed={deed} search={search} />}
    </Drawer>
  )
}

function Deed({ deed, search }: { deed: string; search: Search }) {
  const { data, error, refetch } = useQuery(deedQuery(deed))
  if (error !== null) return <ProblemNote error={error} again={() => void refetch()} />
  if (data === undefined) return <Waiting rows={10} />
  const row = data.ended ?? data.begun
  if (row === undefined) return <Text>{WORDS.lost}</Text>
  return (
    <Stack gap="lg">
      <Group gap="sm">
        <OutcomeMark row={row} />
        <Foreign text={whatOf(row)} fw={650} />
      </Group>
      {data.ended === undefined && <Text c="dimmed">{WORDS.unfinished}</Text>}
      <Deeds row={row} rows={[data.begun, data.ended]} />
      {row.plane === 'mcp' && (
        <Text size="sm" c="dimmed">
          {WORDS.notKept} {asCurl(row, location.origin) !== undefined && WORDS.curlLacks}
        </Text>
      )}
      {groupsOf(row, data.begun).map(([title, facts]) => (
        <section key={title} aria-label={title}>
          <Title order={2} size="h5" mb="xs">
            {title}
          </Title>
          <Facts facts={facts} />
        </section>
      ))}
      <Traces {...{ row, search }} />
      {data.children.length > 0 && (
        <section aria-label={WORDS.facts.children}>
          <Title order={2} size="h5" mb="xs">
            {WORDS.facts.children}
          </Title>
          <Stack gap="xs">
            {data.children.map((child) => (
              <Group key={child.seq} gap="sm" wrap="nowrap">
                <OutcomeMark row={child} />
                <DeedLink deed={child.deed} search={search} text={whatOf(child)} />
                <Text size="sm" c="dimmed">
                  {tookOf(child)}
                </Text>
              </Group>
            ))}
          </Stack>
        </section>
      )}
    </Stack>
  )
}

/** What can be done with a deed. */
function Deeds({ row, rows }: { row: LogRow; rows: readonly (LogRow | undefined)[] }) {
  const { plane, portal, capability, actor } = row
  const user = actor.kind === 'user' || actor.kind === 'service' ? actor.label || actor.id : undefined
  const json = JSON.stringify(rows.filter(Boolean), null, 2)
  const curl = asCurl(row, location.origin)
  const link = `${location.origin}${location.pathname}?deed=${encodeURIComponent(row.deed)}`
  return (
    <Group gap="xs">
      {plane === 'mcp' && portal !== undefined && (
        <Button
          size="xs"
          renderRoot={(props) => (
            <Link
              to="/access"
              search={{ portal, ...(user && { user }), ...(capability && { name: capability }) }}
              {...props}
            />
          )}
        >
          {WORDS.explain}
        </Button>
      )}
      {(
        [
          [WORDS.copyJson, json],
          [WORDS.copyLink, link],
          ...(curl === undefined ? [] : [[WORDS.copyCurl, curl] as const]),
        ] as const
      ).map(([title, value]) => (
        <CopyButton key={title} value={value}>
          {({ copied, copy }) => (
            <Button size="xs" variant="default" onClick={copy}>
              {copied ? WORDS.copied : title}
            </Button>
          )}
        </CopyButton>
      ))}
    </Group>
  )
}

type Fact = readonly [name: string, value: ReactNode]

/** @returns the facts that there are */
function known(facts: readonly (readonly [name: string, value: ReactNode | undefined])[]): Fact[] {
  return facts.filter((fact): fact is Fact => fact[1] !== undefined)
}

const text = (value: string | undefined): ReactNode | undefined =>
  value === undefined || value === '' ? undefined : <Foreign text={value} />

function groupsOf(row: LogRow, begun: LogRow | undefined): (readonly [title: string, facts: Fact[]])[] {
  const { facts: F, groups } = WORDS
  const { actor, change, refusals } = row
  const decisions: Readonly<Record<string, string>> = LOGS.decision
  const planes: Readonly<Record<string, string>> = LOGS.plane
  const client = [row.client_name, row.client_version].filter(Boolean).join(' ')
  const all = [
    [
      groups.outcome,
      known([
        [F.outcome, row.phase === 'begun' ? undefined : <OutcomeMark key="o" row={row} />],
        [F.decision, row.decision && (decisions[row.decision] ?? row.decision)],
        [F.rule, row.rule === null ? WORDS.facts.noRule : text(row.rule)],
        [F.error, text(row.error)],
        [F.purpose, text(row.purpose)],
        [F.begun, begun && <When key="b" at={begun.at} exact />],
        [F.ended, row.phase === 'ended' ? <When key="e" at={row.at} exact /> : undefined],
        [F.portalMs, row.portal_ms === undefined ? undefined : duration(row.portal_ms)],
        [F.upstreamMs, row.upstream_ms === undefined ? undefined : duration(row.upstream_ms)],
      ]),
    ],
    [
      groups.who,
      known([
        [F.actor, text(actor.label)],
        [F.actorId, text(actor.id)],
        [F.role, text(actor.role)],
        [F.grant, text(actor.grant)],
        [F.client, text(client)],
        [F.ip, text(row.client_ip)],
        [F.session, text(row.session)],
      ]),
    ],
    [
      groups.what,
      known([
        [F.plane, planes[row.plane] ?? row.plane],
        [F.method, text(row.method)],
        [F.portal, text(row.portal)],
        [F.server, text(row.server)],
        [F.capability, text(row.capability)],
        [F.original, text(row.original)],
        [F.definition, text(row.definition_hash)],
        [F.credential, text(row.credential)],
        [F.era, text(row.era)],
      ]),
    ],
    [
      groups.change,
      change === undefined
        ? []
        : known([
            [F.object, text(`${change.object} ${change.id}`)],
            [F.fields, text(change.fields.join(', '))],
          ]),
    ],
    [
      groups.refusals,
      refusals === undefined
        ? []
        : known([
            [F.count, refusals.count],
            [F.first, <When key="f" at={refusals.first_at} exact />],
            [F.last, <When key="l" at={refusals.last_at} exact />],
          ]),
    ],
  ] as const
  return all.filter(([, facts]) => facts.length > 0)
}

function Traces({ row, search }: { row: LogRow; search: Search }) {
  const { facts: F, groups } = WORDS
  const parent = row.parent && <DeedLink deed={row.parent} search={search} text={row.parent} />
  return (
    <section aria-label={groups.trace}>
      <Title order={2} size="h5" mb="xs">
        {groups.trace}
      </Title>
      <Facts
        facts={known([
          [F.deed, text(row.deed)],
          [F.seq, row.seq],
          [F.parent, parent],
          [F.trace, text(row.traceparent)],
        ])}
      />
    </section>
  )
}

function DeedLink({ deed, search, text }: { deed: string; search: Search; text: string }) {
  return (
    <Anchor size="sm" renderRoot={(props) => <Link to="/logs" search={{ ...search, deed }} {...props} />}>
      <Foreign text={text} />
    </Anchor>
  )
}
