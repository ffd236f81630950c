/** server-everything asks its callers, over each transport of 2024 and 2025. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { everythingStdio, type HttpPeer, startEverythingHttp, startEverythingSse } from '../../test/peers/servers.ts'
import { type CallOptions, openRoom, type Room, textOf } from '../../test/upstream-room.ts'
import type { ServerUid } from '../base/ids.ts'
import type { ServerAnswer, ServerQuestion } from '../protocol/asked.ts'

let room: Room
const peers: HttpPeer[] = []
const servers = new Map<string, ServerUid>()
const uid = (name: string): ServerUid => servers.get(name) as ServerUid

beforeAll(async () => {
  room = await openRoom()
  const http = await startEverythingHttp()
  const sse = await startEverythingSse()
  peers.push(http, sse)
  servers.set('http', await room.add('http', { url: http.url }))
  servers.set('sse', await room.add('sse', { url: sse.url }))
  servers.set('stdio', await room.add('stdio', { stdio: everythingStdio() }))
})
afterAll(async () => {
  await room?.close()
  for (const peer of peers) await peer.stop()
})

const ANSWERS: Record<ServerQuestion['method'], ServerAnswer> = {
  'elicitation/create': { result: { action: 'accept', content: { name: 'Ada', check: true } } },
  'sampling/createMessage': {
    result: { role: 'assistant', model: 'm', content: { type: 'text', text: 'a dream of mine' } },
  },
  'roots/list': { result: { roots: [{ uri: 'file:///home/ada/work', name: 'work' }] } },
}

function caller(who: string, askable: NonNullable<CallOptions['askable']>) {
  const asked: ServerQuestion[] = []
  const options: CallOptions = {
    who,
    askable,
    ask: async (question) => {
      asked.push(question)
      return ANSWERS[question.method]
    },
  }
  return { asked, options }
}

describe.each(['http', 'sse', 'stdio'])('server-everything over %s', (name) => {
  test('asks the person of the caller, and gets the answer', async () => {
    const ada = caller('ada', { form: true })
    const reply = await room.tool(uid(name), 'trigger-elicitation-request', {}, ada.options)
    expect(textOf(reply)).toContain('Name: Ada')
    expect(ada.asked).toMatchObject([
      { method: 'elicitation/create', params: { message: 'Please provide inputs for the following fields:' } },
    ])
  })

  test('asks the model of the caller, and gets the answer', async () => {
    const ada = caller('ada', { sampling: true })
    const input = { prompt: 'what do you dream of', maxTokens: 10 }
    const reply = await room.tool(uid(name), 'trigger-sampling-request', input, ada.options)
    expect(textOf(reply)).toContain('a dream of mine')
    expect(ada.asked).toMatchObject([{ method: 'sampling/createMessage', params: { maxTokens: 10 } }])
  })

  test('asks where the caller works, on the stream that is nobody’s, and gets the answer', async () => {
    const ada = caller('ada', { roots: true })
    const reply = await room.tool(uid(name), 'get-roots-list', {}, ada.options)
    expect(textOf(reply)).toContain('file:///home/ada/work')
    expect(ada.asked).toContainEqual({ method: 'roots/list', params: {} })
  })

  test('offers a caller that can be asked nothing no tool that asks, whatever others can', async () => {
    const ada = caller('ada', { form: true })
    const list = async (options: CallOptions) =>
      ((await room.call(uid(name), 'tools/list', {}, options)).tools as unknown as { name: string }[]).map(
        (tool) => tool.name,
      )
    expect(await list(ada.options)).toContain('trigger-elicitation-request')
    expect(await list({ who: 'ada' })).not.toContain('trigger-elicitation-request')
    expect(await list(caller('ada', { sampling: true }).options)).not.toContain('trigger-elicitation-request')
  })
})

test('a server over HTTP asks each of two callers its own question, on the streams of their calls', async () => {
  const [ada, bob] = [caller('ada', { form: true }), caller('bob', { form: true })]
  const both = [ada, bob].map(({ options }) => room.tool(uid('http'), 'trigger-elicitation-request', {}, options))
  for (const reply of await Promise.all(both)) expect(textOf(reply)).toContain('Name: Ada')
  expect([ada.asked.length, bob.asked.length]).toEqual([1, 1])
})

test.each(['sse', 'stdio'])(
  'while two people have calls in flight over %s, neither is asked anything',
  async (name) => {
    const [ada, bob] = [caller('ada', { form: true }), caller('bob', { form: true })]
    let running = () => {}
    const isRunning = new Promise<void>((resolve) => {
      running = resolve
    })
    const long = room.tool(
      uid(name),
      'trigger-long-running-operation',
      { duration: 5, steps: 10 },
      { ...ada.options, progress: true, report: running },
    )
    await isRunning
    const reply = await room.tool(uid(name), 'trigger-elicitation-request', {}, bob.options)
    expect(textOf(reply)).toContain('declined')
    await long
    expect([...ada.asked, ...bob.asked]).toEqual([])
  },
)
