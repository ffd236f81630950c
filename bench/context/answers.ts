/**
 * What the servers answer when they are called. The definitions are the real servers', but behind them stand accounts that nobody has
 * here, so these answers are written: in the fields and at about the length that those services answer with, and the same each time.
 */
import type { JsonObject } from '../../src/protocol/model.ts'

type Answer = (input: JsonObject) => unknown

const WORDS = (
  'the build fails on main when the cache is cold and the second worker starts before the first has written its lock file so the ' +
  'test that reads it finds nothing and waits until its limit we saw it on three machines this week and never with one worker'
).split(' ')

const ANSWERS: Readonly<Record<string, Answer>> = {
  memory_read_graph: () => ({
    entities: [
      { type: 'entity', name: 'Ada', entityType: 'person', observations: ['works on the portal', 'prefers mornings'] },
      { type: 'entity', name: 'Portal', entityType: 'project', observations: ['is released each month'] },
    ],
    relations: [{ type: 'relation', from: 'Ada', to: 'Portal', relationType: 'maintains' }],
  }),
  github_create_issue: ({ title = '' }) => ({ ...githubIssue(4711), title }),
  github_get_issue: ({ issue_number: number }) => githubIssue(Number(number)),
  github_get_pull_request_files: () => Array.from({ length: 40 }, (_, at) => changedFile(at)),
  gitlab_search_repositories: () => ({ count: 3, items: [project(71), project(72), project(73)] }),
  gitlab_list_issues: () => [gitlabIssue(5), gitlabIssue(6), gitlabIssue(9)],
  gitlab_get_issue: ({ issue_iid: iid }) => gitlabIssue(Number(iid)),
  gitlab_create_issue_note: ({ body = '' }) => ({
    id: 90210,
    body,
    author: person(3),
    created_at: day(20),
    system: false,
  }),
  kubernetes_kubectl_get: () => ({ items: Array.from({ length: 60 }, (_, at) => pod(at)) }),
  circleci_rerun_workflow: () =>
    'New workflowId: 8d2f6a8e-58f3-4d51-a3f0-2a3d1b7f6c11 and View it on CircleCI in the web app',
  filesystem_write_file: ({ path = '' }) => `Successfully wrote to ${path}`,
  slack_slack_add_reaction: () => ({ ok: true }),
  slack_slack_get_channel_history: () => ({
    ok: true,
    messages: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map(message),
    has_more: true,
  }),
  slack_slack_get_thread_replies: () => ({ ok: true, messages: [3, 11, 12, 13].map(message), has_more: false }),
  slack_slack_post_message: ({ channel_id: channel = '' }) => ({ ok: true, channel, ts: '1767258000.000100' }),
  slack_slack_reply_to_thread: ({ text = '' }) => ({
    ok: true,
    ts: '1767258099.000100',
    message: { ...message(20), text },
  }),
}

/** @param name as the portal has it @throws Error for a tool that no task calls */
export function answerOf(name: string, input: JsonObject = {}): string {
  const answer = ANSWERS[name]
  if (answer === undefined) throw new Error(`no task calls ${name}`)
  const value = answer(input)
  return typeof value === 'string' ? value : JSON.stringify(value, null, 2)
}

/** Some words of a text that goes on and on, another part of it for each number. */
export function prose(from: number, length: number): string {
  return Array.from({ length }, (_, at) => WORDS[(from * 7 + at) % WORDS.length]).join(' ')
}

function githubIssue(number: number): JsonObject {
  const url = `https://api.github.com/repos/acme/portal/issues/${number}`
  return {
    ...{ url, html_url: `https://github.com/acme/portal/issues/${number}`, id: 2_400_000_000 + number, number },
    ...{
      node_id: `I_kwDOH${number}aBcDeF`,
      title: prose(number, 8),
      user: person(number % 5),
      state: 'open',
      locked: false,
    },
    labels: [
      {
        id: 1,
        name: number % 3 === 0 ? 'bug' : 'question',
        color: 'd73a4a',
        default: true,
        description: prose(number, 5),
      },
    ],
    ...{ assignee: null, assignees: [], milestone: null, comments: number % 7 },
    ...{ created_at: day(number), updated_at: day(number + 1), closed_at: null, body: prose(number, 120) },
  }
}

function changedFile(at: number): JsonObject {
  const filename = `src/part-${at}/index.ts`
  const patch = Array.from(
    { length: 12 },
    (_, line) => `${line % 3 === 0 ? '+' : ' '}const value${line} = '${prose(at + line, 6)}'`,
  )
  return {
    ...{
      sha: `bbcd538c8e72b8c175046e27cc8f907076331${100 + at}`,
      filename,
      status: at % 4 === 0 ? 'added' : 'modified',
    },
    ...{ additions: 4 + at, deletions: at % 5, changes: 4 + at + (at % 5) },
    ...{
      blob_url: `https://github.com/acme/portal/blob/6dcb09b/${filename}`,
      raw_url: `https://github.com/acme/portal/raw/6dcb09b/${filename}`,
    },
    patch: `@@ -1,8 +1,12 @@\n${patch.join('\n')}`,
  }
}

function project(id: number): JsonObject {
  const path = `acme/portal-${id}`
  return {
    ...{ id, name: `portal-${id}`, path_with_namespace: path, visibility: 'private', default_branch: 'main' },
    ...{
      description: prose(id, 20),
      web_url: `https://gitlab.com/${path}`,
      star_count: id,
      created_at: day(id),
      last_activity_at: day(id + 3),
    },
  }
}

function gitlabIssue(iid: number): JsonObject {
  return {
    ...{ id: 76_000 + iid, iid, project_id: '71', title: prose(iid, 7), description: prose(iid, 60), state: 'opened' },
    ...{
      created_at: day(iid),
      updated_at: day(iid + 2),
      labels: [iid % 2 === 0 ? 'backend' : 'frontend'],
      author: person(iid % 4),
    },
    ...{
      assignees: [person(iid % 3)],
      due_date: null,
      weight: (iid % 5) + 1,
      web_url: `https://gitlab.com/acme/portal-71/-/issues/${iid}`,
    },
    time_stats: { time_estimate: 0, total_time_spent: 600 * iid, human_total_time_spent: null },
  }
}

function pod(at: number): JsonObject {
  const status = at === 41 ? 'CrashLoopBackOff' : 'Running'
  return { name: `portal-${at}-6d4cf56db6`, namespace: 'default', kind: 'Pod', status, createdAt: day(at) }
}

function message(at: number): JsonObject {
  const ts = `${1_767_258_000 + at}.000100`
  return {
    type: 'message',
    user: `U0${at % 5}ABCDEF`,
    text: prose(at, 25),
    ts,
    thread_ts: ts,
    reply_count: at % 4,
    team: 'T00000000',
  }
}

function person(at: number): JsonObject {
  const login = ['ada', 'ben', 'cleo', 'dan', 'eve'][at % 5] ?? 'ada'
  return {
    login,
    id: 1000 + at,
    avatar_url: `https://avatars.example.com/u/${1000 + at}`,
    type: 'User',
    site_admin: false,
  }
}

function day(at: number): string {
  return new Date(Date.UTC(2026, 0, 1 + (at % 300), 9, at % 60)).toISOString()
}
