/** A new server: by the URL at which it is, or by the command that starts it. */
import { SegmentedControl, Stack } from '@mantine/core'
import { LockNote, useLock } from '../../parts/from-file.tsx'
import { Page } from '../../parts/page.tsx'
import { NEW_SERVER as SAYS } from '../../words/servers.ts'
import { PAGES } from '../../words/shell.ts'
import { NewByCommand } from './new-by-command.tsx'
import { NewByUrl } from './new-by-url.tsx'
import { useSearchText } from './use-search-text.ts'

export function ServerNew() {
  const lock = useLock('servers:write')
  const [by, setBy] = useSearchText('by')
  return (
    <Page title={SAYS.title} above={[['/servers', PAGES.servers.title]]}>
      {lock !== null ? (
        <LockNote lock={lock} />
      ) : (
        <Stack maw="44rem">
          <SegmentedControl
            aria-label={SAYS.how}
            value={by === 'command' ? 'command' : 'url'}
            onChange={(value) => setBy(value === 'command' ? value : '')}
            data={[
              { value: 'url', label: SAYS.byUrl },
              { value: 'command', label: SAYS.byCommand },
            ]}
          />
          {by === 'command' ? <NewByCommand /> : <NewByUrl />}
        </Stack>
      )}
    </Page>
  )
}
