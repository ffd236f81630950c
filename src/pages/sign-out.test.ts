/** What signing out does where the world fails it; the rest is a journey. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openPageRoom, type PageRoom } from '../../test/page-room.ts'
import type { ConnectDesk } from '../upstream/connections/desk-model.ts'
import { SIGN_OUT_PAGES } from './sign-out.ts'

let room: PageRoom
beforeEach(async () => {
  room = await openPageRoom()
})
afterEach(() => room.end())

describe('signing out', () => {
  test('that cannot be recorded is not done, and says so', async () => {
    await room.audit.close()
    const answer = await room.send(SIGN_OUT_PAGES, '/sign-out')
    expect([answer.status, await answer.text()]).toEqual([
      503,
      expect.stringContaining('The portal cannot do this now'),
    ])
    expect(await room.isSignedIn()).toBe(true)
  })

  test('that fails at the connections has signed out all the same, and says that it may be a part', async () => {
    const desk = { disconnect: () => Promise.reject(new Error('cause')) } as unknown as ConnectDesk
    const answer = await room.send(SIGN_OUT_PAGES, '/sign-out', { connections: 'yes' }, { desk })
    expect([answer.status, await answer.text()]).toEqual([500, expect.stringContaining('only a part')])
    expect(await room.isSignedIn()).toBe(false)
    expect(await room.audit.query({ limit: 5, method: 'sign-out', phase: 'ended' })).toMatchObject([
      { outcome: 'failed' },
    ])
  })
})

describe('a page that fails', () => {
  test('says so without a word of the cause, which the log has', async () => {
    const broken = {
      method: 'GET' as const,
      path: '/x',
      handler: () => Promise.reject(new Error('secret of the cause')),
    }
    const answer = await room.open([broken], '/x')
    const text = await answer.text()
    expect([answer.status, text]).toEqual([500, expect.stringContaining('Something went wrong in the portal')])
    expect(text).not.toContain('secret')
    expect(room.logged.join()).toContain('secret of the cause')
  })
})
