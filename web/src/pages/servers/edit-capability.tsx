/** One tool or prompt: as the server defines it, and what clients see instead. */
import { Button, Checkbox, Code, Group, Stack, Switch, Text, Textarea, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { ServerShown } from '../../../../src/contract/server.ts'
import { definitionQuery, updateServer } from '../../api/servers.ts'
import { Dialog } from '../../parts/dialog.tsx'
import { Foreign } from '../../parts/foreign.tsx'
import { LockNote, useLock } from '../../parts/from-file.tsx'
import { ProblemNote, Waiting } from '../../parts/told.tsx'
import { useDeed } from '../../parts/use-deed.ts'
import { COMMON, LABEL_WORDS } from '../../words/common.ts'
import { ONE_SERVER, CAPABILITIES as SAYS } from '../../words/servers.ts'
import type { Capability, CapabilityKind, Override } from './capabilities.tsx'

type Label = keyof typeof LABEL_WORDS

interface Props {
  server: ServerShown
  kind: CapabilityKind
  capability: Capability
  onClose(): void
}

/** The overrides of a server with one of them changed; one that says nothing any more is left out. */
export function withOverride(before: readonly Override[], next: Override): Override[] {
  const others = before.filter(({ name }) => name !== next.name)
  const { name: _, ...said } = next
  const isSaid = Object.values(said).some((value) => value !== undefined)
  return isSaid ? [...others, next] : others
}

export function EditCapability({ server, kind, capability, onClose }: Props) {
  const { name, override } = capability
  const lock = useLock('servers:write', server.origin)
  const [isOn, setOn] = useState(override?.enabled !== false)
  const [alias, setAlias] = useState(override?.alias ?? '')
  const [description, setDescription] = useState(override?.description ?? '')
  const [labels, setLabels] = useState<readonly Label[]>(override?.labels ?? [])
  const save = useDeed((body: Parameters<typeof updateServer>[1]) => updateServer(server.id, body), {
    ...{ done: ONE_SERVER.saved, reads: [['servers'], ['portals']], after: onClose },
  })
  const submit = () => {
    const next: Override = {
      name,
      ...(isOn ? {} : { enabled: false }),
      ...(alias === '' ? {} : { alias }),
      ...(description === '' ? {} : { description }),
      ...(labels.length === 0 ? {} : { labels: [...labels] }),
    }
    const field = kind === 'tools' ? 'updated_tools' : 'updated_prompts'
    save.mutate({ [field]: withOverride(server[field] ?? [], next) })
  }
  const isLocked = lock !== null
  return (
    <Dialog opened onClose={onClose} title={<Foreign text={name} fw={600} />} size="lg">
      <Stack>
        <LockNote lock={lock} />
        <Switch
          label={SAYS.enabled}
          description={SAYS.enabledSays}
          checked={isOn}
          disabled={isLocked}
          onChange={({ currentTarget }) => setOn(currentTarget.checked)}
        />
        <TextInput
          label={SAYS.alias}
          description={SAYS.aliasSays}
          value={alias}
          disabled={isLocked}
          onChange={({ currentTarget }) => setAlias(currentTarget.value)}
        />
        <Textarea
          label={SAYS.description}
          description={SAYS.descriptionSays}
          value={description}
          disabled={isLocked}
          autosize
          minRows={2}
          onChange={({ currentTarget }) => setDescription(currentTarget.value)}
        />
        {kind === 'tools' && (
          <Checkbox.Group
            label={SAYS.labels}
            description={SAYS.labelsSays}
            value={[...labels]}
            onChange={(next) => setLabels(next as Label[])}
          >
            <Stack gap="xs" mt="xs">
              {Object.entries(LABEL_WORDS).map(([value, label]) => (
                <Checkbox key={value} value={value} label={label} disabled={isLocked} />
              ))}
            </Stack>
          </Checkbox.Group>
        )}
        <Text size="sm" fw={600}>
          {SAYS.definition}
        </Text>
        <Defined id={server.id} kind={kind} name={name} />
        {save.error !== null && <ProblemNote error={save.error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {isLocked ? COMMON.close : COMMON.cancel}
          </Button>
          {!isLocked && (
            <Button loading={save.isPending} onClick={submit}>
              {COMMON.save}
            </Button>
          )}
        </Group>
      </Stack>
    </Dialog>
  )
}

function Defined({ id, kind, name }: { id: string; kind: CapabilityKind; name: string }) {
  const { data, error } = useQuery(definitionQuery(id, kind === 'tools' ? 'tool' : 'prompt', name))
  if (error !== null) return <ProblemNote error={error} />
  return data === undefined ? <Waiting rows={4} /> : <Definition value={data} />
}

/** As the server said it, whole, and shown as text. */
export function Definition({ value }: { value: unknown }) {
  return (
    <Code block tabIndex={0} mah="20rem" style={{ overflow: 'auto' }}>
      <Foreign text={JSON.stringify(value, null, 2)} />
    </Code>
  )
}
