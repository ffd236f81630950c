/**
 * The one table of limits: what is limited, how much, what happens where it is reached, and the test that shows it. The
 * rooms take their numbers from here, the settings and the reference page are made from here, so none of them can say
 * anything else. A row without a test fails the build (`test/limits.test.ts`).
 *
 * A row with `least` and `most` is a setting, `limits.<name>`. Every other row is fixed. What a limit protects is a
 * process: with several replicas each has its own, except where a row says otherwise.
 */

export const KIB = 1024
export const MIB = 1024 * 1024
const GIB = 1024 * MIB
const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** How a number is to be read; `count` has no unit. */
export type Unit = 'bytes' | 'ms' | 'count'

export interface Limit {
  what: string
  value: number
  unit: Unit
  /** What the one who reached it sees. */
  reached: string
  /** Where it can be set, if not as `limits.<name>`; `servers[]` is a field of each server. */
  setting?: string
  least?: number
  most?: number
  /** File and title of the test; `…` stands for a part of the title that the source fills in. */
  proof: readonly [file: string, title: string]
}

const JOURNEY = 'test/journeys/limits.test.ts'
const STRICT = 'test/journeys/strict.test.ts'
const LISTENER = 'src/http/server.test.ts'
const UPSTREAM = 'src/upstream/http.test.ts'
const SESSIONS = 'src/portal/sessions.test.ts'
const STDIO = 'src/upstream/stdio.test.ts'
const QUESTIONS = 'src/upstream/questions.test.ts'
const SYNC = 'src/upstream/sync.test.ts'
const CONFINEMENT = 'src/upstream/confinement.test.ts'
const RENDER = 'src/portal/render.test.ts'
const INTRODUCE = 'src/portal/introduce.test.ts'
const CONNECTING = 'test/journeys/connect-at-call.test.ts'
const SUBSCRIPTIONS = 'test/journeys/subscriptions-allowed.test.ts'
const KEPT = 'src/http/kept-streams.test.ts'
const LIVE_LOG = 'src/admin/log-stream.test.ts'
const APPROVALS = 'src/portal/approval-store.test.ts'
const SEARCHES = 'src/portal/context/find-tools.test.ts'
const PATTERNS = 'src/portal/context/tool-pattern.test.ts'
const SANDBOX_ABUSE = 'test/sandbox/abuse.test.ts'
const SANDBOX_BUDGETS = 'test/sandbox/budgets.test.ts'
const SANDBOX_POOL = 'test/sandbox/pool.test.ts'
const SANDBOX_WALLS = 'test/sandbox/walls.test.ts'

