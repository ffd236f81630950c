/** Who vouches for a person, what they connected at servers, and where somebody with their address was not let in. */
import { Anchor, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { UserShown } from '../../../../src/contract/user.ts'
import { useMay } from '../../api/me.ts'
import { connectionsQuery, endConnection, failedLoginsQuery, identitiesQuery, USER_READS } from '../../api/people.ts'
import { Foreign } from '../../parts/foreign.tsx'
import { Item, Items, Section } from '../../parts/items.tsx'
import { Mark } from '../../parts/mark.tsx'
import { ProblemNote, Waiting } from '../../parts/told.tsx'
import { useDeed } from '../../parts/use-deed.ts'
import { When } from '../../parts/when.tsx'
import { PEOPLE } from '../../words/people.ts'
import { EndButton } from './end-button.tsx'
import { useProviderNames } from './list.tsx'

const MOST_FAILED = 10
const COLOR = { ready: 'green', needs_reauth: 'yellow', error: 'red' } as const

export function Accounts({ user }: { user: UserShown }) {
  const { data, error } = useQuery(identitiesQuery(user.id))
  const nameOf = useProviderNames()
  const { title, says, none, groups, proof, signedIn } = PEOPLE.accounts
  return (
    <Section title={title} says={says}>
      {error ? <ProblemNote error={error} /> : null}
      {data === undefined ? (
        <Waiting rows={2} />
      ) : (
        <Items none={none}>
          {data.map((account) => (
            <Item key={`${account.issuer} ${account.subject}`}>
              <Text size="sm" fw={600} component="div">
                <Foreign text={nameOf(account.idp.id)} />: <Foreign text={account.subject} />
              </Text>
              <Text size="sm" c="dimmed" component="div">
                <Foreign text={groups(account.groups)} />
              </Text>
              <Text size="sm" c="dimmed" component="div">
                <Foreign text={proof(account.amr)} />
                {' · '}
                {signedIn} <When at={new Date(account.iat * 1000).toISOString()} />
              </Text>
            </Item>
          ))}
        </Items>
      )}
    </Section>
  )
}

export function Connections({ user }: { user: UserShown }) {
  const { data, error } = useQuery(connectionsQuery(user.id))
  const may = useMay('servers:write')
  const { title, none, status, endSays } = PEOPLE.connections
  const end = useDeed(endConnection, { reads: [...USER_READS], done: PEOPLE.sessions.done })
  return (
    <Section title={title}>
      {error ? <ProblemNote error={error} /> : null}
      {data === undefined ? (
        <Waiting rows={2} />
      ) : (
        <Items none={none}>
          {data.map((connection) => (
            <Item
              key={connection.id}
              actions={
                may && <EndButton name={connection.server_id} says={endSays} end={() => end.mutateAsync(connection)} />
              }
            >
              <Anchor
                size="sm"
                fw={600}
                renderRoot={(props) => <Link to="/servers/$id" params={{ id: connection.server_id }} {...props} />}
              >
                <Foreign text={connection.server_id} />
              </Anchor>
              <Text size="sm" c="dimmed" component="div">
                <Mark color={COLOR[connection.status]}>{status[connection.status]}</Mark>{' '}
                {connection.account !== null && <Foreign text={connection.account} />}
              </Text>
              {connection.problem !== null && <Text size="sm">{connection.problem}</Text>}
            </Item>
          ))}
        </Items>
      )}
    </Section>
  )
}

export function NotLetIn({ user }: { user: UserShown }) {
  const { data, error } = useQuery(failedLoginsQuery(user.id))
  const { title, says, none } = PEOPLE.failed
  return (
    <Section title={title} says={says}>
      {error ? <ProblemNote error={error} /> : null}
      {data === undefined ? (
        <Waiting rows={2} />
      ) : (
        <Items none={none}>
          {data.slice(0, MOST_FAILED).map(({ metadata }) => (
            <Item key={metadata.ray_id}>
              <Text size="sm" component="div">
                <Foreign text={metadata.reason} fw={600} /> · <Foreign text={metadata.method} />
              </Text>
              <Text size="sm" c="dimmed" component="div">
                <When at={metadata.datetime} /> · <Foreign text={metadata.ip ?? '–'} />
              </Text>
            </Item>
          ))}
        </Items>
      )}
    </Section>
  )
}
