/** The conversation of `docs/guides/code-mode.md`: what the agent writes, and what it really gets. */
import type { CallToolResult, Client } from '@modelcontextprotocol/client'
import { openRoom, type Room } from './room.ts'

export const QUERY = '?codemode=search_and_execute'

export interface Turn {
  /** For who reads the guide. */
  about: string
  tool: string
  input: Record<string, unknown>
  isError: boolean
  text: string
  /** What the agent's person was asked meanwhile. */
  asked: string[]
}

export interface AuditLine {
  deed: string
  parent: string
  capability: string
  outcome: string
  /** The policy that decided. */
  rule: string
}

export interface Conversation {
  /** The whole answer to `tools/list`. */
  tools: unknown[]
  /** The same without code mode. */
  usually: unknown[]
  turns: Turn[]
  /** Of the run that was asked about, in the order in which its deeds began. */
  audit: AuditLine[]
}

const SEARCH = 'portal_codemode_search'
const EXECUTE = 'portal_codemode_execute'
const APPROVED = 'notes_create_entities'
const LOGS = '/access/ai-controls/mcp/logs?phase=ended&plane=mcp&limit=1000'

type Step = Pick<Turn, 'about' | 'tool' | 'input'>

const code = (text: string) => ({ code: text.replace(/^\n|\n *$/g, '').replaceAll(/^ {6}/gm, '') })

/** @throws whatever the agent's client throws */
export async function converse(): Promise<Conversation> {
  const room = await openRoom()
  try {
    const [plain, agent] = [await room.connect(''), await room.connect(QUERY)]
    const { tools: usually } = await plain.listTools()
    const { tools } = await agent.listTools()
    const turns: Turn[] = []
    for (const step of STEPS) turns.push(await take(step, agent, room))
    return { tools, usually, turns, audit: await auditOf(room) }
  } finally {
    await room.close()
  }
}

async function take({ about, tool, input }: Step, agent: Client, { asked, plain, real }: Room): Promise<Turn> {
  const before = asked.length
  const { content, isError = false } = (await agent.callTool({ name: tool, arguments: real(input) })) as CallToolResult
  const text = content.map((block) => (block.type === 'text' ? block.text : `[${block.type}]`)).join('\n')
  const questions = asked.slice(before).map(({ message, url }) => plain(`${message}\n${url}`))
  return { about, tool, input, isError, text: plain(text), asked: questions }
}

interface Row {
  deed: string
  parent?: string
  capability: string
  outcome: string
  rule?: string
}

/** Of the run that asked, which is the last but one, and of all that was part of it. Deeds have ids; here they are numbered. */
async function auditOf({ portico, plain }: Room): Promise<AuditLine[]> {
  const rows = (await portico.api<Row[]>('GET', LOGS)).toSorted(byBegin)
  const from = rows.findIndex(({ deed }) => rows.some((row) => row.parent === deed && row.capability === APPROVED))
  const run = rows.slice(from, -1)
  const numbers = new Map(run.map(({ deed }, at) => [deed, String(at + 1)]))
  return run.map(({ deed, parent = '', capability, outcome, rule }) => ({
    deed: numbers.get(deed) ?? '',
    parent: numbers.get(parent) ?? '',
    capability: plain(capability),
    outcome,
    rule: rule ?? '',
  }))
}

/** What a process counts in its deeds' ids grows, and with it the text. */
function byBegin({ deed: one }: Row, { deed: other }: Row): number {
  return one.length - other.length || (one < other ? -1 : 1)
}

const STEPS: readonly Step[] = [
  {
    about:
      'Grace asks: *“Who was on call in November, and how often were they paged? Put it into our notes.”* The model knows no tool yet, and searches by plain words.',
    tool: SEARCH,
    input: { query: 'list and read text files', limit: 3 },
  },
  {
    about:
      'It tries where it thinks the folder is. What the tool says in failing is thrown in the code, and the model reads it.',
    tool: EXECUTE,
    input: code(`
      async () => codemode.files_read_text_file({ path: '/handovers/2026-11-02.md' })
    `),
  },
  {
    about:
      'Now it knows. It lists the folder, reads all files at once, and takes out of them what it was asked for: the files themselves never reach the model.',
    tool: EXECUTE,
    input: code(`
      async () => {
        const folder = '/srv/handovers'
        const listing = (await codemode.files_list_directory({ path: folder })).content
        const names = listing.match(/[0-9-]+[.]md/g).sort()
        const files = await Promise.all(
          names.map((name) => codemode.files_read_text_file({ path: folder + '/' + name })),
        )
        console.log(files.length, 'handovers read,', listing.includes('alerts.log') ? 'and there is alerts.log' : '')
        return files.map(({ content }, at) => ({
          week: names[at].slice(0, 10),
          who: /On call: (.+)/.exec(content)[1],
          pages: Number(/Pages: (.+)/.exec(content)[1]),
        }))
      }
    `),
  },
  {
    about:
      'It looks into the log, whole. That is more than a model should have to read, so the answer is cut, and says so.',
    tool: EXECUTE,
    input: code(`
      async () => (await codemode.files_read_text_file({ path: '/srv/handovers/alerts.log' })).content
    `),
  },
  {
    about: 'So it counts where the log is.',
    tool: EXECUTE,
    input: code(`
      async () => {
        const { content } = await codemode.files_read_text_file({ path: '/srv/handovers/alerts.log' })
        const pages = content.split('\\n').filter((line) => line.includes(' page '))
        return { pages: pages.length, services: [...new Set(pages.map((line) => line.split(' ')[1]))] }
      }
    `),
  },
  {
    about: 'For the notes it searches again, by a regular expression.',
    tool: SEARCH,
    input: { regex: '^notes_(create_entities|read)' },
  },
  {
    about:
      'A policy wants somebody else to agree to new notes. The code stands still in the midst of the run while Grace is asked; Ada opens the page and agrees, and the code goes on.',
    tool: EXECUTE,
    input: code(`
      async () => {
        await codemode.notes_create_entities({
          entities: [
            { name: 'Mara', entityType: 'person', observations: ['November: on call 2 weeks, paged 6 times'] },
            { name: 'Tomas', entityType: 'person', observations: ['November: on call 1 week, paged 11 times'] },
          ],
        })
        const { entities } = await codemode.notes_read_graph()
        return entities.map(({ name, observations }) => name + ': ' + observations.join(', '))
      }
    `),
  },
  {
    about:
      'Another policy says that the folder is only read. A tool that its caller may not use is no tool of theirs: no search finds it, and there is no such function.',
    tool: EXECUTE,
    input: code(`
      async () => codemode.files_write_file({ path: '/srv/handovers/alerts.log', content: '' })
    `),
  },
]
