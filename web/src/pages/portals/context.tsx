/** How much of its tools a portal shows to a model, and what that costs for somebody. */
import { Button, Card, Group, Radio, Stack, Table, Text, TextInput, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import type { CODE_MODES, CONTEXT_MODES } from '../../../../src/contract/portal.ts'
import type { ShownContext } from '../../../../src/contract/shown-context.ts'
import { meQuery } from '../../api/me.ts'
import { contextQuery, PORTAL_READS, updatePortal } from '../../api/portals.ts'
import { Foreign } from '../../parts/foreign.tsx'
import { Mark } from '../../parts/mark.tsx'
import { ProblemNote, Waiting } from '../../parts/told.tsx'
import { useDeed } from '../../parts/use-deed.ts'
import { COMMON } from '../../words/common.ts'
import { PORTALS } from '../../words/portals.ts'
import type { TabProps } from './one.tsx'

const { context: SAYS } = PORTALS
const CHARS_A_TOKEN = 4

type CodeMode = (typeof CODE_MODES)[number]
type ContextMode = (typeof CONTEXT_MODES)[number]

export function PortalContext({ portal, lock }: TabProps) {
  const [optimize, setOptimize] = useState(portal.optimize_context)
  const [code, setCode] = useState(portal.code_mode)
  const save = useDeed(
    (body: { optimize_context: ContextMode; code_mode: CodeMode }) => updatePortal(portal.id, body),
    { reads: PORTAL_READS, done: SAYS.saved },
  )
  const isSame = optimize === portal.optimize_context && code === portal.code_mode
  return (
    <Stack gap="lg">
      <Text size="sm" c="dimmed">
        {SAYS.says}
      </Text>
      <Choice<ContextMode>
        title={SAYS.optimize}
        says={SAYS.optimizeSays}
        words={SAYS.modes}
        value={optimize}
        choose={setOptimize}
        isLocked={lock !== null}
      />
      <Choice<CodeMode>
        title={SAYS.code}
        says={SAYS.codeSays}
        words={SAYS.codes}
        value={code}
        choose={setCode}
        isLocked={lock !== null}
      />
      {save.error !== null && <ProblemNote error={save.error} />}
      {lock === null && (
        <Group>
          <Button
            disabled={isSame}
            loading={save.isPending}
            onClick={() => save.mutate({ optimize_context: optimize, code_mode: code })}
          >
            {COMMON.save}
          </Button>
        </Group>
      )}
      <Cost portal={portal} />
    </Stack>
  )
}

interface ChoiceProps<Mode extends string> {
  title: string
  says: string
  words: Readonly<Record<Mode, readonly [label: string, says: string]>>
  value: Mode
  choose(mode: Mode): void
  isLocked: boolean
}

function Choice<Mode extends string>({ title, says, words, value, choose, isLocked }: ChoiceProps<Mode>) {
  const modes = Object.entries(words) as [Mode, readonly [string, string]][]
  return (
    <Radio.Group
      label={title}
      description={says}
      value={value}
      onChange={(to) => {
        const [mode] = modes.find(([one]) => one === to) ?? []
        if (mode !== undefined) choose(mode)
      }}
    >
      <Stack gap="xs" mt="sm">
        {modes.map(([mode, [label, cost]]) => (
          <Radio key={mode} value={mode} label={label} description={cost} disabled={isLocked && mode !== value} />
        ))}
      </Stack>
    </Radio.Group>
  )
}

function Cost({ portal }: Pick<TabProps, 'portal'>) {
  const { data: me } = useQuery(meQuery)
  const [typed, setTyped] = useState<string | null>(null)
  const [user, setUser] = useState('')
  const { data, error, isFetching, isPlaceholderData } = useQuery(contextQuery(portal.id, user))
  const who = typed ?? (me?.kind === 'person' ? me.name : '')
  const look = (event: FormEvent) => {
    event.preventDefault()
    setUser(who)
  }
  return (
    <Card withBorder>
      <Title order={2} size="h4">
        {SAYS.cost}
      </Title>
      <Text size="sm" c="dimmed">
        {SAYS.costSays}
      </Text>
      <form onSubmit={look}>
        <Group align="flex-end" my="sm">
          <TextInput
            label={SAYS.who[0]}
            description={SAYS.who[1]}
            value={who}
            onChange={(event) => setTyped(event.currentTarget.value)}
            required
            w="min(24rem, 100%)"
          />
          <Button type="submit" variant="default" loading={isFetching}>
            {SAYS.look}
          </Button>
        </Group>
      </form>
      {user === '' ? null : error ? (
        <ProblemNote error={error} />
      ) : data === undefined || isPlaceholderData ? (
        <Waiting rows={4} />
      ) : (
        <Costs of={data} />
      )}
    </Card>
  )
}

function Costs({ of }: { of: ShownContext }) {
  return (
    <Stack gap="sm">
      {!of.may_enter && <Text size="sm">{SAYS.mayNot}</Text>}
      {of.modes.length > 0 && (
        <Table.ScrollContainer
          minWidth={320}
          scrollAreaProps={{ viewportProps: { tabIndex: 0, 'aria-label': SAYS.cost, role: 'group' } }}
        >
          <Table aria-label={SAYS.cost}>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{SAYS.columns.mode}</Table.Th>
                <Table.Th>{SAYS.columns.tools}</Table.Th>
                <Table.Th>{SAYS.columns.tokens}</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {of.modes.map(({ mode, tools, instructions, is_usual, is_offered }) => (
                <Table.Tr key={mode}>
                  <Table.Td>
                    {SAYS.shown[mode]} {is_usual && <Mark color="green">{SAYS.usual}</Mark>}
                    {!is_offered && <Mark>{SAYS.notOffered}</Mark>}
                  </Table.Td>
                  <Table.Td>{tools.length}</Table.Td>
                  <Table.Td>
                    {Math.ceil(
                      (instructions.length + JSON.stringify(tools.map(({ definition }) => definition)).length) /
                        CHARS_A_TOKEN,
                    ).toLocaleString('en')}
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
      {of.remarks.map((remark) => (
        <Text key={remark} size="sm" c="dimmed">
          <Foreign text={remark} />
        </Text>
      ))}
    </Stack>
  )
}
