import { describe, expect, test } from 'vitest'
import { Fault } from '../base/fault.ts'
import { encode2025 } from './era-2025/encode.ts'
import { encode2026, identity } from './era-2026/encode.ts'
import { errorBody, replyOfBug, replyOfFault, replyOfRefusal, type SoughtKind } from './errors.ts'
import type { Reply } from './model.ts'

const portal = identity({ name: 'portico', version: '1' })
const wire = (reply: Reply, method: string) => [
  encode2026({ reply, id: 1, method, identity: portal }).status,
  encode2026({ reply, id: 1, method, identity: portal }).body.toString(),
  encode2025({ reply, id: 1, method, version: '2025-06-18' }).toString(),
]

describe('what a caller may not reach', () => {
  test.each<[SoughtKind, string, string, string, string]>([
    [
      'tool',
      'tools/call',
      'a_b',
      '{"code":-32602,"message":"Unknown tool: a_b"}',
      '{"code":-32602,"message":"Unknown tool: a_b"}',
    ],
    [
      'prompt',
      'prompts/get',
      'a"b',
      '{"code":-32602,"message":"Unknown prompt: a\\"b"}',
      '{"code":-32602,"message":"Unknown prompt: a\\"b"}',
    ],
    [
      'resource',
      'resources/read',
      'a://b',
      '{"code":-32602,"message":"Resource not found: a://b","data":{"uri":"a://b"}}',
      '{"code":-32002,"message":"Resource not found: a://b","data":{"uri":"a://b"}}',
    ],
  ])(
    'a forbidden, an unknown and a switched-off %s are the same bytes, in both eras',
    (kind, method, name, modern, old) => {
      const reply = replyOfRefusal({ kind, name })
      expect(wire(reply, method)).toEqual([
        200,
        `{"jsonrpc":"2.0","id":1,"error":${modern}}`,
        `{"jsonrpc":"2.0","id":1,"error":${old}}`,
      ])
    },
  )

  test('where the method names nothing, no more is said', () => {
    expect(replyOfRefusal(null)).toEqual({ kind: 'error', error: { code: -32602, message: 'Invalid params' } })
  })
})

test('a fault is a tool result that a model can act on, elsewhere an error; its cause is told to nobody', () => {
  const fault = new Fault('upstream-lost', 'The server went away. Try again.', new Error('ECONNRESET 10.0.0.1'))
  const content = [{ type: 'text', text: 'The server went away. Try again.' }]
  const result = { content, isError: true, _meta: { 'dev.portico/from-portal': true } }
  expect(replyOfFault(fault, 'tools/call')).toEqual({ kind: 'result', result })
  const error = { code: -32603, message: 'The server went away. Try again.' }
  expect(replyOfFault(fault, 'prompts/get')).toEqual({ kind: 'error', error })
})

test('a bug says nothing', () => {
  expect(replyOfBug()).toEqual({ kind: 'error', error: { code: -32603, message: 'Internal error' } })
})

test('an error without a readable id has none: null is no id', () => {
  expect(errorBody({ code: -32700, message: 'm' }, null).toString()).toBe(
    '{"jsonrpc":"2.0","error":{"code":-32700,"message":"m"}}',
  )
  expect(errorBody({ code: -32700, message: 'm' }, 0).toString()).toContain('"id":0')
})
