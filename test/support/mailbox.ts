/** A real mail server on loopback that keeps what it is sent. */
import type { AddressInfo } from 'node:net'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'

export interface ReceivedMail {
  from: string
  to: string[]
  /** Headers and text, as they came. */
  raw: string
  /** Whether the connection was encrypted by then. */
  secure: boolean
  /** As whom the sender signed in, or null. */
  user: string | null
}

export interface Mailbox {
  port: number
  mails: readonly ReceivedMail[]
  /** The next mail that comes, or that came since the last call. */
  next(): Promise<ReceivedMail>
  close(): Promise<void>
}

export async function openMailbox(options: SMTPServerOptions = {}): Promise<Mailbox> {
  const mails: ReceivedMail[] = []
  const waiting: ((mail: ReceivedMail) => void)[] = []
  let read = 0
  const server = new SMTPServer({
    ...{ authOptional: true, logger: false, disableReverseLookup: true, closeTimeout: 500 },
    onData(stream, session, callback) {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
        const { mailFrom, rcptTo } = session.envelope
        const mail = {
          from: mailFrom === false || mailFrom === undefined ? '' : mailFrom.address,
          to: rcptTo.map(({ address }) => address),
          raw: Buffer.concat(chunks).toString(),
          secure: session.secure === true,
          user: typeof session.user === 'string' ? session.user : null,
        }
        mails.push(mail)
        waiting.shift()?.(mail)
        callback()
      })
    },
    ...options,
  })
  // A sender that breaks off is what some tests are about.
  server.on('error', () => {})
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.server.address() as AddressInfo
  return {
    port,
    mails,
    async next() {
      const mail = mails[read++]
      return mail ?? new Promise<ReceivedMail>((resolve) => waiting.push(resolve))
    },
    close: () => new Promise<void>((resolve) => server.close(() => resolve())),
  }
}

/** The eight digits in a mail. */
export function codeIn({ raw }: ReceivedMail): string {
  const [, one = '', two = ''] = /^(\d{4}) (\d{4})\r?$/m.exec(raw) ?? []
  return one + two
}
