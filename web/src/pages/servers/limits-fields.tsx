/** How many calls a server gets: a limit a line. */
import { Button, Fieldset, Group, NumberInput, Stack, TagsInput, Text, TextInput } from '@mantine/core'
import type { LimitShown } from '../../../../src/contract/limits-on-calls.ts'
import { SETTINGS as SAYS } from '../../words/servers.ts'
import { Choice } from './choice.tsx'
import type { Section } from './server-settings.tsx'

const NEW_LIMIT: LimitShown = { per: 'principal', calls: 60, window: '1m' }

/** A copy without the members that are undefined, as they are sent. */
function withPart(limit: LimitShown, part: { [Name in keyof LimitShown]?: LimitShown[Name] | undefined }): LimitShown {
  const all = Object.entries({ ...limit, ...part }).filter(([, value]) => value !== undefined)
  return Object.fromEntries(all) as LimitShown
}

export function LimitsFields({ section: { draft, change, at } }: { section: Section }) {
  const { limits } = draft
  return (
    <Fieldset legend={SAYS.limits}>
      <Stack>
        <Text size="sm" c="dimmed">
          {SAYS.limitsSays}
        </Text>
        {limits.map((limit, place) => (
          <LimitLine
            // biome-ignore lint/suspicious/noArrayIndexKey: a limit has no name; the lines only grow and shrink
            key={place}
            limit={limit}
            error={at(`limits.${place}`)}
            onChange={(next) => change({ limits: limits.map((one, other) => (other === place ? next : one)) })}
            onRemove={() => change({ limits: limits.filter((_, other) => other !== place) })}
          />
        ))}
        <Button
          variant="default"
          size="xs"
          style={{ alignSelf: 'flex-start' }}
          onClick={() => change({ limits: [...limits, NEW_LIMIT] })}
        >
          {SAYS.addLimit}
        </Button>
      </Stack>
    </Fieldset>
  )
}

interface LineProps {
  limit: LimitShown
  error: string | undefined
  onChange(limit: LimitShown): void
  onRemove(): void
}

function LimitLine({ limit, error, onChange, onRemove }: LineProps) {
  const set = (part: Parameters<typeof withPart>[1]) => onChange(withPart(limit, part))
  const { calls, window, concurrency } = limit
  return (
    <Stack gap={4}>
      <Group align="flex-end" gap="sm">
        <Choice label={SAYS.per} value={limit.per} words={SAYS.pers} onChange={(per) => set({ per })} />
        <NumberInput
          label={SAYS.calls}
          w="6rem"
          min={1}
          hideControls
          value={calls ?? ''}
          onChange={(value) =>
            set(
              typeof value === 'number'
                ? { calls: value, window: window ?? '1m' }
                : { calls: undefined, window: undefined },
            )
          }
        />
        <TextInput
          label={SAYS.window}
          w="6rem"
          disabled={calls === undefined}
          value={window ?? ''}
          onChange={({ currentTarget }) => set({ window: currentTarget.value })}
        />
        <NumberInput
          label={SAYS.concurrency}
          w="6rem"
          min={1}
          hideControls
          value={concurrency ?? ''}
          onChange={(value) => set({ concurrency: typeof value === 'number' ? value : undefined })}
        />
        <Button variant="default" onClick={onRemove}>
          {SAYS.removeLimit}
        </Button>
      </Group>
      <TagsInput
        label={SAYS.ofTools}
        description={SAYS.ofToolsSays}
        value={[...(limit.tools ?? [])]}
        onChange={(tools) => set({ tools: tools.length === 0 ? undefined : tools })}
      />
      {error !== undefined && (
        <Text size="sm" c="red" role="alert">
          {error}
        </Text>
      )}
    </Stack>
  )
}
