/** The question: who, through which portal, for what. */
import {
  Autocomplete,
  Button,
  Fieldset,
  Group,
  JsonInput,
  SegmentedControl,
  Select,
  SimpleGrid,
  Stack,
  TextInput,
} from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { useMemo, useState } from 'react'
import type { PortalShown } from '../../../../src/contract/portal.ts'
import { askedPortalQuery, peopleLike, tokensLike } from '../../api/access.ts'
import { attachedPortalsQuery } from '../../api/policies.ts'
import { SIDE_BY_SIDE } from '../../parts/side-by-side.ts'
import { type Asked, isWhole } from '../../rules/asked.ts'
import { ACCESS } from '../../words/access.ts'

type Kind = 'user' | 'service_token' | 'anonymous'
const KINDS: readonly Kind[] = ['user', 'service_token', 'anonymous']

interface PartProps {
  draft: Asked
  onChange(changed: Partial<Asked>): void
}

export function AskForm({ asked, onAsk }: { asked: Asked; onAsk(asked: Asked): void }) {
  const [draft, setDraft] = useState(asked)
  const onChange = (changed: Partial<Asked>) => setDraft((before) => ({ ...before, ...changed }))
  const isBroken = draft.args.trim() !== '' && !isJson(draft.args)
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        if (isWhole({ ...draft, deed: '' }) && !isBroken) onAsk(draft)
      }}
    >
      <Stack>
        <Who draft={draft} onChange={onChange} />
        <What draft={draft} onChange={onChange} />
        <Fieldset legend={ACCESS.more}>
          <SimpleGrid cols={{ base: 1, sm: 2 }}>
            <JsonInput
              label={ACCESS.args.label}
              description={ACCESS.args.says}
              value={draft.args}
              error={isBroken ? ACCESS.notJson : undefined}
              autosize
              minRows={2}
              maxRows={12}
              onChange={(args) => onChange({ args })}
            />
            <TextInput
              label={ACCESS.ip.label}
              description={ACCESS.ip.says}
              value={draft.ip}
              onChange={(event) => onChange({ ip: event.currentTarget.value })}
            />
          </SimpleGrid>
        </Fieldset>
        <Group>
          <Button type="submit" disabled={!isWhole({ ...draft, deed: '' }) || isBroken}>
            {ACCESS.ask}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

function kindOf({ service_token, anonymous }: Asked): Kind {
  return anonymous ? 'anonymous' : service_token === '' ? 'user' : 'service_token'
}

function Who({ draft, onChange }: PartProps) {
  const [kind, setKind] = useState(() => kindOf(draft))
  const { user, service_token } = draft
  const [searched] = useDebouncedValue(kind === 'user' ? user : service_token, 200)
  const people = useQuery({ ...peopleLike(searched), enabled: kind === 'user' }).data ?? []
  const tokens = useQuery({ ...tokensLike(searched), enabled: kind === 'service_token' }).data ?? []
  const choose = (next: Kind) => {
    setKind(next)
    onChange({ user: '', service_token: '', anonymous: next === 'anonymous' })
  }
  return (
    <SimpleGrid cols={{ base: 1, sm: 2 }}>
      <Stack gap={4}>
        <SegmentedControl
          aria-label={ACCESS.who.label}
          data={KINDS.map((value) => ({ value, label: ACCESS.who[value] }))}
          value={kind}
          onChange={choose}
          orientation="vertical"
        />
      </Stack>
      {kind === 'user' && (
        <Autocomplete
          label={ACCESS.user.label}
          description={ACCESS.user.says}
          data={[...new Set(people.map(({ email, id }) => email ?? id))]}
          value={user}
          onChange={(value) => onChange({ user: value })}
        />
      )}
      {kind === 'service_token' && (
        <Autocomplete
          label={ACCESS.service_token.label}
          description={ACCESS.service_token.says}
          data={[...new Set(tokens.map(({ name }) => name))]}
          value={service_token}
          onChange={(value) => onChange({ service_token: value })}
        />
      )}
    </SimpleGrid>
  )
}

const MOST_NAMES = 50

/** There may be ten thousand, and each key that is pressed draws the form anew. @param server the one that is meant, or the empty string */
function namesIn(portal: PortalShown | undefined, server: string): string[] {
  const meant = portal?.servers.filter(({ server_id }) => server === '' || server === server_id) ?? []
  const names = meant.flatMap(({ server_id, tools, prompts }) =>
    [...tools, ...prompts].map(({ name }) => (server === '' ? `${server_id}_${name}` : String(name))),
  )
  return [...new Set(names)]
}

function What({ draft, onChange }: PartProps) {
  const portals = useQuery(attachedPortalsQuery).data ?? []
  const { portal, server, name } = draft
  const detail = useQuery({ ...askedPortalQuery(portal), enabled: portal !== '' }).data
  const servers = detail?.servers ?? []
  const names = useMemo(() => namesIn(detail, server), [detail, server])
  const known = portals.map((one) => ({ value: one.id, label: one.name }))
  return (
    <SimpleGrid cols={{ base: 1, sm: 3 }}>
      <Select
        label={ACCESS.portal.label}
        description={ACCESS.portal.says}
        {...SIDE_BY_SIDE}
        data={
          portal === '' || known.some(({ value }) => value === portal)
            ? known
            : [...known, { value: portal, label: portal }]
        }
        value={portal === '' ? null : portal}
        searchable
        limit={100}
        onChange={(value) => onChange({ portal: value ?? '', server: '' })}
      />
      <Select
        label={ACCESS.server.label}
        description={ACCESS.server.says}
        {...SIDE_BY_SIDE}
        placeholder={ACCESS.anyServer}
        data={[...new Set([...servers.map(({ server_id }) => server_id), ...(server === '' ? [] : [server])])]}
        value={server === '' ? null : server}
        searchable
        clearable
        clearButtonProps={{ 'aria-label': ACCESS.anyServer }}
        limit={100}
        onChange={(value) => onChange({ server: value ?? '' })}
      />
      <Autocomplete
        label={ACCESS.name.label}
        description={ACCESS.name.says}
        {...SIDE_BY_SIDE}
        data={names}
        limit={MOST_NAMES}
        value={name}
        onChange={(value) => onChange({ name: value })}
      />
    </SimpleGrid>
  )
}
