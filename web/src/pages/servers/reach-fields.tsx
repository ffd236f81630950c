/** How a server is reached, what it may ask, and how its resources are shown. */
import { Fieldset, NumberInput, SimpleGrid, Stack, Switch, TagsInput } from '@mantine/core'
import { SETTINGS as SAYS } from '../../words/servers.ts'
import { Choice } from './choice.tsx'
import type { Section } from './server-settings.tsx'

const numberOr = (value: string | number): number | undefined => (typeof value === 'number' ? value : undefined)

export function ReachFields({ section: { draft, change, at }, isHttp }: { section: Section; isHttp: boolean }) {
  const setDeadline = (field: 'idle_seconds' | 'total_seconds', value: string | number) => {
    const { [field]: _, ...rest } = draft.deadlines ?? {}
    const seconds = numberOr(value)
    const next = seconds === undefined ? rest : { ...rest, [field]: seconds }
    change({ deadlines: Object.keys(next).length === 0 ? null : next })
  }
  return (
    <Fieldset legend={SAYS.reach}>
      <Stack>
        <Choice
          label={SAYS.isolation}
          description={SAYS.isolationSays}
          value={draft.isolation}
          words={SAYS.isolations}
          onChange={(isolation) => change({ isolation })}
        />
        {isHttp && (
          <TagsInput
            label={SAYS.allowPrivate}
            description={SAYS.allowPrivateSays}
            value={[...draft.allow_private]}
            onChange={(next) => change({ allow_private: next })}
            error={at('allow_private')}
          />
        )}
        <SimpleGrid cols={{ base: 1, sm: 2 }}>
          <NumberInput
            label={SAYS.idle}
            description={SAYS.idleSays}
            min={1}
            value={draft.deadlines?.idle_seconds ?? ''}
            onChange={(value) => setDeadline('idle_seconds', value)}
            error={at('deadlines.idle_seconds')}
            hideControls
          />
          <NumberInput
            label={SAYS.total}
            description={SAYS.totalSays}
            min={1}
            value={draft.deadlines?.total_seconds ?? ''}
            onChange={(value) => setDeadline('total_seconds', value)}
            error={at('deadlines.total_seconds')}
            hideControls
          />
        </SimpleGrid>
      </Stack>
    </Fieldset>
  )
}

export function AsksFields({ section: { draft, change, at } }: { section: Section }) {
  const { relay } = draft
  const set = (part: Partial<typeof relay>) => change({ relay: { ...relay, ...part } })
  return (
    <Fieldset legend={SAYS.asks}>
      <Stack>
        {(['elicitation', 'sampling', 'roots'] as const).map((field) => (
          <Switch
            key={field}
            label={SAYS[field]}
            checked={relay[field]}
            onChange={({ currentTarget }) => set({ [field]: currentTarget.checked })}
          />
        ))}
        <SimpleGrid cols={{ base: 1, sm: 2 }}>
          <NumberInput
            label={SAYS.maxTokens}
            min={1}
            value={relay.sampling_max_tokens}
            onChange={(value) => set({ sampling_max_tokens: numberOr(value) ?? relay.sampling_max_tokens })}
            error={at('relay.sampling_max_tokens')}
            hideControls
          />
          <NumberInput
            label={SAYS.answerTime}
            min={1}
            value={relay.answer_time}
            onChange={(value) => set({ answer_time: numberOr(value) ?? relay.answer_time })}
            error={at('relay.answer_time')}
            hideControls
          />
        </SimpleGrid>
      </Stack>
    </Fieldset>
  )
}

export function ResourceFields({ section: { draft, change } }: { section: Section }) {
  const { resources } = draft
  return (
    <Fieldset legend={SAYS.resources}>
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        <Choice
          label={SAYS.uris}
          value={resources.uris}
          words={SAYS.urisModes}
          onChange={(uris) => change({ resources: { ...resources, uris } })}
        />
        <Choice
          label={SAYS.cache}
          value={resources.cache}
          words={SAYS.cacheModes}
          onChange={(cache) => change({ resources: { ...resources, cache } })}
        />
      </SimpleGrid>
    </Fieldset>
  )
}
