/**
 * What the scripted agents are asked to do, and how a sensible model does it: what it looks for where it is not shown the tools, whom it
 * calls, what it has code do. Nothing here is chosen to flatter a mode: some of these are lost by code mode, and stand here for that.
 */
import { prose } from './answers.ts'

export interface ToolCall {
  /** As the portal lists it. */
  name: string
  input: Readonly<Record<string, unknown>>
}

/** Words for the search, and a tool that must be among what it finds; null where they are the wrong words, and find none of the task's. */
export interface Search {
  words: string
  finds: string | null
}

export interface Task {
  name: string
  /** What is asked for, and what makes it hard. */
  asks: string
  /** One after the other, where tools are found by searching. */
  searches: readonly Search[]
  /** Each round is one message of the model, with all calls that it can make at once. */
  rounds: readonly (readonly ToolCall[])[]
  /** The same in code mode: each is one message with one run. `fails`: as first tries do. */
  runs: readonly { code: string; fails?: true }[]
}

const ISSUE = { owner: 'acme', repo: 'portal' }
const THREAD = { channel_id: 'C0123456789', thread_ts: '1767258003.000100' }
const REPORT = prose(3, 600)
const numbers = (from: number, count: number) => Array.from({ length: count }, (_, at) => from + at)

export const TASKS: readonly Task[] = [
  {
    name: 'A known name',
    asks: 'One call, of a tool that the person named.',
    searches: [],
    rounds: [[{ name: 'memory_read_graph', input: {} }]],
    runs: [{ code: 'async () => codemode.memory_read_graph()' }],
  },
  {
    name: 'Look and call',
    asks: 'One call, of a tool that has to be found first.',
    searches: [{ words: 'create issue github', finds: 'github_create_issue' }],
    rounds: [[{ name: 'github_create_issue', input: { ...ISSUE, title: 'Cold cache', body: prose(1, 40) } }]],
    runs: [
      {
        code: `async () => (await codemode.github_create_issue({ owner: 'acme', repo: 'portal', title: 'Cold cache', body: '${prose(1, 40)}' })).number`,
      },
    ],
  },
  {
    name: 'Three in sequence',
    asks: 'Find a project, list its issues, comment on the first: each call needs what the one before it said.',
    searches: [
      { words: 'search projects gitlab', finds: 'gitlab_search_repositories' },
      { words: 'list issues, add note to issue gitlab', finds: 'gitlab_create_issue_note' },
    ],
    rounds: [
      [{ name: 'gitlab_search_repositories', input: { search: 'portal' } }],
      [{ name: 'gitlab_list_issues', input: { project_id: '71', scope: 'all', state: 'opened' } }],
      [{ name: 'gitlab_create_issue_note', input: { project_id: '71', issue_iid: '5', body: 'Looked at.' } }],
    ],
    runs: [
      {
        code: `async () => {
  const { items } = await codemode.gitlab_search_repositories({ search: 'portal' })
  const issues = await codemode.gitlab_list_issues({ project_id: String(items[0].id), scope: 'all', state: 'opened' })
  const note = await codemode.gitlab_create_issue_note({ project_id: String(items[0].id), issue_iid: String(issues[0].iid), body: 'Looked at.' })
  return { project: items[0].name, issue: issues[0].title, note: note.id }
}`,
      },
    ],
  },
  {
    name: 'Ten at once, some matter',
    asks: 'Read ten issues at once and name those that are bugs. What they look like has to be seen first, in code.',
    searches: [{ words: 'get issue details github', finds: 'github_get_issue' }],
    rounds: [numbers(1, 10).map((issue_number) => ({ name: 'github_get_issue', input: { ...ISSUE, issue_number } }))],
    runs: [
      { code: "async () => codemode.github_get_issue({ owner: 'acme', repo: 'portal', issue_number: 1 })" },
      {
        code: `async () => {
  const numbers = Array.from({ length: 10 }, (_, i) => i + 1)
  const issues = await Promise.all(numbers.map((issue_number) => codemode.github_get_issue({ owner: 'acme', repo: 'portal', issue_number })))
  return issues.filter((i) => i.labels.some((l) => l.name === 'bug')).map((i) => [i.number, i.title])
}`,
      },
    ],
  },
  {
    name: 'One field of much',
    asks: 'Which files does a pull request add? The answer has forty, each with its patch.',
    searches: [{ words: 'pull request files github', finds: 'github_get_pull_request_files' }],
    rounds: [[{ name: 'github_get_pull_request_files', input: { ...ISSUE, pull_number: 12 } }]],
    runs: [
      {
        code: `async () => {
  const files = await codemode.github_get_pull_request_files({ owner: 'acme', repo: 'portal', pull_number: 12 })
  return files.filter((f) => f.status === 'added').map((f) => f.filename)
}`,
      },
    ],
  },
  {
    name: 'A wrong first search',
    asks: 'Run the failed workflow again: the first words that come to mind find something else.',
    searches: [
      { words: 'try CI again', finds: null },
      { words: 'rerun workflow', finds: 'circleci_rerun_workflow' },
    ],
    rounds: [
      [{ name: 'circleci_rerun_workflow', input: { params: { workflowId: 'a12145c5-90f8-4cc9-98f2-36cb85db9e4b' } } }],
    ],
    runs: [
      {
        code: "async () => codemode.circleci_rerun_workflow({ params: { workflowId: 'a12145c5-90f8-4cc9-98f2-36cb85db9e4b' } })",
      },
    ],
  },
  {
    name: 'Fifty in a loop',
    asks: 'Add up the weights of fifty issues. Elsewhere than in code, all fifty calls are made in one message.',
    searches: [{ words: 'get issue details gitlab', finds: 'gitlab_get_issue' }],
    rounds: [
      numbers(1, 50).map((iid) => ({ name: 'gitlab_get_issue', input: { project_id: '71', issue_iid: String(iid) } })),
    ],
    runs: [
      { code: "async () => codemode.gitlab_get_issue({ project_id: '71', issue_iid: '1' })" },
      {
        code: `async () => {
  let sum = 0
  for (let iid = 1; iid <= 50; iid++) sum += (await codemode.gitlab_get_issue({ project_id: '71', issue_iid: String(iid) })).weight
  return sum
}`,
      },
    ],
  },
  {
    name: 'Code that fails first',
    asks: 'Which pod does not run? The first code guesses at what comes back, and guesses wrong.',
    searches: [{ words: 'kubectl get pods', finds: 'kubernetes_kubectl_get' }],
    rounds: [[{ name: 'kubernetes_kubectl_get', input: { resourceType: 'pods', namespace: 'default' } }]],
    runs: [
      {
        code: "async () => (await codemode.kubernetes_kubectl_get({ resourceType: 'pods', namespace: 'default' })).items.filter((p) => p.status.phase !== 'Running').map((p) => p.metadata.name)",
        fails: true,
      },
      {
        code: "async () => (await codemode.kubernetes_kubectl_get({ resourceType: 'pods', namespace: 'default' })).items[0]",
      },
      {
        code: "async () => (await codemode.kubernetes_kubectl_get({ resourceType: 'pods', namespace: 'default' })).items.filter((p) => p.status !== 'Running').map((p) => p.name)",
      },
    ],
  },
  {
    name: 'A long text to write',
    asks: 'Write a report of six hundred words into a file: the text is written by the model, however the tool is called.',
    searches: [{ words: 'write file', finds: 'filesystem_write_file' }],
    rounds: [[{ name: 'filesystem_write_file', input: { path: '/tmp/report.md', content: REPORT } }]],
    runs: [{ code: `async () => codemode.filesystem_write_file({ path: '/tmp/report.md', content: '${REPORT}' })` }],
  },
  {
    name: 'A word to a channel',
    asks: 'One trivial call. Where little else is there, looking for the tool costs more than being shown it.',
    searches: [{ words: 'post message to channel', finds: 'slack_slack_post_message' }],
    rounds: [[{ name: 'slack_slack_post_message', input: { channel_id: 'C0123456789', text: 'Done.' } }]],
    runs: [{ code: "async () => codemode.slack_slack_post_message({ channel_id: 'C0123456789', text: 'Done.' })" }],
  },
  {
    name: 'Judged in between',
    asks: 'Read a channel, read one of its threads, answer it, mark it: the model itself has to read each result before it goes on.',
    searches: [
      { words: 'channel history, thread replies, reply, reaction slack', finds: 'slack_slack_get_thread_replies' },
    ],
    rounds: [
      [{ name: 'slack_slack_get_channel_history', input: { channel_id: 'C0123456789', limit: 10 } }],
      [{ name: 'slack_slack_get_thread_replies', input: THREAD }],
      [{ name: 'slack_slack_reply_to_thread', input: { ...THREAD, text: 'It is the lock file.' } }],
      [
        {
          name: 'slack_slack_add_reaction',
          input: { channel_id: 'C0123456789', timestamp: THREAD.thread_ts, reaction: 'eyes' },
        },
      ],
    ],
    runs: [
      { code: "async () => codemode.slack_slack_get_channel_history({ channel_id: 'C0123456789', limit: 10 })" },
      {
        code: "async () => codemode.slack_slack_get_thread_replies({ channel_id: 'C0123456789', thread_ts: '1767258003.000100' })",
      },
      {
        code: `async () => {
  const at = { channel_id: 'C0123456789', thread_ts: '1767258003.000100' }
  await codemode.slack_slack_reply_to_thread({ ...at, text: 'It is the lock file.' })
  return codemode.slack_slack_add_reaction({ channel_id: at.channel_id, timestamp: at.thread_ts, reaction: 'eyes' })
}`,
      },
    ],
  },
]

/** Whether all that it calls is behind the portal. */
export function isWithin(task: Task, servers: ReadonlySet<string>): boolean {
  return toolsOf(task).every((name) => servers.has(name.slice(0, name.indexOf('_'))))
}

/** Public names. */
export function toolsOf({ rounds }: Task): string[] {
  return rounds.flatMap((round) => round.map(({ name }) => name))
}
