/** How many calls may be made through a portal, as lines of a form. */
import { Button, Fieldset, Group, NativeSelect, Stack, Text, TextInput } from '@mantine/core'
import type { LimitShown } from '../../../../src/contract/limits-on-calls.ts'
import type { PortalUpdate } from '../../../../src/contract/portal.ts'
import { PORTALS } from '../../words/portals.ts'

const { settings: SAYS } = PORTALS
const PERS = ['principal', 'all'] as const

/** As it is typed. */
export interface LimitDraft {
  key: number
  per: (typeof PERS)[number]
  calls: string
  window: string
  concurrency: string
}

export interface LimitsProps {
  drafts: readonly LimitDraft[]
  put(drafts: readonly LimitDraft[]): void
  isLocked: boolean
  error: string | undefined
}

export function Limits({ drafts, put, isLocked, error }: LimitsProps) {
  const next = Math.max(-1, ...drafts.map(({ key }) => key)) + 1
  const change = (key: number, part: Partial<LimitDraft>) =>
    put(drafts.map((one) => (one.key === key ? { ...one, ...part } : one)))
  return (
    <Fieldset legend={SAYS.limits}>
      <Stack>
        <Text size="sm" c="dimmed">
          {SAYS.limitsSays}
        </Text>
        {drafts.length === 0 && <Text size="sm">{SAYS.noLimits}</Text>}
        {error !== undefined && (
          <Text size="sm" c="red" role="alert">
            {error}
          </Text>
        )}
        {drafts.map((draft, at) => (
          <Line
            key={draft.key}
            {...{ draft, at, isLocked }}
            change={(part) => change(draft.key, part)}
            remove={() => put(drafts.filter(({ key }) => key !== draft.key))}
          />
        ))}
        {!isLocked && (
          <Group>
            <Button
              size="xs"
              variant="default"
              onClick={() =>
                put([...drafts, { key: next, per: 'principal', calls: '60', window: '1m', concurrency: '' }])
              }
            >
              {SAYS.addLimit}
            </Button>
          </Group>
        )}
      </Stack>
    </Fieldset>
  )
}

interface LineProps {
  draft: LimitDraft
  at: number
  isLocked: boolean
  change(part: Partial<LimitDraft>): void
  remove(): void
}

function Line({ draft, at, isLocked, change, remove }: LineProps) {
  const { limit: WORDS } = SAYS
  const number = (name: 'calls' | 'concurrency') => (
    <TextInput
      label={WORDS[name][0]}
      description={WORDS[name][1]}
      inputMode="numeric"
      w="9rem"
      value={draft[name]}
      readOnly={isLocked}
      error={/^(?:[1-9]\d*)?$/.test(draft[name]) ? null : SAYS.bad}
      onChange={(event) => change({ [name]: event.currentTarget.value.trim() })}
    />
  )
  return (
    <Group align="flex-end" wrap="wrap">
      <NativeSelect
        label={WORDS.per}
        data={PERS.map((value) => ({ value, label: WORDS.pers[value] }))}
        value={draft.per}
        disabled={isLocked}
        onChange={(event) => change({ per: event.currentTarget.value === 'all' ? 'all' : 'principal' })}
      />
      {number('calls')}
      <TextInput
        label={WORDS.window[0]}
        description={WORDS.window[1]}
        w="9rem"
        value={draft.window}
        readOnly={isLocked}
        onChange={(event) => change({ window: event.currentTarget.value.trim() })}
      />
      {number('concurrency')}
      {!isLocked && (
        <Button size="xs" variant="default" mb={4} onClick={remove} aria-label={SAYS.removeLimit(at + 1)}>
          ✕
        </Button>
      )}
    </Group>
  )
}

export function toDrafts(limits: readonly LimitShown[]): LimitDraft[] {
  return limits.map(({ per, calls, window = '', concurrency }, key) => ({
    ...{ key, per, window },
    calls: calls === undefined ? '' : String(calls),
    concurrency: concurrency === undefined ? '' : String(concurrency),
  }))
}

/** What is no number goes as it was typed, and the server says so. */
export function toLimits(drafts: readonly LimitDraft[]): NonNullable<PortalUpdate['limits']> {
  return drafts.map(({ per, calls, window, concurrency }) => ({
    per,
    ...(calls === '' ? {} : { calls: Number(calls), ...(window === '' ? {} : { window }) }),
    ...(concurrency === '' ? {} : { concurrency: Number(concurrency) }),
  }))
}
