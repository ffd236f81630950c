/** What a person holds now: browsers, clients that they let in, and tokens that an admin made for them. Each can be ended alone. */
import { Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { ActiveSessionShown, UserShown } from '../../../../src/contract/user.ts'
import { useMay } from '../../api/me.ts'
import { endAccessToken, endSession, sessionsQuery, tokensOfQuery, USER_READS } from '../../api/people.ts'
import { Foreign } from '../../parts/foreign.tsx'
import { Item, Items, Section } from '../../parts/items.tsx'
import { ProblemNote, Waiting } from '../../parts/told.tsx'
import { useDeed } from '../../parts/use-deed.ts'
import { When } from '../../parts/when.tsx'
import { PEOPLE } from '../../words/people.ts'
import { EndButton } from './end-button.tsx'

const { sessions: WORDS, tokens: TOKENS } = PEOPLE
const isoOf = (seconds: number): string => new Date(seconds * 1000).toISOString()

export function Sessions({ user, mayEnd }: { user: UserShown; mayEnd: boolean }) {
  const { data, error } = useQuery(sessionsQuery(user.id))
  const end = useDeed(endSession(user.id), { reads: [...USER_READS], done: WORDS.done })
  const of = (kind: 'browser' | 'client') => (data ?? []).filter(({ metadata }) => metadata.kind === kind)
  const shown = (session: ActiveSessionShown) => (
    <Session
      key={session.metadata.nonce}
      session={session}
      end={mayEnd ? () => end.mutateAsync(session.metadata.nonce) : null}
    />
  )
  if (error) return <ProblemNote error={error} />
  return (
    <>
      <Section title={WORDS.clients}>
        {data === undefined ? <Waiting rows={2} /> : <Items none={WORDS.noClients}>{of('client').map(shown)}</Items>}
      </Section>
      <Section title={WORDS.browsers}>
        {data === undefined ? <Waiting rows={2} /> : <Items none={WORDS.noBrowsers}>{of('browser').map(shown)}</Items>}
      </Section>
    </>
  )
}

function Session({ session, end }: { session: ActiveSessionShown; end: (() => Promise<unknown>) | null }) {
  const { name, metadata } = session
  const called = name || (metadata.kind === 'browser' ? WORDS.browser : WORDS.client)
  const portals = Object.values(metadata.apps).map((portal) => portal.name)
  return (
    <Item actions={end !== null && <EndButton name={called} says={WORDS.endSays} end={end} />}>
      <Text size="sm" fw={600} component="div">
        <Foreign text={called} />
      </Text>
      <Text size="sm" c="dimmed" component="div">
        {portals.length > 0 && (
          <>
            {WORDS.portal}: <Foreign text={portals.join(', ')} />
            {' · '}
          </>
        )}
        {WORDS.began} <When at={isoOf(metadata.iat)} />, {WORDS.ends} <When at={isoOf(metadata.expires)} />
      </Text>
    </Item>
  )
}

export function Tokens({ user }: { user: UserShown }) {
  const { data, error } = useQuery(tokensOfQuery(user))
  const may = useMay('access_tokens:write')
  const end = useDeed(endAccessToken, { reads: [...USER_READS], done: WORDS.done })
  return (
    <Section title={TOKENS.title}>
      {error ? <ProblemNote error={error} /> : null}
      {data === undefined ? (
        <Waiting rows={2} />
      ) : (
        <Items none={TOKENS.none}>
          {data.map((token) => {
            const called = token.name ?? TOKENS.unnamed
            return (
              <Item
                key={token.id}
                actions={
                  may && <EndButton name={called} says={TOKENS.revokeSays} end={() => end.mutateAsync(token.id)} />
                }
              >
                <Text size="sm" fw={600} component="div">
                  <Foreign text={called} />
                </Text>
                <Text size="sm" c="dimmed" component="div">
                  {WORDS.portal}: <Foreign text={token.portal} />
                  {' · '}
                  {WORDS.began} <When at={token.created_at} />
                  {token.expires_at !== null && (
                    <>
                      , {WORDS.ends} <When at={token.expires_at} />
                    </>
                  )}
                </Text>
              </Item>
            )
          })}
        </Items>
      )}
    </Section>
  )
}
