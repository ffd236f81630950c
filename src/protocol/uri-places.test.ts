/** Where answers name resources, and that nothing else of them is touched. */
import { describe, expect, test } from 'vitest'
import { scanReply } from './scan.ts'
import { withUris } from './uri-places.ts'

const UP = (uri: string) => (uri.startsWith('a:') ? `portico:s:${uri}` : uri)

function rewritten(method: string, body: string, member: 'result' | 'error' = 'result'): string {
  const raw = scanReply(Buffer.from(`{"id":7,"${member}":${body},"jsonrpc":"2.0"}`))
  if (raw === null) throw new Error(`no reply: ${body}`)
  const reply = withUris(raw, method, UP)
  expect(reply.id).toEqual(raw.id)
  expect(reply.bytes.toString('utf8', reply.id.from, reply.id.to)).toBe('7')
  return reply.bytes.toString('utf8', reply.body.from, reply.body.to)
}

const cases: { what: string; method: string; member?: 'result' | 'error'; from: string; to: string }[] = [
  {
    what: 'what was read, and all that came with it',
    method: 'resources/read',
    from: '{"contents":[ {"uri":"a:1","text":"a:1"} , {"text":"x","uri":"a:2"},{"uri":"b:3","blob":"YQ=="}],"ttlMs":0}',
    to: '{"contents":[ {"uri":"portico:s:a:1","text":"a:1"} , {"text":"x","uri":"portico:s:a:2"},{"uri":"b:3","blob":"YQ=="}],"ttlMs":0}',
  },
  {
    what: 'a link and an embedded resource of a tool, and no word of its text or structure',
    method: 'tools/call',
    from: '{"content":[{"type":"text","text":"see a:1"},{"type":"resource_link","uri":"a:1","name":"a:1"},{"type":"resource","resource":{"uri":"a:1","text":"{\\"uri\\":\\"a:1\\"}"}}],"structuredContent":{"uri":"a:1","n":1e400,"big":12345678901234567890}}',
    to: '{"content":[{"type":"text","text":"see a:1"},{"type":"resource_link","uri":"portico:s:a:1","name":"a:1"},{"type":"resource","resource":{"uri":"portico:s:a:1","text":"{\\"uri\\":\\"a:1\\"}"}}],"structuredContent":{"uri":"a:1","n":1e400,"big":12345678901234567890}}',
  },
  {
    what: 'those of a prompt, one or several in a message',
    method: 'prompts/get',
    from: '{"messages":[{"role":"user","content":{"type":"resource_link","uri":"a:1"}},{"content":[{"resource":{"uri":"a:2"}},{"uri":"a:3"}]}]}',
    to: '{"messages":[{"role":"user","content":{"type":"resource_link","uri":"portico:s:a:1"}},{"content":[{"resource":{"uri":"portico:s:a:2"}},{"uri":"portico:s:a:3"}]}]}',
  },
  {
    what: 'those of a task that is done',
    method: 'tasks/get',
    from: '{"taskId":"a:1","result":{"content":[{"uri":"a:1"}]}}',
    to: '{"taskId":"a:1","result":{"content":[{"uri":"portico:s:a:1"}]}}',
  },
  {
    what: 'what an error is about',
    method: 'resources/read',
    member: 'error',
    from: '{"code":-32002,"message":"no a:1","data":{"uri":"a:1","uris":["a:1"]}}',
    to: '{"code":-32002,"message":"no a:1","data":{"uri":"portico:s:a:1","uris":["a:1"]}}',
  },
  {
    what: 'a name that is spelled with escapes',
    method: 'resources/read',
    from: '{"contents":[{"\\u0075ri":"\\u0061:\\/1"}]}',
    to: '{"contents":[{"\\u0075ri":"portico:s:a:/1"}]}',
  },
]

describe('in the places where MCP names resources', () => {
  // [URI-4]
  test.each(cases)('$what', ({ method, member, from, to }) => {
    expect(rewritten(method, from, member)).toBe(to)
  })
})

describe('nothing is touched of', () => {
  test.each([
    ['another method', 'completion/complete', '{"completion":{"values":["a:1"]},"contents":[{"uri":"a:1"}]}'],
    ['other places', 'tools/call', '{"content":[{"nested":{"uri":"a:1"}},[{"uri":"a:1"}],"a:1"],"uri":"a:1"}'],
    ['what is no text', 'resources/read', '{"contents":[{"uri":1},{"uri":null},{"uri":{"uri":"a:1"}},7,[],{}]}'],
    ['what is no list', 'resources/read', '{"contents":"a:1"}'],
    ['an empty list', 'tools/call', '{"content":[ ]}'],
    ['what stands there twice', 'resources/read', '{"contents":[{"uri":"b:1","uri":"a:1"}]}'],
    ['what a careless reader takes for another', 'resources/read', '{"contents":[{"URI":"a:1"}]}'],
    ['nothing at all', 'resources/read', '{}'],
  ])('%s', (_what, method, body) => {
    expect(rewritten(method, body)).toBe(body)
  })

  test('the very reply, where no name changes', () => {
    const raw = scanReply(Buffer.from('{"jsonrpc":"2.0","id":1,"result":{"contents":[{"uri":"b:1"}]}}'))
    if (raw === null) throw new Error('no reply')
    expect(withUris(raw, 'resources/read', UP)).toBe(raw)
  })
})

test('a reply about a task of the portal’s stays one', () => {
  const raw = scanReply(Buffer.from('{"jsonrpc":"2.0","id":1,"result":{"result":{"content":[{"uri":"a:1"}]}}}'))
  if (raw === null) throw new Error('no reply')
  expect(withUris({ ...raw, isOwnTask: true }, 'tasks/get', UP).isOwnTask).toBe(true)
})
