/** What a policy speaks of: servers, kinds, names, hints, labels, arguments and the flow of data. */
import {
  Button,
  Checkbox,
  Fieldset,
  Group,
  MultiSelect,
  Select,
  SimpleGrid,
  Stack,
  TagsInput,
  Text,
  TextInput,
} from '@mantine/core'
import { useQueries, useQuery } from '@tanstack/react-query'
import { attachedServersQuery } from '../../api/policies.ts'
import { offeredByQuery } from '../../api/servers.ts'
import { emptyReach, HINTS, KINDS, LABELS, newArgument, type ReachDraft } from '../../rules/reach-draft.ts'
import { LABEL_WORDS } from '../../words/common.ts'
import { POLICY_WORDS } from '../../words/policies.ts'
import { ArgumentRow } from './argument-row.tsx'

const WORDS = POLICY_WORDS.reach
const BELOW = ['label', 'input', 'description', 'error'] as ('label' | 'input' | 'description' | 'error')[]

export interface ReachRowsProps {
  reach: readonly ReachDraft[]
  isLocked: boolean
  onChange(reach: readonly ReachDraft[]): void
}

export function ReachRows({ reach, isLocked, onChange }: ReachRowsProps) {
  return (
    <Fieldset legend={WORDS.title} disabled={isLocked}>
      <Stack gap="md">
        <Text size="sm" c="dimmed">
          {WORDS.says}
        </Text>
        {reach.map((entry, at) => (
          <Fieldset key={entry.key} legend={WORDS.entry(at + 1)} disabled={isLocked}>
            <Entry
              entry={entry}
              isLocked={isLocked}
              onChange={(changed) => onChange(reach.map((one) => (one.key === entry.key ? changed : one)))}
            />
            {!isLocked && (
              <Button
                mt="sm"
                size="xs"
                variant="default"
                onClick={() => onChange(reach.filter((one) => one.key !== entry.key))}
              >
                {WORDS.remove(at + 1)}
              </Button>
            )}
          </Fieldset>
        ))}
        {!isLocked && (
          <Group>
            <Button size="xs" variant="default" onClick={() => onChange([...reach, emptyReach()])}>
              {reach.length === 0 ? WORDS.add : WORDS.more}
            </Button>
          </Group>
        )}
      </Stack>
    </Fieldset>
  )
}

interface EntryProps {
  entry: ReachDraft
  isLocked: boolean
  onChange(entry: ReachDraft): void
}

function Entry({ entry, isLocked, onChange }: EntryProps) {
  return (
    <Stack gap="sm">
      <What entry={entry} isLocked={isLocked} onChange={onChange} />
      <Hints entry={entry} isLocked={isLocked} onChange={onChange} />
      <Checkbox.Group
        label={WORDS.labels.label}
        description={WORDS.labels.says}
        value={[...entry.labels]}
        onChange={(labels) => onChange({ ...entry, labels })}
      >
        <Group mt={4}>
          {LABELS.map((label) => (
            <Checkbox key={label} value={label} label={LABEL_WORDS[label]} disabled={isLocked} />
          ))}
        </Group>
      </Checkbox.Group>
      <Text size="sm" fw={500}>
        {WORDS.arguments}
      </Text>
      {entry.arguments.map((condition, at) => (
        <ArgumentRow
          key={condition.key}
          condition={condition}
          at={at + 1}
          isLocked={isLocked}
          onChange={(changed) =>
            onChange({ ...entry, arguments: entry.arguments.map((one) => (one.key === changed.key ? changed : one)) })
          }
          onRemove={() => onChange({ ...entry, arguments: entry.arguments.filter((one) => one.key !== condition.key) })}
        />
      ))}
      {!isLocked && (
        <Group>
          <Button
            size="xs"
            variant="default"
            onClick={() => onChange({ ...entry, arguments: [...entry.arguments, newArgument()] })}
          >
            {WORDS.addArgument}
          </Button>
        </Group>
      )}
      <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="sm">
        <TextInput
          label={WORDS.expression.label}
          description={WORDS.expression.says}
          inputWrapperOrder={BELOW}
          value={entry.expression}
          disabled={isLocked}
          onChange={(event) => onChange({ ...entry, expression: event.currentTarget.value })}
        />
        <TextInput
          label={WORDS.flow.label}
          description={WORDS.flow.says}
          inputWrapperOrder={BELOW}
          value={entry.flow}
          disabled={isLocked}
          onChange={(event) => onChange({ ...entry, flow: event.currentTarget.value })}
        />
      </SimpleGrid>
    </Stack>
  )
}

function What({ entry, isLocked, onChange }: EntryProps) {
  const { data = [] } = useQuery(attachedServersQuery)
  // What tools there are is asked of those alone that are chosen.
  const meant = useQueries({ queries: entry.servers.map((id) => offeredByQuery(id)) })
  const servers = [...new Set([...data.map(({ id }) => id), ...entry.servers])]
  const known = meant.flatMap(({ data: one }) =>
    [...(one?.tools ?? []), ...(one?.prompts ?? [])].map(({ name }) => String(name)),
  )
  return (
    <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="sm">
      <MultiSelect
        label={WORDS.servers.label}
        description={WORDS.servers.says}
        inputWrapperOrder={BELOW}
        data={servers}
        value={[...entry.servers]}
        searchable
        limit={100}
        disabled={isLocked}
        onChange={(chosen) => onChange({ ...entry, servers: chosen })}
      />
      <MultiSelect
        label={WORDS.kinds.label}
        description={WORDS.kinds.says}
        inputWrapperOrder={BELOW}
        data={[...KINDS]}
        value={[...entry.kinds]}
        disabled={isLocked}
        onChange={(kinds) => onChange({ ...entry, kinds })}
      />
      <TagsInput
        label={WORDS.names.label}
        description={WORDS.names.says}
        inputWrapperOrder={BELOW}
        data={[...new Set(known)]}
        limit={50}
        value={[...entry.names]}
        acceptValueOnBlur
        disabled={isLocked}
        onChange={(names) => onChange({ ...entry, names })}
      />
      <TagsInput
        label={WORDS.patterns.label}
        description={WORDS.patterns.says}
        inputWrapperOrder={BELOW}
        value={[...entry.patterns]}
        acceptValueOnBlur
        splitChars={[]}
        disabled={isLocked}
        onChange={(patterns) => onChange({ ...entry, patterns })}
      />
    </SimpleGrid>
  )
}

const HINT_CHOICES = [
  { value: 'any', label: WORDS.hint.any },
  { value: 'yes', label: WORDS.hint.yes },
  { value: 'no', label: WORDS.hint.no },
]

function Hints({ entry, isLocked, onChange }: EntryProps) {
  const said = (hint: string) => {
    const is = entry.annotations[hint]
    return is === undefined ? 'any' : is ? 'yes' : 'no'
  }
  const say = (hint: string, choice: string) => {
    const { [hint]: _, ...others } = entry.annotations
    onChange({ ...entry, annotations: choice === 'any' ? others : { ...others, [hint]: choice === 'yes' } })
  }
  return (
    <SimpleGrid cols={{ base: 2, md: 4 }} spacing="sm">
      {HINTS.map((hint) => (
        <Select
          key={hint}
          label={WORDS.hints[hint]}
          data={HINT_CHOICES}
          value={said(hint)}
          allowDeselect={false}
          disabled={isLocked}
          onChange={(choice) => say(hint, choice ?? 'any')}
        />
      ))}
    </SimpleGrid>
  )
}
