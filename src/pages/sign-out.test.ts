/** What signing out does where the world fails it, and with connections to servers where there are any; the rest is a journey. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openPageRoom, type PageRoom } from '../../test/page-room.ts'
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

  test('deletes connections to servers where there are any, and only where that was ticked', async () => {
    const removed: string[] = []
    const connections = {
      remove: async (_trx: unknown, userId: string) => {
        removed.push(userId)
        return 3
      },
    }
    const asked = await room.open(SIGN_OUT_PAGES, '/sign-out', { connections })
    expect(await asked.text()).toContain('Also delete my connections to servers')
    expect(await (await room.open(SIGN_OUT_PAGES, '/sign-out')).text()).not.toContain('connections to servers')
    const kept = await (await room.send(SIGN_OUT_PAGES, '/sign-out', {}, { connections })).text()
    expect(kept).not.toContain('connections to servers deleted')
    expect(removed).toEqual([])
    await room.signIn()
    const done = await (await room.send(SIGN_OUT_PAGES, '/sign-out', { connections: 'yes' }, { connections })).text()
    expect(done).toContain('3 connections to servers deleted')
    expect(removed).toHaveLength(1)
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
