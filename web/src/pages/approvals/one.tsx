/**
 * What an approver reads before they decide, and where they do. All of it comes from elsewhere: a client, a model, a server. So it is
 * text, all of it, and without what the call is made with nobody is asked to agree.
 */
import { Alert, Button, Code, Group, Stack, Text, Textarea } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'
import type { ApprovalDetail } from '../../../../src/contract/approval.ts'
import { APPROVAL_READS, approvalQuery, decide } from '../../api/approvals.ts'
import { Problem } from '../../api/ask.ts'
import { useMay } from '../../api/me.ts'
import { Confirm } from '../../parts/confirm.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { Facts } from '../../parts/facts.tsx'
import { Foreign } from '../../parts/foreign.tsx'
import { Mark } from '../../parts/mark.tsx'
import { ProblemNote, Waiting } from '../../parts/told.tsx'
import { useDeed } from '../../parts/use-deed.ts'
import { When } from '../../parts/when.tsx'
import { APPROVALS } from '../../words/approvals.ts'
import { COMMON } from '../../words/common.ts'
import { STATE_COLOR } from './state-color.ts'

const { one: SAYS } = APPROVALS

export function ApprovalOne({ id, close }: { id: string; close(): void }) {
  const { data, error, refetch } = useQuery(approvalQuery(id))
  const isGone = error instanceof Problem && error.status === 404
  return (
    <Dialog opened onClose={close} title={SAYS.title} size="xl">
      {isGone ? (
        <Text>{APPROVALS.gone}</Text>
      ) : error && data?.id !== id ? (
        <ProblemNote error={error} again={() => void refetch()} />
      ) : data?.id !== id ? (
        <Waiting />
      ) : (
        <Stack>
          <Standing approval={data} />
          <Said approval={data} />
          <Decision approval={data} />
        </Stack>
      )}
    </Dialog>
  )
}

function Standing({ approval: { state, standing, about } }: { approval: ApprovalDetail }) {
  if (state !== 'open') return <Mark color={STATE_COLOR[state]}>{APPROVALS.states[state]}</Mark>
  if (about === null && standing !== 'nobody') return <Alert color="red">{SAYS.sealed}</Alert>
  return (
    <Alert variant="light" color={standing === 'approver' ? 'yellow' : 'gray'}>
      {SAYS.standing[standing]}
    </Alert>
  )
}

const fact = (name: string, value: ReactNode) => [name, value] as const
const said = (name: string, text: string) => fact(name, <Foreign text={text} />)

/** Without what is not there, or not for who looks. */
function factsOf(approval: ApprovalDetail): (readonly [name: string, value: ReactNode])[] {
  const { about, requester, kind, name, server_id, groups, created_at, expires_at, decided_at, state } = approval
  const spoken = approval.decisions.map(({ by, word, reason }) => SAYS.decision(by, word, reason))
  const isLive = state === 'open' || state === 'approved'
  const who = requester.kind === 'service' ? `${requester.label} (${SAYS.bot})` : requester.label
  const needs = groups.map(({ given, approvals_needed, email_addresses }) =>
    SAYS.need(given, approvals_needed, email_addresses.join(', ')),
  )
  const facts = [
    said(SAYS.who, who),
    about && said(SAYS.portal, about.portal),
    about?.client != null && said(SAYS.client, about.client),
    said(SAYS.server, about === null ? (server_id ?? '') : `${about.server_name} (${server_id})`),
    said(SAYS.kinds[kind ?? ''] ?? SAYS.what, name ?? ''),
    about !== null && about.purposes.length > 0 && said(SAYS.purposes, about.purposes.join('\n')),
    said(SAYS.policy, approval.policy_name ?? SAYS.policyGone),
    said(SAYS.agree, needs.join('\n')),
    fact(SAYS.asked, <When at={created_at} />),
    isLive && fact(SAYS.until, <When at={expires_at} exact />),
    decided_at !== null && fact(SAYS.decided, <When at={decided_at} exact />),
    spoken.length > 0 && said(SAYS.decisions, spoken.join('\n')),
  ]
  return facts.filter((one) => one !== false && one !== null)
}

function Said({ approval }: { approval: ApprovalDetail }) {
  const { about } = approval
  return (
    <>
      <Facts facts={factsOf(approval)} />
      <div>
        <Text size="sm" c="dimmed">
          {SAYS.sent}
        </Text>
        {about === null ? (
          <Text size="sm">{SAYS.hidden}</Text>
        ) : (
          <Code block tabIndex={0} mah="40dvh" style={{ overflow: 'auto', whiteSpace: 'pre-wrap' }}>
            <Foreign text={about.sent} />
          </Code>
        )}
      </div>
    </>
  )
}

/** As many characters as a reason may have. */
const MOST = 500

function Decision({ approval }: { approval: ApprovalDetail }) {
  const { id, standing, state, about, name, requester } = approval
  const may = useMay('approvals:write')
  const approve = useDeed(decide, { reads: APPROVAL_READS, done: SAYS.approve.done })
  const reject = useDeed(decide, { reads: APPROVAL_READS, done: SAYS.reject.done })
  const [reason, setReason] = useState('')
  if (state !== 'open' || standing !== 'approver' || about === null) return null
  if (!may) return <Text size="sm">{COMMON.mayNot('approvals:write')}</Text>
  const told = (word: 'approve' | 'reject') => ({
    title: SAYS[word].title,
    deed: SAYS[word].deed,
    says: (
      <Stack gap="sm">
        <Foreign text={SAYS[word].says(name ?? '', requester.label)} />
        <Textarea
          label={SAYS[word].why.label}
          description={SAYS[word].why.says}
          maxLength={MOST}
          autosize
          minRows={2}
          value={reason}
          onChange={(event) => setReason(event.currentTarget.value)}
        />
      </Stack>
    ),
  })
  return (
    <Group justify="flex-end">
      <Confirm {...told('reject')} perform={() => reject.mutateAsync({ id, word: 'reject', reason })}>
        {(open) => (
          <Button color="red" variant="outline" onClick={open}>
            {SAYS.reject.deed}
          </Button>
        )}
      </Confirm>
      <Confirm {...told('approve')} perform={() => approve.mutateAsync({ id, word: 'approve', reason })}>
        {(open) => <Button onClick={open}>{SAYS.approve.deed}</Button>}
      </Confirm>
    </Group>
  )
}
