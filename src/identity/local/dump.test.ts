import { expect, test } from 'vitest'
import { DATABASE_KINDS } from '../../../test/databases.ts'
import { openLocalRoom, PASSWORD, VISITOR } from '../../../test/local-room.ts'
import { codeIn } from '../../../test/support/mailbox.ts'
import { addProvider } from '../../../test/support/people.ts'
import { makeAdminLink } from './admin-link.ts'

const MISTYPED = 'another long password'

// [CRED-2]
test.each(DATABASE_KINDS)(
  'a dump of %s holds no password, code, link, session or binding, in whatever form',
  async (kind) => {
    const room = await openLocalRoom(kind)
    try {
      await addProvider(room.store, 'pin', 'onetimepin')
      await room.store.write((trx) => room.store.versions.bump(trx, 'identity'))
      const made = await makeAdminLink(room.store, 'test')
      const link = made === 'admin-exists' ? '' : made.path.slice('/setup/link/'.length)
      const email = 'ada@acme.test'
      const browser = await room.needs.browsers.look(null)
      const done = await room.local.consumeAdminLink(link, { email, name: 'Ada', password: PASSWORD }, VISITOR)
      if (done.kind !== 'signed-in') throw new Error(done.kind)
      await room.local.signIn({ email, password: MISTYPED, from: VISITOR })
      await room.local.signIn({ email: MISTYPED, password: email, from: VISITOR })
      await room.local.sendPin({ email, binding: browser.binding, returnTo: '/', from: VISITOR })
      const code = codeIn(await room.mailbox.next())
      await room.local.enterPin({ code: '00000000', binding: browser.binding, from: VISITOR })
      const cookie = (text: string): string => text.split(';')[0]?.split('=')[1] ?? ''

      const tables = await room.store.db.introspection.getTables()
      const rows = []
      for (const { name } of tables)
        rows.push(
          await room.store.db
            .selectFrom(name as 'users')
            .selectAll()
            .execute(),
        )
      const dump = JSON.stringify([rows, await room.audit.query({ limit: 100 })])
      expect(dump).toContain(email)
      const planted = [link, PASSWORD, MISTYPED, code, cookie(done.setCookie), cookie(browser.setCookies[0] ?? '')]
      expect(planted.filter((secret) => secret.length < 8)).toEqual([])
      const found = planted.filter((secret) => formsOf(secret).some((form) => dump.includes(form)))
      expect(found).toEqual([])
    } finally {
      await room.end()
    }
  },
)

function formsOf(secret: string): string[] {
  const bytes = [Buffer.from(secret), Buffer.from(secret, 'base64url')]
  return [secret, ...bytes.flatMap((one) => [one.toString('hex'), one.toString('base64').replace(/=+$/, '')])]
}
