/** Whose a message is that names a task (2025-11-25) and comes on a stream that is nobody's in particular. */
import { expect, test } from 'vitest'
import type { GrantId, UserId } from '../base/ids.ts'
import type { Principal } from '../base/principal.ts'
import { RELATED_TASK } from '../protocol/era-2025/task.ts'
import { Exchange } from './exchange.ts'
import { ownRequest } from './handshake.ts'
import { waiterFor } from './notifications.ts'
import { askedBy, NOBODYS } from './questions.ts'

const person = (id: string) =>
  ({ kind: 'user', id: id as UserId, grant: `of ${id}` as GrantId }) as unknown as Principal
const ask = async () => ({ result: {} })

function call(who: string, method: string, params = {}): Exchange {
  return new Exchange({ ...ownRequest(method, params), principal: person(who), ask })
}

const related = (taskId: string) => ({ _meta: { [RELATED_TASK]: { taskId } } })
const question = (params: object) => ({ id: 'q', method: 'elicitation/create', params: { ...params } })

// [TASK-9]
test('a question that names a task is put to who waits for its result, and to nobody else', () => {
  const bob = call('bob', 'tools/call')
  const ann = call('ann', 'tasks/result', { taskId: 'of ann' })
  const looks = call('ann', 'tasks/get', { taskId: 'of ann' })
  expect(askedBy(question(related('of ann')), () => [bob, looks, ann])).toEqual({ exchange: ann, neighbours: [] })
  // Bob is alone there, and it is none of his.
  expect(askedBy(question(related('of ann')), () => [bob])).toEqual(NOBODYS)
  expect(askedBy(question(related('of bob')), () => [ann])).toEqual(NOBODYS)
  expect(askedBy(question({}), () => [bob]).exchange).toBe(bob)
})

// [TASK-9]
test('what is said of a task is said to who waits for its result, once, and to nobody else', () => {
  const [one, two] = [call('ann', 'tasks/result', { taskId: 'a' }), call('ann', 'tasks/result', { taskId: 'a' })]
  const bob = call('bob', 'tools/call')
  const status = { method: 'notifications/tasks/status', params: { taskId: 'a', status: 'working' } }
  expect(waiterFor(status, [bob, one, two])).toBe(one)
  expect(waiterFor(status, [bob])).toBeNull()
  const progress = { method: 'notifications/progress', params: { progressToken: 1, progress: 1, ...related('a') } }
  expect(waiterFor(progress, [bob, two])).toBe(two)
  expect(waiterFor({ ...progress, params: { progressToken: 1, progress: 1 } }, [one])).toBeNull()
  expect(waiterFor({ method: 'notifications/message', params: related('a') }, [one])).toBeNull()
})
