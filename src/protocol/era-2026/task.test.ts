/** Results about tasks as bytes: read in one way only, and rewritten without touching the rest. */
import { expect, test } from 'vitest'
import type { RawReply } from '../model.ts'
import { scanReply } from '../scan.ts'
import { isTask, readTaskResult, withOwnTask } from './task.ts'

function raw(result: string): RawReply {
  const scanned = scanReply(Buffer.from(`{"jsonrpc":"2.0","result":${result} , "id":7}`))
  if (scanned === null) throw new Error('no reply')
  return scanned
}
const textOf = ({ bytes }: RawReply) => bytes.toString()

test('only a result that says so is a task', () => {
  expect(isTask(raw('{"resultType":"task","taskId":"a"}'))).toBe(true)
  for (const other of ['{}', '{"resultType":"complete","taskId":"a"}', '{"taskId":"a","status":"working"}'])
    expect(isTask(raw(other))).toBe(false)
})

// [TASK-2]
test.each([
  ['{"taskId":"a","status":"working"}', { taskId: 'a', asks: false }],
  ['{}', { taskId: null, asks: false }],
  ['{"taskId":"\\u0061","inputRequests":{ }}', { taskId: 'a', asks: false }],
  ['{"task\\u0049d":"a","inputRequests":{"k":{}}}', { taskId: 'a', asks: true }],
  ['{"taskId":"a","inputRequests":[]}', { taskId: 'a', asks: true }],
  ['{"result":{"taskId":"b"},"taskId":"a"}', { taskId: 'a', asks: false }],
  ['{"taskId":"a","taskId":"b"}', null],
  ['{"taskId":"a","task\\u0049d":"b"}', null],
  ['{"taskId":"a","TaskId":"b"}', null],
  ['{"inputRequests":{},"inputrequests":{"k":{}},"taskId":"a"}', null],
  ['{"taskId":7}', null],
  ['{"taskId":null}', null],
  ['{"taskId":""}', null],
])('%s', (result, read) => {
  expect(readTaskResult(raw(result))).toEqual(read)
})

// [TASK-2]
test('only the id changes, and the questions where others are put', () => {
  const reply = raw('{"n":1.00,"inputRequests" : {"k":{"x":1}},"s":"\\u00fc","taskId":"their id","d":{"taskId":"x"}}')
  const own = withOwnTask(reply, { taskId: 'ours' })
  const head = '{"jsonrpc":"2.0","result":{"n":1.00,"inputRequests" : '
  const tail = ',"s":"\\u00fc","taskId":"ours","d":{"taskId":"x"}} , "id":7}'
  expect(textOf(own)).toBe(`${head}{"k":{"x":1}}${tail}`)
  expect(textOf(withOwnTask(reply, { taskId: 'ours', asked: { a: 1 } }))).toBe(`${head}{"a":1}${tail}`)
  expect(own.isOwnTask).toBe(true)
  expect(own.bytes.toString('utf8', own.id.from, own.id.to)).toBe('7')
})
