import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { DATABASE_KINDS } from '../../../test/databases.ts'
import { type LocalRoom, openLocalRoom, VISITOR } from '../../../test/local-room.ts'
import { codeIn } from '../../../test/support/mailbox.ts'
import { addProvider, giveRole } from '../../../test/support/people.ts'
import { changeOrganization } from '../organization.ts'
import type { Local } from './model.ts'

const ADA = 'ada@acme.test'
const BROWSER = 'a'.repeat(64)
const OTHER_BROWSER = 'b'.repeat(64)
const MINUTE = 60_000
const refused = (reason: string, returnTo = '/') => ({ kind: 'refused', reason, returnTo })

describe.each(DATABASE_KINDS)('signing in with a mailed PIN on %s', (kind) => {
  let room: LocalRoom
  beforeEach(async () => {
    room = await openLocalRoom(kind, { mayReceive: (email) => email.endsWith('@acme.test') })
    await addProvider(room.store, 'pin', 'onetimepin')
    // Whoever adds one through the API says so; here it is told by hand.
    await room.store.write((trx) => room.store.versions.bump(trx, 'identity'))
  })
  afterEach(() => room.end())

  const send = (email = ADA, binding = BROWSER, clientIp = VISITOR.clientIp) =>
    room.local.sendPin({ email, binding, returnTo: '/consent/1', from: { ...VISITOR, clientIp } })
  const enter = (code: string, binding = BROWSER, local: Local = room.local) =>
    local.enterPin({ code, binding, from: VISITOR })
  const askedCode = async (email = ADA): Promise<string> => {
    await send(email)
    return codeIn(await room.mailbox.next())
  }
  const another = (code: string): string => String((Number(code) + 1) % 10 ** 8).padStart(8, '0')
  const recorded = async () =>
    (await room.audit.query({ limit: 50, phase: 'ended', plane: 'sign-in' })).map(({ method, error, actor }) => [
      ...[method, error ?? 'ok', actor.label],
    ])

  test('the code in the mail signs the address in, once, and leads where the browser was going', async () => {
    expect(await send(' Ada@ACME.test')).toBeUndefined()
    const mail = await room.mailbox.next()
    expect(mail).toMatchObject({ from: 'portal@acme.test', to: [ADA] })
    expect(mail.raw).toMatch(/^Auto-Submitted: auto-generated\r?$/m)
    expect(mail.raw).toMatch(/^Subject: Your sign-in code for Portico\r?$/m)
    const code = codeIn(mail)
    expect(code).toMatch(/^\d{8}$/)
    const done = await enter(` ${code.slice(0, 4)} ${code.slice(4)} `)
    if (done.kind !== 'signed-in') throw new Error(done.reason)
    expect(done.returnTo).toBe('/consent/1')
    const { session } = await room.needs.browsers.look(done.setCookie.split(';')[0] ?? '')
    expect(session).toMatchObject({
      email: ADA,
      identity: { provider: 'pin', issuer: 'portico:onetimepin', subject: ADA, groups: [], amr: ['otp'] },
    })
    expect(await enter(code)).toEqual(refused('login-binding'))
    expect(await recorded()).toEqual([
      ['sign-in pin', 'login-binding', ''],
      ['sign-in pin', 'ok', ADA],
    ])
  })

  // [SIGNIN-4]
  test('five wrong codes end it, even for the right one, on whichever replica', async () => {
    const other = kind === 'postgres' ? await room.again() : room.local
    const code = await askedCode()
    for (let i = 0; i < 5; i++) {
      expect(await enter(another(code), BROWSER, i % 2 === 0 ? room.local : other)).toEqual(
        refused('wrong-credentials', '/consent/1'),
      )
    }
    expect(await enter(code, BROWSER, other)).toEqual(refused('login-binding'))
  })

  test('of twenty codes at once five are looked at', async () => {
    const code = await askedCode()
    const answers = await Promise.all(Array.from({ length: 20 }, () => enter(another(code))))
    expect(answers.filter((answer) => answer.kind === 'refused' && answer.reason === 'wrong-credentials')).toHaveLength(
      5,
    )
  })

  test('the right code twice at once signs in once', async () => {
    const code = await askedCode()
    const answers = await Promise.all([enter(code), enter(code), enter(code)])
    expect(answers.filter(({ kind }) => kind === 'signed-in')).toHaveLength(1)
  })

  // [SIGNIN-4]
  test('the right code from another browser, or too late, opens nothing', async () => {
    const code = await askedCode()
    expect(await enter(code, OTHER_BROWSER)).toEqual(refused('login-binding'))
    room.move(10 * MINUTE)
    expect(await enter(code)).toEqual(refused('login-binding'))
  })

  test('a new code ends the one before', async () => {
    const first = await askedCode()
    const second = await askedCode()
    expect(await enter(first)).toEqual(refused('wrong-credentials', '/consent/1'))
    expect((await enter(second)).kind).toBe('signed-in')
  })

  // [SIGNIN-5]
  test('an address that could get nothing is answered alike and gets no mail, and its code is tried like any other', async () => {
    expect(await send('stranger@elsewhere.test')).toBeUndefined()
    expect(await enter('00000000')).toEqual(refused('wrong-credentials', '/consent/1'))
    expect(await send('no address at all')).toBeUndefined()
    await giveRole(room.store, 'auditor', 'auditor@elsewhere.test')
    await send('auditor@elsewhere.test')
    // What comes first was sent first: the stranger's would stand before it.
    expect((await room.mailbox.next()).to).toEqual(['auditor@elsewhere.test'])
    expect(room.mailbox.mails).toHaveLength(1)
  })

  // Each of them a mail program reads as another address, or as several: whoever has that one would come in as somebody else.
  test.each([
    ...[
      'x,eve@acme.test',
      'x;eve@acme.test',
      'x:eve@acme.test',
      'ada<eve@acme.test',
      '<ada@acme.test',
      'ada(eve@acme.test',
    ],
    ...[
      '"ada"@acme.test',
      'ada\\eve@acme.test',
      'eve[@acme.test',
      '.ada@acme.test',
      'ada.@acme.test',
      'ada..x@acme.test',
    ],
    ...['ada\u200b@acme.test', 'ad\u202ea@acme.test', '\u212aate@acme.test'],
  ])('%j is no address', async (email) => {
    expect(await send(email)).toBeUndefined()
    await send('last@acme.test')
    expect((await room.mailbox.next()).to).toEqual(['last@acme.test'])
  })

  test('three codes in ten minutes go to one address, and ten to one network', async () => {
    const answers = []
    for (let i = 0; i < 4; i++) answers.push(await send())
    expect(answers).toEqual([undefined, undefined, undefined, 'locked-out'])
    expect(await send('stranger@elsewhere.test')).toBeUndefined()
    for (let i = 0; i < 6; i++) expect(await send(`one${i}@acme.test`)).toBeUndefined()
    expect(await send('ten@acme.test')).toBe('locked-out')
    expect(await send('ten@acme.test', BROWSER, '198.51.100.9')).toBeUndefined()
    room.move(10 * MINUTE)
    expect(await send()).toBeUndefined()
  })

  test('the name of the organisation adds neither headers nor recipients to the mail', async () => {
    const name = 'Acme\r\nBcc: eve@evil.test\r\nX-Planted: yes\r\n\r\nAnd a body'
    await room.store.write((trx) => changeOrganization(room.store, trx, { name }))
    await send()
    const { to, raw } = await room.mailbox.next()
    expect(to).toEqual([ADA])
    const [head = ''] = raw.split('\r\n\r\n')
    expect(head).not.toMatch(/^(?:bcc|x-planted):/im)
    expect(head).toContain('Subject: ')
  })

  // [SIGNIN-4]
  test('whoever asks for codes of one address without ever having one waits longer each time, from wherever', async () => {
    let codes = 0
    for (let minute = 0; minute < 24 * 60; minute += 10) {
      for (let i = 0; i < 3; i++) {
        const answer = await send(ADA, `${minute}-${i}`, `198.51.${minute % 200}.${i}`)
        if (answer !== undefined) continue
        codes++
        await room.mailbox.next()
      }
      room.move(10 * MINUTE)
    }
    // Five tries each, of a hundred million.
    expect(codes).toBeLessThan(40)
    room.move(60 * MINUTE)
    for (let i = 0; i < 5; i++) expect((await enter(await askedCode())).kind).toBe('signed-in')
  })

  test('the code is kept as a keyed digest, and not at all once it is over', async () => {
    const code = await askedCode()
    const kept = JSON.stringify(await room.store.db.selectFrom('pins').selectAll().execute())
    expect(kept).not.toContain(code)
    expect(kept).toMatch(/"pin_hmac":"[0-9a-f]{8}\.[\w-]{43}"/)
    room.move(10 * MINUTE + 1)
    await room.local.forget()
    expect(await room.store.db.selectFrom('pins').selectAll().execute()).toEqual([])
  })

  test('is offered only where there is such a provider and local sign-in is on', async () => {
    expect(room.local.offersPin()).toBe(true)
    await room.store.write((trx) => changeOrganization(room.store, trx, { localSignIn: 'off' }))
    expect(room.local.offersPin()).toBe(false)
    await send()
    expect(await enter('00000000')).toEqual(refused('not-offered'))
    await room.store.write((trx) => changeOrganization(room.store, trx, { localSignIn: 'on' }))
    await room.store.write(async (trx) => {
      await trx.deleteFrom('identity_providers').execute()
      await room.store.versions.bump(trx, 'identity')
    })
    expect(room.local.offersPin()).toBe(false)
    await send()
    expect(room.mailbox.mails).toEqual([])
  })
})

test('without mail a PIN is not offered', async () => {
  const room = await openLocalRoom('sqlite', { mailer: null })
  try {
    await addProvider(room.store, 'pin', 'onetimepin')
    await room.store.write((trx) => room.store.versions.bump(trx, 'identity'))
    expect(room.local.offersPin()).toBe(false)
  } finally {
    await room.end()
  }
})
