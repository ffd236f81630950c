import { expect, test } from 'vitest'
import type { PortalUid, SessionId } from '../base/ids.ts'
import type { Session } from '../portal/sessions.ts'
import { Inquiries } from './inquiries.ts'

const client = { era: '2025' as const, version: '2025-11-25', name: null, clientVersion: null, capabilities: {} }
const session = (id: string): Session => ({
  ...{ id: id as SessionId, principal: 'user:ada', portalUid: 'p' as PortalUid, createdAt: 0, client, logLevel: null },
})
const [A, B, AB] = [session('a'), session('b'), session('ab')]
const yes = { action: 'accept' }

test('an answer ends the question of the session that was asked, and no other’s', async () => {
  const inquiries = new Inquiries()
  const ada = inquiries.open(A)
  const bob = inquiries.open(B)
  expect(ada.id).not.toBe(bob.id)
  expect(inquiries.answer(B, { id: ada.id, outcome: 'result', body: { action: 'decline' } })).toBe(false)
  expect(inquiries.answer(A, { id: ada.id, outcome: 'result', body: yes })).toBe(true)
  expect(await ada.end).toEqual({ kind: 'result', body: yes })
  expect(inquiries.size).toBe(1)
  bob.settle({ kind: 'over', why: 'gone' })
  expect(inquiries.size).toBe(0)
})

test('a second answer counts for nothing', async () => {
  const inquiries = new Inquiries()
  const { id, end } = inquiries.open(A)
  inquiries.answer(A, { id, outcome: 'error', body: { code: 1, message: 'm' } })
  expect(inquiries.answer(A, { id, outcome: 'result', body: yes })).toBe(false)
  expect(await end).toEqual({ kind: 'error', body: { code: 1, message: 'm' } })
})

test('a question that nobody answers in its time is over', async () => {
  const inquiries = new Inquiries(20)
  const { end } = inquiries.open(A)
  expect(await end).toEqual({ kind: 'over', why: 'late' })
  expect(inquiries.size).toBe(0)
})

test('a session that ends takes its questions along', async () => {
  const inquiries = new Inquiries()
  const ada = inquiries.open(A)
  const other = inquiries.open(AB)
  inquiries.endSession(A)
  expect(await ada.end).toEqual({ kind: 'over', why: 'gone' })
  expect(inquiries.answer(AB, { id: other.id, outcome: 'result', body: yes })).toBe(true)
})

test('a number is no id of ours', () => {
  const inquiries = new Inquiries()
  inquiries.open(A)
  expect(inquiries.answer(A, { id: 1, outcome: 'result', body: yes })).toBe(false)
  inquiries.endSession(A)
})
