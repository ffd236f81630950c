/** What each client must be told to reach a portal: a command, an entry of its file, or a link that it opens. */
import { Button, Select, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import {
  type Client,
  type ClientEntry,
  commandsFor,
  configFor,
  linkFor,
} from '../../../../src/contract/client-config.ts'
import { Copyable } from '../../parts/copy.tsx'
import { PORTALS } from '../../words/portals.ts'

const { overview: SAYS } = PORTALS

const GUIDES: readonly (readonly [client: Client, title: string])[] = [
  ['claude-code', 'Claude Code'],
  ['cursor', 'Cursor'],
  ['vscode', 'VS Code'],
  ['claude-desktop', 'Claude Desktop'],
  ['codex', 'Codex'],
  ['gemini-cli', 'Gemini CLI'],
  ['windsurf', 'Windsurf'],
  ['zed', 'Zed'],
]
const OTHER = 'other'

/** Whatever the portal is called, the entry has a name that clients take. */
export function ClientGuides(entry: ClientEntry) {
  const [chosen, choose] = useState<string>('claude-code')
  const guide = GUIDES.find(([client]) => client === chosen)
  return (
    <Stack gap="sm">
      <Select
        label="Client"
        maw="20rem"
        allowDeselect={false}
        value={chosen}
        onChange={(client) => choose(client ?? OTHER)}
        data={[...GUIDES.map(([value, label]) => ({ value, label })), { value: OTHER, label: SAYS.generic }]}
      />
      {guide === undefined ? <Other entry={entry} /> : <Guide client={guide[0]} title={guide[1]} entry={entry} />}
    </Stack>
  )
}

function Guide({ client, title, entry }: { client: Client; title: string; entry: ClientEntry }) {
  const link = linkFor(client, entry)
  const commands = commandsFor(client, entry)
  const { file, text } = configFor(client, entry, { kind: 'sign-in' })
  const isFirst = link === null && commands.length === 0
  return (
    <Stack gap="sm" align="stretch">
      {link !== null && (
        // The client opens by it, and asks its person before it adds anything.
        <Button style={{ alignSelf: 'flex-start' }} onClick={() => location.assign(link)}>
          {SAYS.open(title)}
        </Button>
      )}
      {commands.length > 0 && <Text size="sm">{SAYS.command}</Text>}
      {commands.map((command) => (
        <Copyable key={command} text={command} label={SAYS.command} />
      ))}
      <Text size="sm">{isFirst ? SAYS.onlyFile(file) : SAYS.file(file)}</Text>
      <Copyable text={text} label={file} />
    </Stack>
  )
}

function Other({ entry }: { entry: ClientEntry }) {
  return (
    <Stack gap="sm">
      <Text size="sm">{SAYS.genericSays}</Text>
      <Copyable text={entry.url} label={SAYS.address} />
      {commandsFor('mcp-remote', entry).map((command) => (
        <Copyable key={command} text={command} label={SAYS.command} />
      ))}
    </Stack>
  )
}