export const LIMITS = {
  // What a client sends.
  body: {
    what: 'One message to `/mcp`',
    value: 4 * MIB,
    unit: 'bytes',
    reached: '413; nothing of it is parsed',
    proof: [JOURNEY, 'a message over 4 MiB is 413, and one of 4 MiB is read'],
  },
  depth: {
    what: 'Levels of nesting in a message, of clients and of servers',
    value: 64,
    unit: 'count',
    reached: '400 with -32600; an answer of a server is refused',
    proof: [JOURNEY, 'a message of more than 64 levels is 400, and one of 64 is read'],
  },
  members: {
    what: 'Members of one object in a message of a client',
    value: 10_000,
    unit: 'count',
    reached: '400 with -32600',
    proof: [JOURNEY, 'an object of more than 10,000 members is 400, and one of 10,000 is read'],
  },
  batch: {
    what: 'Members of one batch (2025-03-26)',
    value: 20,
    unit: 'count',
    reached: '400 with -32600; no member is carried out',
    proof: [STRICT, 'a batch of 2025-03-26 is answered member by member, each a deed of its own'],
  },
  header_bytes: {
    what: 'The head of one request',
    value: 16 * KIB,
    unit: 'bytes',
    reached: '431; the connection is closed',
    proof: [JOURNEY, 'a head over 16 KiB is 431, and the connection ends'],
  },
  header_time: {
    what: 'From the first byte of a request to the end of its head',
    value: 10 * SECOND,
    unit: 'ms',
    reached: '408; the connection is closed',
    proof: [LISTENER, 'a head that does not come to its end is 408'],
  },
  request_time: {
    what: 'From the first byte of a request to the last one of its body',
    value: 30 * SECOND,
    unit: 'ms',
    reached: '408; the connection is closed',
    proof: [LISTENER, 'a body that does not come to its end is 408, and nothing is called'],
  },
  connections: {
    what: 'Connections of clients at one time',
    value: 10_000,
    unit: 'count',
    least: 10,
    most: 1_000_000,
    reached: 'a further connection is closed at once',
    proof: [LISTENER, 'a connection over the limit is closed at once, and the others go on'],
  },
  connections_per_address: {
    what: 'Connections of one client address at one time; this machine and trusted proxies are not counted',
    value: 1024,
    unit: 'count',
    least: 1,
    most: 1_000_000,
    reached: 'a further connection of that address is closed at once',
    proof: [LISTENER, 'an address that has as many connections as it may gets no more until one of them ends'],
  },
  pipelined: {
    what: 'Requests that wait behind one another on one connection',
    value: 16,
    unit: 'count',
    reached: 'the connection is closed',
    proof: [LISTENER, 'requests that are sent ahead wait in order, and a connection with too many is closed'],
  },
  streams: {
    what: 'Open event streams of all callers (GET streams of 2025, `subscriptions/listen` of 2026)',
    value: 1024,
    unit: 'count',
    least: 1,
    most: 1_000_000,
    reached: '503 with `Retry-After`; calls go on',
    proof: [JOURNEY, 'where the process has all the streams it may, the next is 503 and calls go on'],
  },
  streams_per_principal: {
    what: 'Open event streams of one caller, whatever tokens and sessions it has',
    value: 32,
    unit: 'count',
    least: 1,
    most: 1_000_000,
    reached: '429 with `Retry-After`; its calls and all others go on',
    proof: [JOURNEY, 'a caller with all the streams it may have gets 429, by whatever token, and others get theirs'],
  },
  unread_per_stream: {
    what: 'Bytes of one event stream, its answer apart, that wait for its reader',
    value: MIB,
    unit: 'bytes',
    reached: 'the stream is cut',
    proof: [JOURNEY, 'a reader that takes nothing of 100 MiB of notifications is cut off, and memory stays bounded'],
  },
  unread_per_principal: {
    what: 'Bytes of all answers to one caller that wait for their readers',
    value: 64 * MIB,
    unit: 'bytes',
    reached: '429 with `Retry-After` to every further request, until they are read',
    proof: [JOURNEY, 'a caller that leaves answers unread gets no more until it reads, and others do'],
  },
  reader_silence: {
    what: 'How long a reader may take nothing of what waits for it',
    value: MINUTE,
    unit: 'ms',
    reached: 'the connection is cut',
    proof: ['src/http/streams.test.ts', 'a reader that takes nothing for too long is cut off'],
  },
  kept_stream_bytes: {
    what: 'What is kept of one call that streams, for a client of 2025-11-25 whose connection breaks',
    value: 512 * KIB,
    unit: 'bytes',
    reached:
      'progress and log lines go first; where the rest is too much, the stream cannot be taken up again: the call goes on, and who comes back is told that its end is not known',
    proof: [KEPT, 'of what was said too much of, the oldest notes go, and what its client must have stays'],
  },
  kept_streams_per_principal: {
    what: 'Streams of calls of one caller that can be taken up again',
    value: 16,
    unit: 'count',
    reached: 'one that has ended gives way, else the next call streams without ids',
    proof: [KEPT, 'a caller has so many that can be taken up, and of the next nothing is kept'],
  },
  kept_streams_bytes: {
    what: 'What is kept of all streams of calls',
    value: 64 * MIB,
    unit: 'bytes',
    reached: 'those that have ended give way, the oldest first; then nothing more is kept of the one that grows',
    proof: [KEPT, 'all of them together keep so much, and those that have ended give way'],
  },
  kept_stream_time: {
    what: 'How long a stream of a call is kept for its client, whose connection broke or who has its answer',
    value: 5 * MINUTE,
    unit: 'ms',
    reached: 'it is forgotten; a question on it is over, the call goes on to its end or its time limit',
    proof: [KEPT, 'what nobody comes back for is forgotten, and who waited there is told'],
  },
  stream_tries: {
    what: 'How often a client that takes up a stream is sent on, where another replica may have it',
    value: 10,
    unit: 'count',
    reached: 'it is told that the end of its call is not known',
    proof: [KEPT, 'who asks the wrong replica is sent on, so often and no more'],
  },
  live_logs: {
    what: 'Live logs and exports of the audit that are open at one time',
    value: 64,
    unit: 'count',
    reached: '503, with what to do',
    proof: [LIVE_LOG, 'all operators together hold so many open, and no more'],
  },
  live_logs_per_operator: {
    what: 'The same, of one operator or API token',
    value: 6,
    unit: 'count',
    reached: 'the same',
    proof: [LIVE_LOG, 'one operator holds so many open, and no more'],
  },
  sessions_per_principal: {
    what: 'Sessions of one caller, over all replicas (clients of 2025)',
    value: 100,
    unit: 'count',
    least: 1,
    most: 1_000_000,
    reached:
      'the least recently used one ends, with its stream; its next request is 404, and its client shakes hands again',
    proof: [
      'test/journeys/sessions.test.ts',
      'a caller with one session too many loses the least recently used one, and its stream',
    ],
  },
  session_idle: {
    what: 'A session that nobody uses',
    value: 24 * HOUR,
    unit: 'ms',
    reached: 'it ends; its next request is 404',
    proof: [SESSIONS, 'a session that was idle for a day is gone, and one that was used is not'],
  },
  session_age: {
    what: 'A session, used or not',
    value: 7 * DAY,
    unit: 'ms',
    reached: 'it ends; its next request is 404',
    proof: [SESSIONS, 'no session lives longer than a week, used or not'],
  },
  answer_time: {
    what: 'How long a question to a person may wait for its answer. For the questions of each server, 1 s to 1 h',
    value: 10 * MINUTE,
    unit: 'ms',
    setting: 'servers[].relay.answer_time',
    reached: 'nothing is done; the call says that nobody answered, or that the question has to be asked again',
    proof: ['src/http/inquiries.test.ts', 'a question that nobody answers in its time is over'],
  },
  parked: {
    what: 'Calls of clients of 2026 that wait, between two requests, for the answer to a question of a server of 2024 or 2025',
    value: 1000,
    unit: 'count',
    reached: 'the next question of such a server is not put; the server is told so',
    proof: ['src/portal/parks.test.ts', 'a process keeps so many calls, and a caller fewer'],
  },
  parked_per_principal: {
    what: 'The same, of one caller',
    value: 16,
    unit: 'count',
    reached: 'the same',
    proof: ['src/portal/parks.test.ts', 'a process keeps so many calls, and a caller fewer'],
  },
  resource_subscriptions: {
    what: 'Resources that one session of 2025, or one `subscriptions/listen` of 2026, hears of',
    value: 200,
    unit: 'count',
    reached: 'a session gets an error; of a `subscriptions/listen` the first ones are acknowledged',
    proof: [SUBSCRIPTIONS, 'a session has so many subscriptions and no more, and a listener its first ones'],
  },
  subscribing: {
    what: 'How long a subscription to resources waits for their servers before it is answered',
    value: 2 * SECOND,
    unit: 'ms',
    reached:
      'a `subscriptions/listen` is acknowledged without what is not there yet; a session is told as soon as it is',
    proof: [SUBSCRIPTIONS, 'a server that says nothing keeps no listener waiting for longer, and nobody else'],
  },
  connect_turn: {
    what: 'How long a call of a 2026 client waits for its person to connect an account, before it asks again',
    value: 45 * SECOND,
    unit: 'ms',
    least: SECOND,
    most: 10 * MINUTE,
    reached: 'the client is asked again, eight times in all; then the call fails and names the page',
    proof: [CONNECTING, 'a 2026 client is asked again for the same page while its person is at it'],
  },
  connect_wait: {
    what: 'How long a call of a 2025 client waits, on its open stream, for its person to connect an account',
    value: 10 * MINUTE,
    unit: 'ms',
    least: SECOND,
    most: HOUR,
    reached: 'the call fails and names the page',
    proof: [CONNECTING, 'a call that nobody connected for ends, and names the page (%s)'],
  },
  page_link: {
    what: 'How long the link to a page that is made for one person is good',
    value: 15 * MINUTE,
    unit: 'ms',
    reached: '404; the client asks for a new one',
    proof: ['src/portal/questions.test.ts', 'a link is good for a quarter of an hour (…)'],
  },
  approval: {
    what: 'How long an approval may be given, and then how long it may be used, once',
    value: 15 * MINUTE,
    unit: 'ms',
    reached: 'the same call asks for approval anew',
    proof: [APPROVALS, 'one that nobody decided, and one that nobody used, are over after a quarter of an hour (…)'],
  },
  approvals_open: {
    what: 'Requests for approval of one caller that wait at one time, over all replicas; identical ones count as one',
    value: 3,
    unit: 'count',
    reached: 'the call says so, and nobody is asked',
    proof: [APPROVALS, 'a caller has three that wait and no more, whatever it asks for (…)'],
  },
  approvals_an_hour: {
    what: 'Requests for approval of one caller within an hour, over all replicas',
    value: 20,
    unit: 'count',
    reached: 'the call says so, and nobody is asked',
    proof: [APPROVALS, 'a caller asks twenty times an hour and no more (…)'],
  },
  purpose: {
    what: 'What a person writes about what they need something for',
    value: 500,
    unit: 'count',
    reached: 'it is asked for again',
    proof: ['src/portal/demand-purpose.test.ts', 'a purpose has something in it, and at most 500 characters'],
  },
  approval_reason: {
    what: 'What somebody writes about why they agree to a call, or turn it down',
    value: 500,
    unit: 'count',
    reached: '400 and nothing is decided; the page does not take more',
    proof: ['test/journeys/approve-page.test.ts', 'why a call was turned down is told to its caller, shown and kept'],
  },
  api_body: {
    what: 'One body to the REST API',
    value: MIB,
    unit: 'bytes',
    reached: '413 with code 11013',
    proof: ['src/admin/door.test.ts', 'a body with … is refused'],
  },

  // What a server answers.
  answer: {
    what: 'One answer, one event or one line of a server',
    value: 32 * MIB,
    unit: 'bytes',
    reached: 'the call fails with `upstream-bad-answer`, its connection is closed',
    proof: [UPSTREAM, 'an answer without end is cut off (…)'],
  },
  kept_copy: {
    what: 'How long a client of 2026 is told that it may keep what it read (`ttlMs` of a server)',
    value: HOUR,
    unit: 'ms',
    reached: 'it is told this',
    proof: [
      'src/protocol/era-2026/encode.test.ts',
      'a server says … of how long it may be kept (…), and the client is told …',
    ],
  },
  call_silence: {
    what: 'Silence of a server during a call; progress counts as a sign of life. For each server, 1 s to 1 h',
    value: MINUTE,
    unit: 'ms',
    setting: 'servers[].deadlines.idle_seconds',
    reached: 'the call fails with `upstream-timeout` and is cancelled there',
    proof: [UPSTREAM, 'a server that is silent for too long is given up, and only its own calls wait'],
  },
  call_time: {
    what: 'One call in all, whatever arrives. For each server, 1 s to 1 d',
    value: 10 * MINUTE,
    unit: 'ms',
    setting: 'servers[].deadlines.total_seconds',
    reached: 'the call fails with `upstream-timeout` and is cancelled there',
    proof: [UPSTREAM, 'an answer that drips for ever has an end'],
  },
  listened_tasks: {
    what: 'Tasks that one `subscriptions/listen` hears of',
    value: 32,
    unit: 'count',
    reached: 'the first ones are acknowledged',
    proof: ['test/journeys/tasks-listen.test.ts', 'so many tasks are listened for at once, and no more'],
  },
  task_kept: {
    what: 'How long a server of 2025-11-25 is asked to keep a task that its caller did not ask for itself',
    value: HOUR,
    unit: 'ms',
    reached: 'the server may forget it; who asks after it hears that it is unknown',
    proof: [
      'test/journeys/tasks-2025.test.ts',
      'is nothing to a client of … that asks for no task: it gets the result, and the server is asked to keep it for an hour',
    ],
  },
  refused: {
    what: 'How long what was not sent, or is safe twice, is tried again at a server that is not there',
    value: 5 * SECOND,
    unit: 'ms',
    reached: 'the call fails with `upstream-unreachable`, or `upstream-lost` where it was sent once',
    proof: ['src/upstream/healing.test.ts', 'a server that stays away is unreachable, and nothing was sent'],
  },
  handshake: {
    what: 'One message of a handshake with a server, in all',
    value: 30 * SECOND,
    unit: 'ms',
    reached: 'the call fails with `upstream-unreachable`; nothing of it was sent',
    proof: ['src/upstream/breaker.test.ts', 'is told to be silent after the time of an opening, not of a call'],
  },
  question: {
    what: 'A `ping` or `server/discover` after a call that failed',
    value: 10 * SECOND,
    unit: 'ms',
    reached: 'the connection is given up; where a new one does not answer either, the server is left alone',
    proof: [
      'src/upstream/breaker.test.ts',
      'is called once, not by every later caller, and is back when it answers (…)',
    ],
  },
  questions_open: {
    what: 'Questions of a server of 2024 or 2025, in the midst of one call, that wait for their answers at one time',
    value: 3,
    unit: 'count',
    reached: 'the server gets an error in the place of an answer; the call goes on',
    proof: [QUESTIONS, 'of a hundred questions at once three are put, the others get an error, and the call goes on'],
  },
  questions_per_call: {
    what: 'The same, in one call in all',
    value: 8,
    unit: 'count',
    reached: 'the same',
    proof: [QUESTIONS, 'of a hundred questions in turn eight are put, the others get an error, and the call goes on'],
  },
  resumes: {
    what: 'How often one call may go on, by GET, when a server of 2025 ends its stream before the answer',
    value: 600,
    unit: 'count',
    reached: 'the call fails with `upstream-lost`',
    proof: ['src/upstream/resume.test.ts', 'a stream that ends without end is given up'],
  },
  tools: {
    what: 'Definitions of one kind that are read from one server',
    value: 10_000,
    unit: 'count',
    reached: 'the rest is left out',
    proof: [JOURNEY, 'of a server that lists 10,001 tools the first 10,000 are there'],
  },
  list_bytes: {
    what: 'All that one server lists of one kind, over all pages',
    value: 32 * MIB,
    unit: 'bytes',
    reached: 'the sync fails and says so; what was listed before stays',
    proof: [SYNC, 'a server that lists full pages without end is not read to the end, and what it listed before stays'],
  },
  definition: {
    what: 'One definition of a tool, prompt, resource or template',
    value: 64 * KIB,
    unit: 'bytes',
    reached: 'it is left out and the log says so; the others stay',
    proof: [SYNC, 'a definition is kept member for member, and one that breaks a rule is left out alone'],
  },
  skills: {
    what: 'Skills, or children of a directory, that are read from one server for one list',
    value: 1000,
    unit: 'count',
    reached: 'the rest is left out',
    proof: ['src/portal/gather.test.ts', 'a list has so many entries, and so many bytes, and an end'],
  },
  skills_bytes: {
    what: 'The same',
    value: 4 * MIB,
    unit: 'bytes',
    reached: 'the page that is too much is left out, and so is what is behind it',
    proof: ['src/portal/gather.test.ts', 'a list has so many entries, and so many bytes, and an end'],
  },
  skills_time: {
    what: 'How long `skills/list` waits for a server',
    value: 3 * SECOND,
    unit: 'ms',
    reached: 'the server is left out',
    proof: [
      'test/journeys/skills.test.ts',
      'that is dead or silent takes nothing from the others, who wait no longer for it',
    ],
  },
  description_shown: {
    what: 'What is shown of a description that a server gives',
    value: 4 * KIB,
    unit: 'bytes',
    reached: 'it is cut and ends in "…"; pins and hashes are of the whole',
    proof: [RENDER, 'a description of more than 4 KiB is cut at a character, and one of 4 KiB is whole'],
  },
  title_shown: {
    what: 'What is shown of a title that a server gives',
    value: 512,
    unit: 'bytes',
    reached: 'it is cut and ends in "…"',
    proof: [RENDER, 'a title of more than 512 bytes is cut, beside the name and among the annotations'],
  },
  instructions_shown: {
    what: "What is passed on of one server's instructions, where they are turned on",
    value: 2 * KIB,
    unit: 'bytes',
    reached: 'they are cut and end in "…"',
    proof: [INTRODUCE, 'instructions of more than 2 KiB are cut, and no line of them stands unmarked'],
  },
  upstream_connections: {
    what: 'Connections to one server for one credential',
    value: 256,
    unit: 'count',
    reached: 'further calls wait for one that is free; their own time limits hold',
    proof: ['src/upstream/limits.test.ts', 'more calls than there may be connections wait, and all are answered'],
  },
  calls_per_connection: {
    what: 'Calls in flight on one connection to a server',
    value: 1024,
    unit: 'count',
    reached: 'the call fails with `upstream-busy`',
    proof: [
      'src/upstream/limits.test.ts',
      'a connection that has as many calls in flight as it may takes no more until one ends',
    ],
  },
  children: {
    what: 'Server processes at one time',
    value: 64,
    unit: 'count',
    setting: 'stdio.max_children',
    reached: 'one that is idle makes room; where none is, the call fails with `upstream-busy`',
    proof: [STDIO, 'at the limit an idle child makes room, and a busy one does not'],
  },
  child_memory: {
    what: 'Memory of one server process (its data segment)',
    value: 1024 * MIB,
    unit: 'bytes',
    setting: 'stdio.limits.memory_mb',
    reached: 'the system gives it no more, and most programs end; the others go on',
    proof: [CONFINEMENT, 'a child that takes more memory than its limit ends, alone'],
  },
  child_files: {
    what: 'Open files of one server process',
    value: 256,
    unit: 'count',
    setting: 'stdio.limits.files',
    reached: 'it can open no further one',
    proof: [CONFINEMENT, 'are those that are set, and a child cannot raise them'],
  },
  child_stderr: {
    what: 'What is kept of the stderr of one server process, for the log at its end',
    value: 64 * KIB,
    unit: 'bytes',
    reached: 'the oldest is dropped; more than 1 MiB at once is read only after a rest',
    proof: [
      'src/upstream/child-floods.test.ts',
      'a flood of stderr is read slowly, kept in 64 KiB, and delays no answer',
    ],
  },
  child_noise: {
    what: 'What a server process writes to stdout between two messages that is none',
    value: MIB,
    unit: 'bytes',
    reached: 'it is ended, and its calls fail with `upstream-bad-answer`',
    proof: ['src/upstream/child-floods.test.ts', '… on stdout ends the call, the child, and nothing else'],
  },
  child_install: {
    what: 'Time in which a package runner (npx, uvx) must have fetched and started its server',
    value: 2 * MINUTE,
    unit: 'ms',
    reached: 'it is ended, and what `npx` has half installed is removed',
    proof: [STDIO, 'that is still fetching is waited for, and not started a second time'],
  },

  // What a model asks of tools that it is not shown.
  search_query: {
    what: 'The words, or the regular expression, of one search for tools',
    value: 1000,
    unit: 'count',
    reached: 'the search says so, and nothing is looked for',
    proof: [SEARCHES, 'words that are too long are refused, and so is a limit that is too high'],
  },
  search_found: {
    what: 'Tools that one search tells of',
    value: 50,
    unit: 'count',
    reached: 'the best, or the first, are told, and how many tools there are',
    proof: [SEARCHES, 'words that are too long are refused, and so is a limit that is too high'],
  },
  search_answer: {
    what: 'What a model is told of the tools that one search finds: about 6,000 tokens',
    value: 24_000,
    unit: 'count',
    reached: 'the others are left out, and the last line says how many; the first is told, however long',
    proof: [
      'src/portal/context/show-tools.test.ts',
      'what a search tells is no more than a model should read at once, each tool whole',
    ],
  },
  search_pattern: {
    what: 'The regular expression of one search for tools',
    value: 256,
    unit: 'count',
    reached: 'the search says so, and nothing is looked for',
    proof: [PATTERNS, 'what is no pattern, or more than one may ask, is said in words'],
  },
  search_program: {
    what: 'Instructions of RE2 that a regular expression is compiled to',
    value: 1000,
    unit: 'count',
    reached: 'the same',
    proof: [PATTERNS, 'what is no pattern, or more than one may ask, is said in words'],
  },
  search_text: {
    what: 'What is searched of one description or one schema, in characters',
    value: 16 * KIB,
    unit: 'count',
    reached: 'what stands further back is not found',
    proof: [PATTERNS, 'what stands far back in a description is not looked at'],
  },
  search_time: {
    what: 'One search for tools, turns of others included',
    value: 3 * SECOND,
    unit: 'ms',
    reached: 'the search says so; what was counted of the tools is there for the next one',
    proof: [SEARCHES, 'a search whose time is up says so, and the next one goes on where it was'],
  },
  search_piece: {
    what: 'How long a search goes on before others have their turn',
    value: 4,
    unit: 'ms',
    reached: 'others have their turn',
    proof: ['src/portal/context/pace.test.ts', 'others have their turn when a piece of work has taken its time'],
  },

  // Code that a model wrote. The first seven are each run's own.
  code_wall: {
    what: 'One run of code; waiting for its turn and for a person does not count',
    value: MINUTE,
    unit: 'ms',
    least: SECOND,
    most: 10 * MINUTE,
    reached: 'the run is ended, with what it waits for, and its process',
    proof: [SANDBOX_BUDGETS, 'a run that waits for ever ends by the wall clock'],
  },
  code_cpu: {
    what: 'CPU of one run',
    value: 5 * SECOND,
    unit: 'ms',
    least: 100,
    most: MINUTE,
    reached: 'the same',
    proof: [SANDBOX_ABUSE, '… is stopped for its CPU'],
  },
  code_memory: {
    what: 'Heap and buffers of one run',
    value: 64 * MIB,
    unit: 'bytes',
    reached: 'the same, or code gets a RangeError where an array or buffer would be too large',
    proof: [SANDBOX_ABUSE, '… is stopped for its memory'],
  },
  code_calls: {
    what: 'Calls of tools in one run',
    value: 200,
    unit: 'count',
    least: 1,
    most: 10_000,
    reached: 'the same',
    proof: [SANDBOX_BUDGETS, 'a run has so many calls, and the next one ends it'],
  },
  code_bytes_in: {
    what: 'Results of calls that come into one run',
    value: 16 * MIB,
    unit: 'bytes',
    reached: 'the same',
    proof: [SANDBOX_BUDGETS, 'results that are too large in all end the run'],
  },
  code_bytes_out: {
    what: 'Inputs of calls and the result of one run',
    value: 4 * MIB,
    unit: 'bytes',
    reached: 'the same',
    proof: [SANDBOX_BUDGETS, 'inputs that are too large in all end the run, and the last of them is not called'],
  },
  code_console: {
    what: 'What one run writes to its console',
    value: 64 * KIB,
    unit: 'bytes',
    reached: 'the rest is left out, and the last line says so; the run goes on',
    proof: [SANDBOX_BUDGETS, 'a console that is full says so, and the run goes on'],
  },
  code_text: {
    what: 'The text of the code for one run',
    value: 64 * KIB,
    unit: 'count',
    reached: 'the call says so, and nothing is run',
    proof: ['test/journeys/code-mode.test.ts', 'code of more than 64 KiB is refused, and one of 64 KiB is run'],
  },
  code_answer: {
    what: 'What a model is told of one run, its console included: about 6,000 tokens',
    value: 24_000,
    unit: 'count',
    reached: 'the rest is left out, and the last line says how much it was',
    proof: ['src/portal/code-mode/say-end.test.ts', 'what is longer than a model should read is cut, and says so'],
  },
  code_runs_per_principal: {
    what: 'Runs of code of one caller that are under way, wait for their turn or for a person, whatever clients and tokens it has',
    value: 4,
    unit: 'count',
    least: 1,
    most: 10_000,
    reached: 'the call says so, and nothing is run; all others go on',
    proof: [
      'test/journeys/code-turns.test.ts',
      'a caller has so many runs at once, and the next one is told so; others have theirs at once',
    ],
  },
  code_held: {
    what: 'How long in all the clock of one run stands while a person is waited for',
    value: HOUR,
    unit: 'ms',
    reached: 'the run is ended, and its process',
    proof: ['src/sandbox/stopwatch.test.ts', 'stands no longer than it may in all'],
  },
  code_held_runs: {
    what: 'Runs that wait for a person and leave their place to others meanwhile (`sandbox.processes`)',
    value: 32,
    unit: 'count',
    reached: 'the next ones keep their place',
    proof: [SANDBOX_POOL, 'runs that wait for a person leave their place to others, so many of them'],
  },
  code_waiting: {
    what: 'Runs that wait for a free process',
    value: 1000,
    unit: 'count',
    reached: 'the next run is refused as busy',
    proof: [SANDBOX_POOL, 'a thousand runs wait their turn, one more is refused, and all others end'],
  },
  code_turn: {
    what: 'How long a run waits for a free process',
    value: 30 * SECOND,
    unit: 'ms',
    reached: 'it is refused as busy',
    proof: [SANDBOX_POOL, 'a run that waits too long for its turn is refused'],
  },
  code_runs: {
    what: 'Runs, one after another, in one process',
    value: 50,
    unit: 'count',
    reached: 'a new process takes its place',
    proof: [SANDBOX_POOL, 'a process has so many runs and then makes room for a new one'],
  },
  code_process_memory: {
    what: 'Data segment of a process for runs; its engine reserves most of it and uses it never',
    value: 2560 * MIB,
    unit: 'bytes',
    reached: 'the process ends, and its one run with it',
    proof: [SANDBOX_WALLS, 'has the limits that are set'],
  },
  code_process_memory_jitless: {
    what: 'The same with `sandbox.jit: off`',
    value: GIB,
    unit: 'bytes',
    reached: 'the same',
    proof: [SANDBOX_WALLS, 'has the limits that are set'],
  },
  code_process_cpu: {
    what: "CPU of a process for runs in all, by the system's count, should its own fail",
    value: 10 * MINUTE,
    unit: 'ms',
    reached: 'the same',
    proof: [SANDBOX_WALLS, 'has the limits that are set'],
  },
} as const satisfies Readonly<Record<string, Limit>>

export type LimitName = keyof typeof LIMITS

/** Those that are settings of this table's own. */
export type SettableLimit = {
  [Name in LimitName]: (typeof LIMITS)[Name] extends { least: number; most: number } ? Name : never
}[LimitName]

export type LimitValues = Readonly<Record<SettableLimit, number>>

export const SETTABLE_LIMITS = (Object.keys(LIMITS) as LimitName[]).filter(
  (name): name is SettableLimit => 'least' in LIMITS[name],
)

/** As nobody set anything: for rooms that are opened without settings, in tests and tools. */
export const DEFAULT_LIMITS = Object.fromEntries(SETTABLE_LIMITS.map((name) => [name, LIMITS[name].value])) as Record<
  SettableLimit,
  number
>
