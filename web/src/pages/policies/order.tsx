/** The policies of one portal or server in their order, each of which can be moved by a button. The first that matches decides. */
import { Anchor, Box, Button, Group, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { type ReactNode, useEffect, useRef, useState } from 'react'
import type { AppShown } from '../../../../src/contract/access-app.ts'
import { appOfQuery, place } from '../../api/policies.ts'
import { Foreign } from '../../parts/foreign.tsx'
import { type Column, Rows } from '../../parts/rows.tsx'
import { ProblemNote, Waiting } from '../../parts/told.tsx'
import { useDeed } from '../../parts/use-deed.ts'
import { placeOfPolicy } from '../../rules/policy-place.ts'
import { POLICY_WORDS } from '../../words/policies.ts'

const WORDS = POLICY_WORDS.usedBy.order
const DECISIONS: Readonly<Record<string, { label: string }>> = POLICY_WORDS.decisions
const READS = [['policies'], ['portals'], ['servers'], ['explanations']]

export interface OrderProps {
  where: 'portal' | 'server'
  /** The server's id, or the portal's hostname. */
  id: string
  /** As it stands in sentences. */
  label: string
  mayMove: boolean
}

export function Order({ where, id, label, mayMove }: OrderProps) {
  const { data: app, error } = useQuery(appOfQuery(where, id))
  if (error !== null) return <ProblemNote error={error} />
  if (app === undefined) return <Waiting rows={2} />
  if (app === null) return <Text size="sm">{WORDS.gone}</Text>
  return <Ordered app={app} label={label} mayMove={mayMove} />
}

type Policy = AppShown['policies'][number]

interface Moved {
  policy: Policy
  step: 1 | -1
  /** Its new place. */
  to: number
}

function Ordered({ app, label, mayMove }: { app: AppShown; label: string; mayMove: boolean }) {
  const { policies } = app
  const [moved, setMoved] = useState<Moved | null>(null)
  const moving = useDeed(({ policy, to }: Moved) => place({ app: app.id, id: policy.id, to }), { reads: READS })
  const box = useFocusAfter(moved, policies)
  const move = (policy: Policy, step: Moved['step']) => {
    if (moving.isPending) return
    const wish = { policy, step, to: policy.precedence + step }
    moving.mutate(wish, { onSuccess: () => setMoved(wish) })
  }
  const columns = columnsOf(
    app.id,
    mayMove ? (policy) => <Moves policy={policy} of={policies.length} onMove={move} /> : null,
  )
  return (
    <Stack gap="xs" ref={box}>
      <Text size="sm" c="dimmed">
        {WORDS.says}
      </Text>
      <Rows
        label={WORDS.label(label)}
        rows={policies}
        columns={columns}
        idOf={({ id }) => id}
        height={`${Math.min(policies.length, 8) * 44 + 48}px`}
        minWidth={28}
      />
      <Text size="sm" role="status">
        {moved !== null && <Foreign text={WORDS.moved(moved.policy.name, moved.to, policies.length)} />}
      </Text>
      {moving.error !== null && <ProblemNote error={moving.error} />}
    </Stack>
  )
}

/** A row that changes its place loses the focus of its button; whoever moves by keyboard goes on with the same one, or its twin at an end. */
function useFocusAfter(moved: Moved | null, policies: readonly Policy[]) {
  const box = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (moved === null || policies[moved.to - 1]?.id !== moved.policy.id) return
    const buttons = [...(box.current?.querySelectorAll<HTMLButtonElement>('button[data-step]') ?? [])]
    const own = buttons.filter((one) => one.dataset.policy === moved.policy.id && !one.disabled)
    const same = own.find((one) => one.dataset.step === String(moved.step))
    const target = same ?? own[0]
    target?.focus()
  }, [moved, policies])
  return box
}

function columnsOf(app: string, moves: ((policy: Policy) => ReactNode) | null): Column<Policy>[] {
  const titles = WORDS.columns
  return [
    { title: titles.at, width: '3.5rem', cell: ({ precedence }) => precedence },
    {
      title: titles.name,
      width: 'minmax(8rem, 3fr)',
      cell: ({ id, name, reusable }) => (
        <Anchor
          size="sm"
          underline="always"
          renderRoot={(props) => <Link to={placeOfPolicy(id, reusable ? null : app)} {...props} />}
        >
          <Foreign text={name} />
        </Anchor>
      ),
    },
    { title: titles.decision, width: '7rem', cell: ({ decision }) => DECISIONS[decision]?.label ?? decision },
    ...(moves === null ? [] : [{ title: titles.move, width: '9rem', cell: moves }]),
  ]
}

interface MovesProps {
  policy: Policy
  of: number
  onMove(policy: Policy, step: Moved['step']): void
}

function Moves({ policy, of, onMove }: MovesProps) {
  const { id, name, precedence } = policy
  const button = (step: Moved['step'], word: string, label: string, isAtEnd: boolean) => (
    <Button
      size="compact-xs"
      variant="default"
      aria-label={label}
      data-policy={id}
      data-step={step}
      disabled={isAtEnd}
      onClick={() => onMove(policy, step)}
    >
      {word}
    </Button>
  )
  return (
    // Room for the ring of the focus, which the cell would cut off.
    <Group gap="xs" wrap="nowrap" p={3}>
      <Box>{button(-1, WORDS.up, WORDS.moveUp(name), precedence === 1)}</Box>
      <Box>{button(1, WORDS.down, WORDS.moveDown(name), precedence === of)}</Box>
    </Group>
  )
}
