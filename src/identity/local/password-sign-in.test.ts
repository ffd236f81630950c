import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { DATABASE_KINDS } from '../../../test/databases.ts'
import { type LocalRoom, openLocalRoom, PASSWORD, VISITOR } from '../../../test/local-room.ts'
import { changeOrganization } from '../organization.ts'
import { switchUser } from '../people-store.ts'
import type { Local } from './model.ts'

const ADA = 'ada@acme.test'
const refused = (reason: string) => ({ kind: 'refused', reason })

describe.each(DATABASE_KINDS)('signing in with a password on %s', (kind) => {
  let room: LocalRoom
  beforeEach(async () => {
    room = await openLocalRoom(kind)
  })
  afterEach(() => room.end())

  const signIn = (password: string, email = ADA, local: Local = room.local, clientIp = VISITOR.clientIp) =>
    local.signIn({ email, password, from: { ...VISITOR, clientIp } })
  const recorded = async () =>
    (await room.audit.query({ limit: 50, phase: 'ended', plane: 'sign-in' })).map(
      ({ method, outcome, error, actor }) => ({
        ...{ method, outcome, error: error ?? null, label: actor.label },
      }),
    )

  test('the right one opens a session of the account, and is recorded', async () => {
    const userId = await room.account(ADA, 'Ada')
    const done = await signIn(PASSWORD, ' ADA@Acme.Test ')
    if (done.kind !== 'signed-in') throw new Error(done.reason)
    expect(done.who).toMatchObject({ userId, label: ADA, isNew: false })
    const { session } = await room.needs.browsers.look(done.setCookie.split(';')[0] ?? '')
    expect(session).toMatchObject({
      ...{ userId, email: ADA },
      identity: { provider: 'local', issuer: 'portico:local', subject: userId, groups: [], amr: ['pwd'] },
    })
    expect(await recorded()).toEqual([{ method: 'sign-in local', outcome: 'answered', error: null, label: ADA }])
  })

  test('a wrong one and an unknown address get the same answer, and the audit names the reason', async () => {
    await room.account(ADA)
    expect(await signIn('wrong password')).toEqual(refused('wrong-credentials'))
    expect(await signIn('wrong password', 'nobody@acme.test')).toEqual(refused('wrong-credentials'))
    expect((await recorded()).map(({ error, label }) => [error, label])).toEqual([
      ['wrong-credentials', 'nobody@acme.test'],
      ['wrong-credentials', ADA],
    ])
  })

  test('what is no address, such as a password in the wrong field, is refused and recorded nowhere', async () => {
    await room.account(ADA)
    expect(await signIn(ADA, PASSWORD)).toEqual(refused('wrong-credentials'))
    expect((await recorded())[0]).toMatchObject({ error: 'wrong-credentials', label: '' })
    expect(JSON.stringify(await room.audit.query({ limit: 50 }))).not.toContain(PASSWORD)
  })

  // [SIGNIN-2]
  test('after five wrong ones even the right one waits, for known and unknown alike, on every replica', async () => {
    await room.account(ADA)
    // SQLite has one process.
    const other = kind === 'postgres' ? await room.again() : room.local
    for (const email of [ADA, 'nobody@acme.test']) {
      const tried = []
      for (let i = 0; i < 6; i++) tried.push(await signIn('wrong password', email, i % 2 === 0 ? room.local : other))
      expect(tried).toEqual([...Array(5).fill(refused('wrong-credentials')), refused('locked-out')])
    }
    expect(await signIn(PASSWORD, ADA, other)).toEqual(refused('locked-out'))
    room.move(30_001)
    expect(await signIn('wrong again', ADA, other)).toEqual(refused('wrong-credentials'))
    expect(await signIn(PASSWORD, ADA)).toEqual(refused('locked-out'))
    room.move(60_001)
    expect((await signIn(PASSWORD, ADA)).kind).toBe('signed-in')
    // A proof clears the counter.
    for (let i = 0; i < 4; i++) expect(await signIn('wrong password')).toEqual(refused('wrong-credentials'))
    expect((await signIn(PASSWORD)).kind).toBe('signed-in')
  })

  test('a network that tries many addresses waits too, and one person who is let in stays no hindrance', async () => {
    await room.account(ADA)
    for (let i = 0; i < 60; i++) expect((await signIn(PASSWORD)).kind).toBe('signed-in')
    const answers = []
    for (let i = 0; i < 51; i++) answers.push(await signIn('wrong password', `one${i}@acme.test`))
    expect(answers.at(-2)).toEqual(refused('wrong-credentials'))
    expect(answers.at(-1)).toEqual(refused('locked-out'))
    expect(await signIn(PASSWORD)).toEqual(refused('locked-out'))
    expect((await signIn(PASSWORD, ADA, room.local, '198.51.100.9')).kind).toBe('signed-in')
  })

  test('addresses of one subscriber of IPv6 are one network', async () => {
    for (let i = 0; i < 50; i++)
      await signIn('wrong password', `one${i}@acme.test`, room.local, `2001:db8:1:2::${i + 1}`)
    const from = (clientIp: string) => signIn('wrong password', 'two@acme.test', room.local, clientIp)
    expect(await from('2001:db8:1:2:ffff::1')).toEqual(refused('locked-out'))
    expect(await from('2001:db8:1:3::1')).toEqual(refused('wrong-credentials'))
  })

  test('an account that is switched off is refused, and so is everybody where local sign-in is off', async () => {
    const userId = await room.account(ADA)
    await room.store.write((trx) => switchUser(room.store, trx, userId, 'off'))
    expect(await signIn(PASSWORD)).toEqual(refused('user-disabled'))
    await room.store.write((trx) => switchUser(room.store, trx, userId, 'on'))
    await room.store.write((trx) => changeOrganization(room.store, trx, { localSignIn: 'off' }))
    expect(room.local.offersPassword()).toBe(false)
    expect(await signIn(PASSWORD)).toEqual(refused('not-offered'))
  })

  test('the session that the browser had ends', async () => {
    await room.account(ADA)
    const first = await signIn(PASSWORD)
    if (first.kind !== 'signed-in') throw new Error(first.reason)
    await room.local.signIn({ email: ADA, password: PASSWORD, from: { ...VISITOR, previous: first.sessionId } })
    const { session } = await room.needs.browsers.look(first.setCookie.split(';')[0] ?? '')
    expect(session).toBeNull()
  })
})

// [SIGNIN-3]
test('200 tries of known and 200 of unknown addresses take as long as each other', { timeout: 120_000 }, async () => {
  // Cheaper than in earnest, but by far the largest part of the work.
  const room = await openLocalRoom('sqlite', {}, 2 ** 12)
  try {
    await room.account(ADA)
    const times: Record<'known' | 'unknown', number[]> = { known: [], unknown: [] }
    for (let i = 0; i < 400; i++) {
      const which = i % 2 === 0 ? 'known' : 'unknown'
      await room.store.db.deleteFrom('attempt_counters').execute()
      const before = performance.now()
      const email = which === 'known' ? ADA : `nobody${i}@acme.test`
      const answer = await room.local.signIn({ email, password: 'wrong password', from: VISITOR })
      times[which].push(performance.now() - before)
      expect(answer).toEqual(refused('wrong-credentials'))
    }
    const ratio = median(times.unknown) / median(times.known)
    expect(ratio).toBeGreaterThan(0.7)
    expect(ratio).toBeLessThan(1.4)
  } finally {
    await room.end()
  }
})

function median(all: readonly number[]): number {
  return [...all].sort((a, b) => a - b)[Math.floor(all.length / 2)] ?? 0
}
