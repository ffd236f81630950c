/**
 * Mail, for PINs. The connection is the guard's (`base/egress.ts`), so that this is no other way out; TLS on it is nodemailer's, checked
 * against the name in the settings. What a mail server says is not for the log: it may quote the address, or the mail.
 */
import { createTransport } from 'nodemailer'
import type { Egress } from '../../base/egress.ts'
import type { Log } from '../../base/log.ts'

export interface MailSettings {
  host: string
  port: number
  user: string | null
  password: string | null
  /** The address that mail comes from. */
  from: string
  /** `starttls`: encrypted before anything is said, or not sent. `implicit`: encrypted from the first byte. `none`: in the clear. */
  tls: 'starttls' | 'implicit' | 'none'
}

export interface Mail {
  to: string
  subject: string
  text: string
}

export interface Mailer {
  /** Whether one more can be under way. */
  hasRoom(): boolean
  /** Sends in the background: how long it takes tells whoever asked for it nothing. What fails is logged. */
  send(mail: Mail): void
  /** Waits for what is under way. */
  close(): Promise<void>
}

const CONNECT_MS = 10_000
const SILENCE_MS = 20_000
const AT_ONCE = 50

export function openMailer(settings: MailSettings, egress: Pick<Egress, 'dialMail'>, log: Log): Mailer {
  const { host, port, user, password, from, tls } = settings
  const transport = createTransport({
    ...{ host, port, secure: tls === 'implicit', requireTLS: tls === 'starttls', ignoreTLS: tls === 'none' },
    ...(user === null ? {} : { auth: { user, pass: password ?? '' }, forceAuth: true }),
    ...{ connectionTimeout: CONNECT_MS, greetingTimeout: SILENCE_MS, socketTimeout: SILENCE_MS },
    // A mail that names a file or an address would have it read and sent.
    ...{ disableFileAccess: true, disableUrlAccess: true },
    getSocket(_options, callback) {
      egress.dialMail({ host, port }, CONNECT_MS).then(
        (connection) => callback(null, { connection }),
        (error: Error) => callback(error, false),
      )
    },
  })
  const underWay = new Set<Promise<void>>()

  async function deliver(mail: Mail): Promise<void> {
    // After the answer to whoever asked: the work on a mail must not show in how long that takes.
    await new Promise(setImmediate)
    try {
      await transport.sendMail({ from, ...mail, headers: { 'Auto-Submitted': 'auto-generated' } })
    } catch (error) {
      const { code, responseCode, command } = error as { code?: string; responseCode?: number; command?: string }
      log.warn({ code, responseCode, command }, 'a mail could not be sent; check smtp.* in the settings')
    }
  }

  return {
    hasRoom: () => underWay.size < AT_ONCE,
    send(mail) {
      const sending = deliver(mail).finally(() => underWay.delete(sending))
      underWay.add(sending)
    },
    async close() {
      await Promise.all(underWay)
      transport.close()
    },
  }
}
