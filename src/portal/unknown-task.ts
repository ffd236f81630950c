/** Forged, forgotten, denied and somebody else's: to whoever asks, a task that never was, in the same bytes. */
import { notFound } from '../protocol/errors.ts'
import type { Reply } from '../protocol/model.ts'
import type { Performed } from './checkpoint.ts'

/** @param done the request of a server that knows the task no more; null where none was asked */
export function unknownTask(done: Performed | null): Performed {
  const reply: Reply = { kind: 'error', error: notFound('task', '') }
  return done === null ? { reply, credential: null, upstreamMs: 0 } : { ...done, reply }
}
