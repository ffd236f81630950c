/** A server by the command that starts it. Where the portal does not let a browser do that, the same as a command line and as YAML. */
import { Button, Stack, Text, Textarea, TextInput, Title } from '@mantine/core'
import { useNavigate } from '@tanstack/react-router'
import { type FormEvent, useState } from 'react'
import type { StdioTransportInput } from '../../../../src/contract/server.ts'
import { Problem } from '../../api/ask.ts'
import { createServer } from '../../api/servers.ts'
import { Copyable } from '../../parts/copy.tsx'
import { ProblemNote } from '../../parts/told.tsx'
import { useDeed } from '../../parts/use-deed.ts'
import { NEW_SERVER as SAYS } from '../../words/servers.ts'
import { envOf, linesOf } from './env.ts'
import { NameFields, useNamed } from './named.tsx'

interface Described {
  id: string
  name: string
  transport: StdioTransportInput
}

const quoted = (text: string): string => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`)

/** What does the same in a shell; the values of the environment are left out. */
export function commandLine({ id, name, transport }: Described): string {
  const { command, args = [], env = {} } = transport
  const flags = [...['--id', id], ...Object.keys(env).flatMap((variable) => ['--env', `${variable}=…`])]
  return ['portico', 'servers', 'add', name, ...flags, '--', command, ...args].map(quoted).join(' ')
}

/** The same for the configuration file: JSON is YAML, so what is quoted is quoted right. */
export function yamlOf({ id, name, transport }: Described): string {
  const { command, args = [], env = {}, cwd } = transport
  const text = (value: unknown): string => JSON.stringify(value)
  return [
    'servers:',
    `  - id: ${text(id)}`,
    `    name: ${text(name)}`,
    `    hostname: ${text(`stdio://${id}`)}`,
    '    auth_type: unauthenticated',
    '    transport:',
    '      type: stdio',
    `      command: ${text(command)}`,
    ...(args.length === 0 ? [] : [`      args: [${args.map(text).join(', ')}]`]),
    ...(cwd === undefined ? [] : [`      cwd: ${text(cwd)}`]),
    ...(Object.keys(env).length === 0 ? [] : ['      env:']),
    ...Object.keys(env).map((variable) => `        ${variable}: …`),
  ].join('\n')
}

export function NewByCommand() {
  const navigate = useNavigate()
  const [command, setCommand] = useState('')
  const [args, setArgs] = useState('')
  const [env, setEnv] = useState('')
  const [cwd, setCwd] = useState('')
  const named = useNamed(command.split('/').at(-1) ?? '')
  const create = useDeed(createServer, {
    reads: [['servers']],
    after: ({ id }) => void navigate({ to: '/servers/$id', params: { id } }),
  })
  const described: Described = {
    ...{ id: named.id, name: named.name },
    transport: {
      ...{ type: 'stdio', command, args: linesOf(args), env: envOf(env) },
      ...(cwd === '' ? {} : { cwd }),
    },
  }
  const submit = (event: FormEvent) => {
    event.preventDefault()
    create.mutate({ ...described, hostname: `stdio://${named.id}`, auth_type: 'unauthenticated' })
  }
  const problem = create.error instanceof Problem ? create.error : null
  return (
    <form onSubmit={submit}>
      <Stack>
        <TextInput
          label={SAYS.command}
          description={SAYS.commandSays}
          required
          value={command}
          onChange={({ currentTarget }) => setCommand(currentTarget.value)}
          error={problem?.at('transport.command')}
        />
        <Textarea
          label={SAYS.args}
          description={SAYS.argsSays}
          autosize
          minRows={2}
          value={args}
          onChange={({ currentTarget }) => setArgs(currentTarget.value)}
          error={problem?.at('transport.args')}
        />
        <Textarea
          label={SAYS.env}
          description={SAYS.envSays}
          autosize
          minRows={2}
          value={env}
          onChange={({ currentTarget }) => setEnv(currentTarget.value)}
          error={problem?.at('transport.env')}
        />
        <TextInput
          label={SAYS.cwd}
          description={SAYS.cwdSays}
          value={cwd}
          onChange={({ currentTarget }) => setCwd(currentTarget.value)}
          error={problem?.at('transport.cwd')}
        />
        <NameFields named={named} error={create.error} />
        {create.error !== null && <ProblemNote error={create.error} />}
        {problem?.status === 403 && <Instead described={described} />}
        <Button type="submit" loading={create.isPending} style={{ alignSelf: 'flex-start' }}>
          {SAYS.create}
        </Button>
      </Stack>
    </form>
  )
}

function Instead({ described }: { described: Described }) {
  return (
    <Stack gap="xs">
      <Title order={2} size="h4">
        {SAYS.instead}
      </Title>
      <Text size="sm">{SAYS.insteadSays}</Text>
      <Copyable text={commandLine(described)} label={SAYS.instead} />
      <Text size="sm">{SAYS.orFile}</Text>
      <Copyable text={yamlOf(described)} label={SAYS.orFile} />
      {Object.keys(described.transport.env ?? {}).length > 0 && <Text size="sm">{SAYS.envHidden}</Text>}
    </Stack>
  )
}
