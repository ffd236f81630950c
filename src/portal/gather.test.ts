import { describe, expect, test } from 'vitest'
import { LIMITS } from '../config/limits.ts'
import type { JsonObject } from '../protocol/model.ts'
import { scanReply } from '../protocol/scan.ts'
import type { Performed } from './checkpoint.ts'
import { gather, ttlOf } from './gather.ts'

function answer(body: JsonObject): Performed {
  const reply = scanReply(Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 1, ...body })))
  if (reply === null) throw new Error('no answer')
  return { reply, credential: 'none', upstreamMs: 2 }
}

const page = (skills: JsonObject[string], more: JsonObject = {}) => answer({ result: { skills, ...more } })

describe('what a server lists', () => {
  test('is read page by page, and holds as long as the page that holds shortest', async () => {
    const asked: JsonObject[] = []
    const pages = [page([1, 2], { nextCursor: '', ttlMs: 9000 }), page([3], { ttlMs: 7000 })]
    const came = await gather('skills', async (params) => {
      asked.push(params)
      return pages[asked.length - 1] as Performed
    })
    expect(came).toMatchObject({ items: [1, 2, 3], ttlMs: 7000, done: { upstreamMs: 4 } })
    expect(asked).toEqual([{}, { cursor: '' }])
  })

  test('is no list where it is an error, a question, or anything else', async () => {
    const error = answer({ error: { code: -32601, message: 'no' } })
    expect(await gather('skills', async () => error)).toEqual({ failed: error, odd: false })
    for (const odd of [page({}), page([], { resultType: 'input_required' }), answer({ result: {} })])
      expect(await gather('skills', async () => odd)).toEqual({ failed: odd, odd: true })
  })
})

test('a list has so many entries, and so many bytes, and an end', async () => {
  let count = 0
  const one = await gather('skills', async () => page(['x'], { nextCursor: String(count++) }))
  expect(one).toMatchObject({ items: Array.from({ length: 50 }, () => 'x') })
  expect(count).toBe(50)
  const same = await gather('skills', async () => page(['x'], { nextCursor: 'again' }))
  expect(same).toMatchObject({ items: ['x', 'x'] })
  const most = LIMITS.skills.value
  const many = await gather('skills', async () =>
    page(
      Array.from({ length: most + 1 }, () => 1),
      { nextCursor: 'x' },
    ),
  )
  expect('items' in many && many.items.length).toBe(most)
  const half = 'x'.repeat(LIMITS.skills_bytes.value * 0.6)
  const long = await gather('skills', async () => page([half], { nextCursor: String(count++) }))
  expect('items' in long && long.items.length).toBe(1)
})

test.each([
  [5, 5],
  ['5', 0],
  [-1, 0],
  [1.5, 0],
  [1e300, 0],
  [null, 0],
])('a time of %j is one of %i ms', (ttlMs, ms) => {
  expect(ttlOf({ ttlMs })).toBe(ms)
})
