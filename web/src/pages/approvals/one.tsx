/**
 * What an approver reads before they decide, and where they do. All of it comes from elsewhere: a client, a model, a server. So it is
 * text, all of it, and without what the call is made with nobody is asked to agree.
 */
import { Alert, Button, Code, Group, Modal, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { ApprovalDetail } from '../../../../src/contract/approval.ts'
import { APPROVAL_READS, approvalQuery, decide } from '../../api/approvals.ts'
import { Problem } from '../../api/ask.ts'
import { useMay } from '../../api/me.ts'
import { Confirm } from '../../parts/confirm.tsx'
import { Facts } from '../../parts/facts.tsx'
import { Foreign } from '../../parts/foreign.tsx'
import { Mark } from '../../parts/mark.tsx'
import { ProblemNote, Waiting } from '../../parts/told.tsx'
import { useDeed } from '../../parts/use-deed.ts'
import { When } from '../../parts/when.tsx'
import { APPROVALS } from '../../words/approvals.ts'
import { COMMON } from '../../words/common.ts'
import { STATE_COLOR } from './list.tsx'

const { one: SAYS } = APPROVALS

export function ApprovalOne({ id, close }: { id: string; close(): void }) {
  const { data, error, refetch } = useQuery(approvalQuery(id))
  const isGone = error instanceof Problem && error.status === 404
  return (
    <Modal opened onClose={close} title={SAYS.title} size="xl" closeButtonProps={{ 'aria-label': COMMON.close }}>
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
    </Modal>
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

function Said({ approval }: { approval: ApprovalDetail }) {
  const { about, requester, kind, name, server_id, groups, created_at, expires_at, decided_at, state } = approval
  const isLive = state === 'open' || state === 'approved'
  return (
    <>
      <Facts
        facts={[
          [
            SAYS.who,
            <>
              <Foreign text={requester.label} /> {requester.kind === 'service' && <Mark>{SAYS.bot}</Mark>}
            </>,
          ],
          ...(about === null ? [] : ([[SAYS.portal, <Foreign text={about.portal} />]] as const)),
          ...(about === null || about.client === null
            ? []
            : ([[SAYS.client, <Foreign text={about.client} />]] as const)),
          [SAYS.server, <Foreign text={about === null ? (server_id ?? '') : `${about.server_name} (${server_id})`} />],
          [SAYS.kinds[kind ?? ''] ?? SAYS.what, <Foreign text={name ?? ''} fw={600} />],
          ...(about === null || about.purposes.length === 0
            ? []
            : ([[SAYS.purposes, <Foreign text={about.purposes.join('\n')} />]] as const)),
          [SAYS.policy, <Foreign text={approval.policy_name ?? SAYS.policyGone} />],
          [
            SAYS.agree,
            groups.map(({ given, approvals_needed, email_addresses }) => (
              <Text key={email_addresses.join()} size="sm">
                <Foreign text={SAYS.need(given, approvals_needed, email_addresses.join(', '))} />
              </Text>
            )),
          ],
          [SAYS.asked, <When at={created_at} />],
          ...(isLive ? ([[SAYS.until, <When at={expires_at} exact />]] as const) : []),
          ...(decided_at === null ? [] : ([[SAYS.decided, <When at={decided_at} exact />]] as const)),
        ]}
      />
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

function Decision({ approval }: { approval: ApprovalDetail }) {
  const { id, standing, state, about, name, requester } = approval
  const may = useMay('approvals:write')
  const approve = useDeed(decide, { reads: APPROVAL_READS, done: SAYS.approve.done })
  const reject = useDeed(decide, { reads: APPROVAL_READS, done: SAYS.reject.done })
  if (state !== 'open' || standing !== 'approver' || about === null) return null
  if (!may) return <Text size="sm">{COMMON.mayNot('approvals:write')}</Text>
  const told = (word: 'approve' | 'reject') => ({
    title: SAYS[word].title,
    deed: SAYS[word].deed,
    says: <Foreign text={SAYS[word].says(name ?? '', requester.label)} />,
  })
  return (
    <Group justify="flex-end">
      <Confirm {...told('reject')} perform={() => reject.mutateAsync({ id, word: 'reject' })}>
        {(open) => (
          <Button color="red" variant="outline" onClick={open}>
            {SAYS.reject.deed}
          </Button>
        )}
      </Confirm>
      <Confirm {...told('approve')} perform={() => approve.mutateAsync({ id, word: 'approve' })}>
        {(open) => <Button onClick={open}>{SAYS.approve.deed}</Button>}
      </Confirm>
    </Group>
  )
}
