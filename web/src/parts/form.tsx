/** A form: its fields, what is wrong, and one button that says what it does. What was typed stays until it was taken. */
import { Button, Group, Stack } from '@mantine/core'
import { type FormEvent, type ReactNode, useState } from 'react'
import { Problem, type Told } from '../api/ask.ts'
import { COMMON } from '../words/common.ts'
import { useDraft } from './draft.ts'
import { Elsewhere } from './elsewhere.tsx'
import { type Field, Fields, type FieldValue, type Values } from './fields.tsx'
import { LockNote } from './from-file.tsx'
import { ProblemNote } from './told.tsx'
import { useDeed } from './use-deed.ts'
import { useWrong } from './use-wrong.ts'

export interface FormProps<Result> {
  fields: readonly Field[]
  /** What a form for something new begins with. */
  initial?: Values
  /** As what it changes is stored now: begun with, and watched. */
  stored?: Values
  /** What the button says. */
  deed: string
  /** Why nothing can be changed here, or null. */
  lock: string | null
  reads: readonly (readonly unknown[])[]
  done?: string
  perform(values: Values): Promise<Told<Result>>
  after?(result: Result): void
  cancel?(): void
  /** Beside the fields, as they stand. */
  children?(values: Values): ReactNode
}

export function Form<Result>(props: FormProps<Result>) {
  const { fields, initial = {}, stored, deed, lock, reads, done, perform, after, cancel, children } = props
  const [first] = useState(initial)
  const draft = useDraft<Values>(stored ?? first)
  const { values } = draft
  const act = useDeed(perform, {
    reads,
    ...(done === undefined ? {} : { done }),
    ...(after === undefined ? {} : { after }),
  })
  const change = (name: string, value: FieldValue) => draft.type({ [name]: value })
  const form = useWrong(act.error)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    draft.send()
    act.mutate(values, { onSuccess: () => draft.saved(withoutSecrets(fields, values)), onError: draft.failed })
  }
  return (
    <form ref={form} onSubmit={submit}>
      <Stack maw="38rem">
        <LockNote lock={lock} />
        <Elsewhere draft={draft} nameOf={(member) => fields.find(({ name }) => name === member)?.label} />
        <Fields {...{ fields, values, change }} error={act.error} isLocked={lock !== null} />
        {children?.(values)}
        {act.error !== null && !isToldAtFields(act.error, fields, values) && <ProblemNote error={act.error} />}
        <Group>
          {lock === null && (
            <Button type="submit" loading={act.isPending} disabled={draft.elsewhere.length > 0}>
              {deed}
            </Button>
          )}
          {cancel !== undefined && (
            <Button variant="default" onClick={cancel}>
              {COMMON.cancel}
            </Button>
          )}
        </Group>
      </Stack>
    </form>
  )
}

/** What was taken is shown no more: the field asks for another one. */
function withoutSecrets(fields: readonly Field[], values: Values): Values {
  const secrets = fields
    .filter(({ kind, isSecret }) => kind === 'secret' || isSecret === true)
    .map(({ name }) => [name, ''] as const)
  return { ...values, ...Object.fromEntries(secrets) }
}

/** Whether all that is wrong stands at a field already. */
function isToldAtFields(error: unknown, fields: readonly Field[], values: Values): boolean {
  if (!(error instanceof Problem)) return false
  const shown = fields.filter(({ shows }) => shows?.(values) ?? true)
  return error.says.every((one) => {
    const told = new Problem(error.status, [one])
    return shown.some(({ name, at }) => told.at(at ?? name) !== undefined)
  })
}
