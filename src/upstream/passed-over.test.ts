/** A question that may be one caller's or another's: the calls that it may have been of hear of it, and no others, before the server does. */
import { expect, test } from 'vitest'
import type { GrantId, UserId } from '../base/ids.ts'
import type { Principal } from '../base/principal.ts'
import { LIMITS } from '../config/limits.ts'
import { type Askable, NOTHING_ASKABLE } from '../protocol/asked.ts'
import { Exchange } from './exchange.ts'
import { ownRequest } from './handshake.ts'
import { askedBy, Questions } from './questions.ts'

const FORMS: Askable = { ...NOTHING_ASKABLE, form: true }
const person = (id: string) =>
  ({ kind: 'user', id: id as UserId, grant: `of ${id}` as GrantId }) as unknown as Principal
const question = { id: 'q', method: 'elicitation/create', params: { message: 'Who?', requestedSchema: {} } }

/** What happens, in order: `who` for a call that hears of a question, and what the server is told. */
function openPipe() {
  const log: string[] = []
  const calls: Exchange[] = []
  const call = (
    who: string,
    { askable = FORMS, hears = async () => {} }: { askable?: Askable; hears?: () => Promise<void> } = {},
  ) => {
    const passedOver = async () => {
      await hears()
      log.push(who)
    }
    const ask = async () => ({ result: { action: `asked ${who}` } })
    calls.push(new Exchange({ ...ownRequest('tools/call', {}), principal: person(who), askable, ask, passedOver }))
  }
  const { promise: isAnswered, resolve } = Promise.withResolvers<void>()
  const questions = new Questions({ askable: FORMS, onRefused: () => {} }, (_id, answer) => {
    log.push(JSON.stringify(answer))
    resolve()
  })
  const ask = () =>
    questions.take(
      question,
      askedBy(question, () => calls),
    )
  return { log, call, ask, isAnswered, questions, calls }
}

const DECLINED = '{"result":{"action":"decline"}}'

// [RELAY-6]
test('each call that could have been asked hears of it, and then the server hears no', async () => {
  const pipe = openPipe()
  const { promise: isWritten, resolve } = Promise.withResolvers<void>()
  pipe.call('ann', { hears: () => isWritten })
  pipe.call('bob')
  pipe.call('eve', { askable: NOTHING_ASKABLE })
  pipe.ask()
  await new Promise(setImmediate)
  expect(pipe.log).toEqual(['bob'])
  resolve()
  await pipe.isAnswered
  expect(pipe.log).toEqual(['bob', 'ann', DECLINED])
})

test('who is alone there is asked, and told of nothing', async () => {
  const pipe = openPipe()
  pipe.call('ann')
  pipe.call('ann')
  pipe.ask()
  await pipe.isAnswered
  expect(pipe.log).toEqual(['{"result":{"action":"asked ann"}}'])
})

test('the server hears no where it could not be written down, too', async () => {
  const pipe = openPipe()
  pipe.call('ann', { hears: () => Promise.reject(new Error('no audit')) })
  pipe.call('bob')
  pipe.ask()
  await pipe.isAnswered
  expect(pipe.log).toEqual(['bob', DECLINED])
})

test('a server that asks without end fills no audit: a call hears of so many questions as it can be asked', async () => {
  const pipe = openPipe()
  pipe.call('ann')
  pipe.call('bob')
  const most = LIMITS.questions_per_call.value
  for (let asked = 0; asked < most + 20; asked++) pipe.ask()
  await expect.poll(() => pipe.log.filter((one) => one === DECLINED)).toHaveLength(most + 20)
  for (const who of ['ann', 'bob']) expect(pipe.log.filter((one) => one === who)).toHaveLength(most)
})
