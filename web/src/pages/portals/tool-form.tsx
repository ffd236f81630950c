/** What a portal says of one tool or prompt: whether it is there, what it is called, and what models read of it. */
import { Button, Group, Stack, Switch, Text, Textarea, TextInput } from '@mantine/core'
import { type FormEvent, useState } from 'react'
import { Problem } from '../../api/ask.ts'
import { Dialog } from '../../parts/dialog.tsx'
import { Foreign } from '../../parts/foreign.tsx'
import { LockNote } from '../../parts/from-file.tsx'
import { ProblemNote } from '../../parts/told.tsx'
import { COMMON } from '../../words/common.ts'
import { PORTALS } from '../../words/portals.ts'
import type { Offer } from './curation.ts'
import { switched } from './curation.ts'
import type { Wish } from './tools.tsx'

const { tools: SAYS } = PORTALS

export interface ToolFormProps {
  offer: Offer
  lock: string | null
  close(): void
  perform(wish: Wish): Promise<unknown>
}

export function ToolForm({ offer, lock, close, perform }: ToolFormProps) {
  const [isOn, setOn] = useState(offer.isOn)
  const [alias, setAlias] = useState(offer.own.alias ?? '')
  const [description, setDescription] = useState(offer.own.description ?? '')
  const [problem, setProblem] = useState<unknown>(null)
  const [isBusy, setBusy] = useState(false)
  const send = async (wish: Wish['change']) => {
    setBusy(true)
    await perform({ offers: [offer], change: wish }).then(close, (error: unknown) => {
      setBusy(false)
      setProblem(error)
    })
  }
  const save = (event: FormEvent) => {
    event.preventDefault()
    void send((one) => ({
      ...switched(isOn)(one, {}),
      ...{ alias: alias === '' ? undefined : alias, description: description === '' ? undefined : description },
    }))
  }
  const name = `${offer.server}_${alias === '' ? (offer.below.alias ?? offer.original) : alias}`
  const aliasProblem = problem instanceof Problem ? problem.says.find((one) => /\.alias:/.test(one)) : undefined
  return (
    <Dialog opened onClose={close} title={<Foreign text={offer.shown} />} size="lg">
      <form onSubmit={save}>
        <Stack>
          <LockNote lock={lock} />
          {problem !== null && aliasProblem === undefined && <ProblemNote error={problem} />}
          <Text size="sm" c="dimmed">
            <Foreign text={SAYS.original(offer.original)} />
          </Text>
          <Switch
            label={SAYS.enabled}
            checked={isOn}
            disabled={lock !== null}
            onChange={(event) => setOn(event.currentTarget.checked)}
          />
          <TextInput
            label={SAYS.alias[0]}
            description={SAYS.alias[1]}
            placeholder={offer.below.alias ?? offer.original}
            maxLength={40}
            value={alias}
            readOnly={lock !== null}
            error={aliasProblem?.slice(aliasProblem.indexOf('alias:') + 6).trim()}
            onChange={(event) => setAlias(event.currentTarget.value)}
          />
          <Text size="sm">
            <Foreign text={SAYS.becomes(name)} />
          </Text>
          <Textarea
            label={SAYS.description[0]}
            description={SAYS.description[1]}
            autosize
            minRows={2}
            maxRows={10}
            maxLength={4096}
            value={description}
            readOnly={lock !== null}
            onChange={(event) => setDescription(event.currentTarget.value)}
          />
          <div>
            <Text size="sm" fw={600}>
              {SAYS.told}
            </Text>
            <Text size="sm" component="div" mah="12rem" style={{ overflowY: 'auto' }} tabIndex={0}>
              <Foreign text={offer.told === '' ? SAYS.toldNothing : offer.told} />
            </Text>
          </div>
          {lock === null && (
            <Group justify="space-between">
              <Button variant="default" disabled={isBusy} onClick={() => void send(() => ({}))}>
                {SAYS.reset}
              </Button>
              <Group>
                <Button variant="default" onClick={close}>
                  {COMMON.cancel}
                </Button>
                <Button type="submit" loading={isBusy}>
                  {COMMON.save}
                </Button>
              </Group>
            </Group>
          )}
        </Stack>
      </form>
    </Dialog>
  )
}
