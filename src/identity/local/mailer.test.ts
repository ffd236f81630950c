import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { certificate, trustIt } from '../../../test/certificate.ts'
import { type Mailbox, openMailbox } from '../../../test/support/mailbox.ts'
import { localEgress } from '../../../test/upstream-room.ts'
import type { Egress } from '../../base/egress.ts'
import type { Log } from '../../base/log.ts'
import { type MailSettings, openMailer } from './mailer.ts'

trustIt()

const MAIL = { to: 'ada@acme.test', subject: 'A code', text: '1234 5678\n' }
const SETTINGS = { user: 'portal', password: 'mail password', from: 'portal@acme.test' }

describe('mail', () => {
  let egress: Egress
  let mailbox: Mailbox | null
  let warned: object[]
  beforeEach(() => {
    mailbox = null
    warned = []
    // Whatever the name, it is this machine.
    egress = localEgress({ resolve: async () => [{ address: '127.0.0.1', family: 4 }] })
  })
  afterEach(async () => {
    await egress.close()
    await mailbox?.close()
  })

  const open = async (options: Parameters<typeof openMailbox>[0]): Promise<Mailbox> => {
    mailbox = await openMailbox({
      ...certificate,
      authOptional: false,
      onAuth: (auth, _session, done) =>
        auth.password === SETTINGS.password ? done(null, { user: auth.username }) : done(new Error('wrong password')),
      ...options,
    })
    return mailbox
  }
  const sendWith = async (
    settings: Pick<MailSettings, 'host' | 'port' | 'tls'> & Partial<MailSettings>,
    by = egress,
  ) => {
    const log = { warn: (what: object) => warned.push(what) } as unknown as Log
    const mailer = openMailer({ ...SETTINGS, ...settings }, by, log)
    mailer.send(MAIL)
    await mailer.close()
  }

  test.each(['starttls', 'implicit'] as const)(
    'goes out encrypted (%s), signed in, to a server with a good name',
    async (tls) => {
      const { port, mails } = await open({ secure: tls === 'implicit' })
      await sendWith({ host: 'secure.example', port, tls })
      expect(warned).toEqual([])
      expect(mails).toMatchObject([{ to: [MAIL.to], secure: true, user: 'portal' }])
      expect(mails[0]?.raw).toContain('1234 5678')
    },
  )

  test.each(['starttls', 'implicit'] as const)(
    'is not given to a server whose certificate has another name (%s)',
    async (tls) => {
      const { port, mails } = await open({ secure: tls === 'implicit' })
      await sendWith({ host: 'elsewhere.example', port, tls })
      expect(mails).toEqual([])
      expect(warned).toHaveLength(1)
    },
  )

  test('is not given to a server that offers no encryption where it is asked for', async () => {
    const { port, mails } = await open({ disabledCommands: ['STARTTLS'] })
    await sendWith({ host: 'secure.example', port, tls: 'starttls' })
    expect(mails).toEqual([])
    expect(warned).toHaveLength(1)
  })

  test('that is refused is told to the log without address, code or password', async () => {
    const { port } = await open({ onRcptTo: ({ address }, _session, done) => done(new Error(`no ${address} here`)) })
    await sendWith({ host: 'secure.example', port, tls: 'starttls' })
    expect(warned).toEqual([{ code: 'EENVELOPE', responseCode: 550, command: 'RCPT TO' }])
  })

  test.each([
    { where: 'a metadata service', host: '169.254.169.254', of: {} },
    {
      where: 'a name that leads to a metadata service',
      host: 'mail.example',
      of: { resolve: async () => [{ address: '169.254.169.254', family: 4 }] },
    },
    { where: 'the portal itself', host: '127.0.0.1', of: { port: () => 2525 } },
  ])('does not go to $where', async ({ host, of }) => {
    const guard = localEgress(of)
    await sendWith({ host, port: 2525, tls: 'starttls' }, guard)
    await guard.close()
    expect(warned).toHaveLength(1)
    await expect(guard.dialMail({ host, port: 2525 }, 1000)).rejects.toThrow('the destination is refused')
  })

  test('may go to a mail server inside, where nothing else may', async () => {
    const { port } = await open({})
    const guard = localEgress({ host: '0.0.0.0', publicUrl: 'https://portal.example' })
    const socket = await guard.dialMail({ host: '127.0.0.1', port }, 1000)
    socket.destroy()
    expect(guard.judge(new URL(`http://127.0.0.1:${port}/`), [])).toBe('loopback')
    await guard.close()
  })
})
