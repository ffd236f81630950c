/** What this portal is. */
import { Anchor, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { meQuery } from '../../api/me.ts'
import { Facts } from '../../parts/facts.tsx'
import { Foreign } from '../../parts/foreign.tsx'
import { Waiting } from '../../parts/told.tsx'
import { SETTINGS } from '../../words/settings.ts'

const { about: WORDS } = SETTINGS

export function About() {
  const { data: me } = useQuery(meQuery)
  if (me === undefined) return <Waiting />
  return (
    <Stack>
      <Facts
        facts={[
          [WORDS.version, me.version],
          [WORDS.url, <Foreign key="url" text={me.url} />],
          [WORDS.database, WORDS.databases[me.database]],
          [WORDS.file, me.config_file === null ? WORDS.noFile : <Foreign key="file" text={me.config_file} />],
          [WORDS.account, <Foreign key="account" text={me.account} />],
          [
            WORDS.api,
            <Anchor key="api" inherit href="/openapi.json">
              /openapi.json
            </Anchor>,
          ],
        ]}
      />
      <Text size="sm">{WORDS.docs}</Text>
    </Stack>
  )
}
