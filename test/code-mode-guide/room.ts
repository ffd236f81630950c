/**
 * What the conversation in `docs/guides/code-mode.md` is had with: `examples/code-mode/portico.yaml` as the program reads it, its servers
 * from npm, a folder with handovers in it, an agent behind the official SDK, and a person who approves what it asks for.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { NODE } from '../peers/servers.ts'
import { Person } from '../person.ts'
import { type PorticoProcess, startPorticoProcess } from '../portico-process.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const EXAMPLE = join(ROOT, 'examples', 'code-mode', 'portico.yaml')
const ADA = { email: 'ada@example.com', password: 'seven blue otters swim' }
/** Where the guide says that the handovers are. */
const FOLDER = '/srv/handovers'
const MCP = '/access/ai-controls/mcp'

export interface Room {
  portico: PorticoProcess
  /** An agent of Grace's, by the portal's URL with this query. */
  connect(query: string): Promise<Client>
  /** What Grace was asked. Each time she passes it on to Ada, who agrees. */
  asked: readonly Asked[]
  /** As the guide shows it: addresses, folders and ids of this run are those of the example. */
  plain(text: string): string
  /** What the guide shows, as it is in this run. */
  real(input: Record<string, unknown>): Record<string, unknown>
  close(): Promise<void>
}

interface Asked {
  message: string
  url: string
}

export async function openRoom(): Promise<Room> {
  const home = await mkdtemp(join(tmpdir(), 'portico-guide-'))
  const folder = join(home, 'handovers')
  await writeHandovers(folder)
  const portico = await startPorticoProcess({
    ...{ PORTICO_CONFIG: EXAMPLE, HANDOVERS: folder, GRAPH: join(home, 'graph.jsonl') },
    PATH: [await npxIn(home), process.env.PATH].join(delimiter),
    ...{ PORTICO_BOOTSTRAP_ADMIN_EMAIL: ADA.email, PORTICO_BOOTSTRAP_ADMIN_PASSWORD: ADA.password },
  })
  const agents: Client[] = []
  const close = async () => {
    for (const agent of agents) await agent.close()
    await portico.end('SIGTERM')
    await portico.remove()
    await rm(home, { recursive: true, force: true })
  }
  try {
    for (const id of ['files', 'notes']) await portico.api('POST', `${MCP}/servers/${id}/sync`)
    const who = { email: 'grace@example.com', portal: 'oncall' }
    const { token } = await portico.api<{ token: string }>('POST', '/tokens/access', who)
    const [ada, asked]: [Person, Asked[]] = [await signIn(portico.url), []]
    const connect = async (query: string) => {
      const agent = agentOf(ada, asked)
      agents.push(agent)
      const requestInit = { headers: { Authorization: `Bearer ${token}` } }
      const url = new URL(`${portico.url}/mcp${query}`)
      await agent.connect(new StreamableHTTPClientTransport(url, { requestInit }))
      return agent
    }
    const real: Room['real'] = (input) => JSON.parse(JSON.stringify(input).replaceAll(FOLDER, folder))
    return { portico, connect, asked, plain: plainly(portico.url, folder), real, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** The packages are those of this repository: a conversation is the same with and without a registry. @returns where it lies */
async function npxIn(home: string): Promise<string> {
  const folder = join(home, 'bin')
  await mkdir(folder)
  const script = `#!/bin/sh\nshift\nname=\${1%@*}\nshift\nexec "${NODE}" "${ROOT}node_modules/$name/dist/index.js" "$@"\n`
  await writeFile(join(folder, 'npx'), script, { mode: 0o755 })
  return folder
}

function agentOf(ada: Person, asked: Asked[]): Client {
  const agent = new Client(
    { name: 'agent', version: '1.0.0' },
    { capabilities: { elicitation: { url: {} } }, versionNegotiation: { mode: { pin: '2026-07-28' } } },
  )
  agent.setRequestHandler('elicitation/create', async ({ params }) => {
    const { message, url } = params as Asked
    if (asked.every((one) => one.url !== url)) {
      asked.push({ message, url })
      await agree(ada, url)
    }
    return { action: 'accept' }
  })
  return agent
}

async function signIn(url: string): Promise<Person> {
  const person = new Person(url)
  const page = await person.submit(await person.open(`${url}/sign-in`), '/sign-in/local', ADA)
  if (page.status !== 200) throw new Error(`Ada was not signed in: ${page.url} says ${page.status}`)
  return person
}

async function agree(person: Person, url: string): Promise<void> {
  const done = await person.submit(await person.open(url), new URL(url).pathname, { word: 'approve' })
  if (done.status !== 200) throw new Error(`Ada could not agree: ${done.url} says ${done.status}`)
}

async function writeHandovers(folder: string): Promise<void> {
  await mkdir(folder)
  const weeks = [
    ['2026-11-02', 'Mara', 4],
    ['2026-11-09', 'Tomas', 11],
    ['2026-11-16', 'Mara', 2],
  ] as const
  for (const [day, who, pages] of weeks)
    await writeFile(join(folder, `${day}.md`), `# Week of ${day}\n\nOn call: ${who}\nPages: ${pages}\n`)
  const alerts = Array.from({ length: 900 }, (_, at) => {
    const [service, level] = at % 54 === 0 ? ['ledger', 'page'] : ['web', 'warn']
    return `2026-11-${String(2 + Math.floor(at / 45)).padStart(2, '0')} ${service} ${level} latency above ${200 + (at % 90)} ms\n`
  })
  await writeFile(join(folder, 'alerts.log'), alerts.join(''))
}

function plainly(url: string, folder: string): Room['plain'] {
  return (text) =>
    text
      .replaceAll(folder, FOLDER)
      .replaceAll(url, 'https://mcp.example.com')
      .replaceAll(/\/approve\/[\w-]+/g, '/approve/01m80dxa7jg2mdkn7kk4a0a9k9')
      .replaceAll(/approval-[0-9a-f]+/g, 'approval-79b621fe')
}
