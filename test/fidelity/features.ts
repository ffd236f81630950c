/** The rows of the matrix: what clients and servers of MCP do together, each tried with real ones. */
import { randomUUID } from 'node:crypto'
import { type Feature, type Json, NoSuchWay, NotThere, type ToolCall, type Trial, until, type Words } from './pair.ts'

/** Lists say of these what a portal has to hand on; names are another row. */
const OF_TOOL = ['title', 'description', 'annotations', 'icons', '_meta', 'inputSchema', 'outputSchema']
const OF_PROMPT = ['title', 'description', 'arguments', 'icons', '_meta']
const OF_RESOURCE = ['uri', 'uriTemplate', 'name', 'title', 'description', 'mimeType', 'annotations', 'icons', '_meta']

/** Of what a loaded machine may squeeze together. */
const TRIES = 4

export const FEATURES: readonly Feature[] = [
  { name: 'tools: list', run: async (trial) => (await toolsOf(trial)).map(({ name }) => name).sort() },
  {
    name: 'tools: title, annotations, icons, `_meta`, schemas',
    async run(trial) {
      const tools = await toolsOf(trial)
      return Object.fromEntries(tools.map((tool) => [tool.name, pick(tool, OF_TOOL)]))
    },
  },
  content('tools: call with text', 'text'),
  {
    name: 'tools: structured content, `_meta` of a result',
    async run(trial) {
      const result = await call(trial, trial.words.structured)
      const { 'com.example/answered': meta } = (result._meta ?? {}) as Json
      return { content: result.content, structured: result.structuredContent, meta }
    },
  },
  content('content: image', 'image'),
  content('content: audio', 'audio'),
  content('content: embedded resource', 'embedded'),
  content('content: resource link', 'links'),
  { name: 'prompts: list', run: async (trial) => shapes(trial, await listAll(trial, 'prompts'), OF_PROMPT) },
  {
    name: 'prompts: get with arguments',
    run: async (trial) => (await getPrompt(trial, trial.words.prompt)).messages,
  },
  {
    name: 'prompts: embedded resource',
    run: async (trial) => withoutTimes((await getPrompt(trial, trial.words.promptContent)).messages),
  },
  {
    name: 'resources: list',
    async run(trial) {
      const listed = await listAll(trial, 'resources')
      return listed
        .map((one) => pick(one, OF_RESOURCE))
        .filter(({ uri }) => !String(uri).startsWith('demo://resource/session'))
    },
  },
  { name: 'resources: read text', run: (trial) => read(trial, trial.words.textUri) },
  { name: 'resources: read binary', run: (trial) => read(trial, trial.words.binaryUri) },
  {
    name: 'resources: templates, and what they describe',
    async run(trial) {
      const listed = await listAll(trial, 'resourceTemplates')
      const one = listed.find(({ uriTemplate }) => uriTemplate === trial.words.template)
      return [pick(one ?? {}, OF_RESOURCE), await read(trial, trial.words.templateUri)]
    },
  },
  {
    name: 'completion: argument of a prompt',
    async run(trial) {
      const { prompt, argument } = trial.words.promptCompletion
      const ref = { type: 'ref/prompt', name: trial.place(prompt) }
      return (await trial.probe.ask('completion/complete', { ref, argument })).completion
    },
  },
  {
    name: 'completion: variable of a template',
    async run(trial) {
      const ref = { type: 'ref/resource', uri: trial.words.template }
      const argument = trial.words.templateCompletion
      return (await trial.probe.ask('completion/complete', { ref, argument })).completion
    },
  },
  {
    name: 'lists in several pages',
    async run(trial) {
      const all = had(trial.words.pagesOf)
      const listed = (await listAll(trial, 'resourceTemplates')).map(({ uriTemplate }) => uriTemplate)
      if (!all.every((uri) => listed.includes(uri))) throw new Error(`only ${listed.join(', ')}`)
      return all
    },
  },
  {
    name: 'progress',
    async run(trial) {
      const told: unknown[] = []
      const onprogress = (one: object) => told.push(pick({ ...one }, ['progress', 'total']))
      const { progress } = trial.words
      const params = { name: trial.place(progress.name), arguments: progress.arguments ?? {} }
      // Steps and result may be written at once, and clients and bridges settle on the result first: then it is done once more.
      for (let tries = 0; told.length < 2 && tries < TRIES; tries++) {
        told.length = 0
        await trial.probe.ask('tools/call', params, { onprogress })
      }
      if (told.length < 2) throw new Error(`${told.length} steps were told`)
      return told.slice(0, 2)
    },
  },
  {
    name: 'cancellation, and the next call',
    async run(trial) {
      const stop = new AbortController()
      const { cancel } = trial.words
      const params = { name: trial.place(cancel.name), arguments: cancel.arguments ?? {} }
      const running = trial.probe.ask('tools/call', params, { signal: stop.signal })
      const ended = running.then(
        () => 'answered',
        (error: Error) => {
          if (error instanceof NoSuchWay || !/enough|abort|cancel/i.test(error.message)) throw error
          return 'ended'
        },
      )
      // It may be on its way or under way by now: either has to end.
      setTimeout(() => stop.abort(new Error('enough')), 100)
      return [await ended, (await call(trial, trial.words.text)).content]
    },
  },
  {
    name: 'logging',
    async run(trial) {
      const _meta = await trial.probe.wantLogs('debug')
      const { probe, words, patienceMs } = trial
      const from = probe.heard.length
      const heard = () => saidAfter(trial, from, 'notifications/message')
      const deadline = Date.now() + patienceMs
      let calls = 0
      // What is said a moment after a call belongs to none any more: it is called until a line comes in time, and left switched off.
      for (; heard() === undefined && Date.now() < deadline; calls++) {
        await call(trial, words.logs, _meta)
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
      if (calls % 2 === 1 && words.logs.name.startsWith('toggle')) await call(trial, words.logs)
      const log = heard()
      if (log === undefined) throw new Error('no log line came')
      return typeof log.data
    },
  },
  asks('elicitation: form', 'form', 'elicitation/create', ['requestedSchema']),
  asks('elicitation: URL', 'page', 'elicitation/create', ['mode', 'url']),
  asks('sampling', 'sample', 'sampling/createMessage', ['messages', 'systemPrompt', 'temperature']),
  asks('roots', 'roots', 'roots/list', []),
  changed('list_changed: tools', 'toolsChange', 'tools'),
  changed('list_changed: prompts', 'promptsChange', 'prompts'),
  changed('list_changed: resources', 'resourcesChange', 'resources'),
  {
    name: 'resources: updated',
    async run(trial) {
      const { watched, update } = trial.words
      await trial.probe.watch(watched)
      const from = trial.probe.heard.length
      await call(trial, update)
      const told = await until(trial, () => saidAfter(trial, from, 'notifications/resources/updated'), 'the change')
      if (update.name.startsWith('toggle')) await call(trial, update)
      return told.uri
    },
  },
  {
    name: 'errors: a tool fails',
    async run(trial) {
      const { isError, content } = await call(trial, trial.words.failing)
      return { isError, content }
    },
  },
  { name: 'errors: no such tool', run: (trial) => refusal(() => call(trial, { name: 'no_such_tool' })) },
  {
    name: 'errors: no such resource',
    run: (trial) => refusal(() => trial.probe.ask('resources/read', { uri: trial.words.unknownUri })),
  },
  {
    name: 'tasks: the extension of 2026',
    async run(trial) {
      const { name, arguments: given = {} } = had(trial.words.task2026)
      const { askAsTask } = trial.probe
      if (askAsTask === undefined) throw new NoSuchWay('it does not declare the extension')
      const made = await askAsTask('tools/call', { name: trial.place(name), arguments: given })
      if (made.resultType !== 'task') throw new Error(`no task: ${JSON.stringify(made)}`)
      for (;;) {
        const task = await askAsTask('tasks/get', { taskId: made.taskId })
        if (task.status !== 'working') return [task.status, (task.result as Json | undefined)?.content]
        await new Promise((resolve) => setTimeout(resolve, Number(made.pollIntervalMs)))
      }
    },
  },
  {
    name: 'tasks: of 2025-11-25',
    async run(trial) {
      const { name, arguments: given = {} } = had(trial.words.task2025)
      if (trial.probe.era !== '2025') throw new NoSuchWay('2026-07-28 has none')
      const params = { name: trial.place(name), arguments: given, task: { ttl: 60_000 } }
      const { task } = (await trial.probe.ask('tools/call', params)) as { task?: Json }
      if (task === undefined) throw new Error('no task')
      const { taskId } = await trial.probe.ask('tasks/get', { taskId: task.taskId })
      return taskId === task.taskId
    },
  },
]

type CallWords = { [K in keyof Words]-?: NonNullable<Words[K]> extends ToolCall ? K : never }[keyof Words]

function content(name: string, which: CallWords): Feature {
  return { name, run: async (trial) => withoutTimes((await call(trial, had(trial.words[which]))).content) }
}

/** A server asks in mid-call: what it asks arrives, and the answer comes back to it. */
function asks(name: string, which: CallWords, method: string, kept: readonly string[]): Feature {
  return {
    name,
    async run(trial) {
      const from = trial.probe.asked.length
      const result = await call(trial, had(trial.words[which]))
      const asked = trial.probe.asked.slice(from).find((one) => one.method === method)
      if (asked === undefined && method !== 'roots/list') throw new Error(`was not asked: ${JSON.stringify(result)}`)
      if (result.isError === true) throw new Error(JSON.stringify(result.content))
      return [pick(asked?.params ?? {}, kept), result.content]
    },
  }
}

function changed(name: string, which: CallWords, list: string): Feature {
  return {
    name,
    async run(trial) {
      const change = had(trial.words[which])
      await trial.probe.watch(trial.words.watched)
      const from = trial.probe.heard.length
      const before = (await listAll(trial, list)).length
      await call(trial, which === 'resourcesChange' ? renamed(change) : change)
      await until(trial, () => saidAfter(trial, from, `notifications/${list}/list_changed`), 'the change')
      const after = (await listAll(trial, list)).length
      if (before === after) throw new Error('the list is as it was')
      // What comes and goes is put back.
      if (which !== 'resourcesChange') await call(trial, change)
      return 'told, and listed anew'
    },
  }
}

/** What was added for somebody else may still be there, and adding it again is no change. */
function renamed({ name, arguments: given = {} }: ToolCall): ToolCall {
  return { name, arguments: { ...given, name: `${randomUUID()}.gz` } }
}

function had<T>(words: T | undefined): T {
  if (words === undefined) throw new NotThere('the server has none')
  return words
}

/** Without the portal's own, and without those that are listed only for clients that can be asked, which is a row of its own. */
async function toolsOf(trial: Trial): Promise<Json[]> {
  const beside = [...(trial.words.notForAll ?? []), 'simulate-research-query', 'test_dynamic_tool']
  return (await listAll(trial, 'tools'))
    .filter(({ name }) => String(name).startsWith(trial.place('')))
    .map((tool): Json => ({ ...tool, name: trial.original(String(tool.name)) }))
    .filter(({ name }) => !beside.includes(String(name)) && !/-async$/.test(String(name)))
}

async function listAll({ probe }: Trial, list: string): Promise<Json[]> {
  const method = list === 'resourceTemplates' ? 'resources/templates/list' : `${list}/list`
  const all: Json[] = []
  for (let cursor: unknown; ; ) {
    const page = await probe.ask(method, cursor === undefined ? {} : { cursor })
    all.push(...(page[list] as Json[]))
    cursor = page.nextCursor
    if (cursor === undefined) return all
  }
}

function shapes(trial: Trial, listed: readonly Json[], fields: readonly string[]): unknown {
  const entries = listed.map((one) => [trial.original(String(one.name)), pick(one, fields)] as const)
  return Object.fromEntries(entries.filter(([name]) => name !== 'test_dynamic_prompt'))
}

function call(trial: Trial, { name, arguments: given = {} }: ToolCall, _meta?: Json): Promise<Json> {
  const meta = _meta === undefined || Object.keys(_meta).length === 0 ? {} : { _meta }
  return trial.probe.ask('tools/call', { name: trial.place(name), arguments: given, ...meta })
}

function getPrompt(trial: Trial, { name, arguments: given = {} }: ToolCall): Promise<Json> {
  return trial.probe.ask('prompts/get', { name: trial.place(name), arguments: given })
}

async function read({ probe }: Trial, uri: string): Promise<unknown> {
  return withoutTimes((await probe.ask('resources/read', { uri })).contents)
}

/** Some contents say when they were made. */
function withoutTimes(value: unknown): unknown {
  const text = JSON.stringify(value, (key, one) => (key === 'blob' && typeof one === 'string' ? blobText(one) : one))
  return JSON.parse(text.replaceAll(/\d{1,2}:\d\d:\d\d( [AP]M)?/g, 'then'))
}

function blobText(blob: string): string {
  const text = Buffer.from(blob, 'base64').toString('utf8')
  return /^[\x20-\x7e]*$/.test(text) ? text : blob
}

/** That somebody says no, and in which way does not matter: eras differ in it. */
async function refusal(deed: () => Promise<Json>): Promise<string> {
  const result = await deed().catch(() => null)
  if (result === null || result.isError === true) return 'refused'
  throw new Error(`was answered: ${JSON.stringify(result)}`)
}

function saidAfter({ probe }: Trial, from: number, method: string): Json | undefined {
  return probe.heard.slice(from).find((one) => one.method === method)?.params
}

function pick(from: Json, fields: readonly string[]): Json {
  return Object.fromEntries(fields.filter((field) => from[field] !== undefined).map((field) => [field, from[field]]))
}
