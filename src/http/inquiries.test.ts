import { expect, test } from 'vitest'
import { Inquiries } from './inquiries.ts'

const yes = { action: 'accept' }

test('an answer ends the question of the session that was asked, and no other’s', async () => {
  const inquiries = new Inquiries()
  const ada = inquiries.open('a')
  const bob = inquiries.open('b')
  expect(ada.id).not.toBe(bob.id)
  expect(inquiries.answer('b', { id: ada.id, outcome: 'result', body: { action: 'decline' } })).toBe(false)
  expect(inquiries.answer('a', { id: ada.id, outcome: 'result', body: yes })).toBe(true)
  expect(await ada.end).toEqual({ kind: 'result', body: yes })
  expect(inquiries.size).toBe(1)
  bob.settle({ kind: 'over', why: 'gone' })
  expect(inquiries.size).toBe(0)
})

test('a second answer counts for nothing', async () => {
  const inquiries = new Inquiries()
  const { id, end } = inquiries.open('a')
  inquiries.answer('a', { id, outcome: 'error', body: { code: 1, message: 'm' } })
  expect(inquiries.answer('a', { id, outcome: 'result', body: yes })).toBe(false)
  expect(await end).toEqual({ kind: 'error', body: { code: 1, message: 'm' } })
})

test('a question that nobody answers in its time is over', async () => {
  const inquiries = new Inquiries(20)
  const { end } = inquiries.open('a')
  expect(await end).toEqual({ kind: 'over', why: 'late' })
  expect(inquiries.size).toBe(0)
})

test('a session that ends takes its questions along', async () => {
  const inquiries = new Inquiries()
  const ada = inquiries.open('a')
  const other = inquiries.open('ab')
  inquiries.endSession('a')
  expect(await ada.end).toEqual({ kind: 'over', why: 'gone' })
  expect(inquiries.answer('ab', { id: other.id, outcome: 'result', body: yes })).toBe(true)
})

test('a number is no id of ours', () => {
  const inquiries = new Inquiries()
  inquiries.open('a')
  expect(inquiries.answer('a', { id: 1, outcome: 'result', body: yes })).toBe(false)
  inquiries.endSession('a')
})
