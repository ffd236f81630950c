import { afterAll, beforeAll, expect, test } from 'vitest'
import { type AdminRoom, openAdminRoom } from '../../test/admin-room.ts'

let room: AdminRoom
beforeAll(async () => {
  const smtp = { host: 'mail.acme.test', port: 587, user: 'portal', password: 'a secret', from: 'p@acme.test' }
  room = await openAdminRoom('sqlite', { smtp: { ...smtp, tls: 'starttls' } })
})
afterAll(() => room.end())

test('settings are shown with the names that change them, and no secret is', async () => {
  const answer = await room.ask('GET', '/settings', { token: await room.token('auditor') })
  expect(answer.status).toBe(200)
  const { result } = answer.body
  expect(result).toContainEqual({
    ...{ room: 'mail', setting: 'smtp.host', variable: 'PORTICO_SMTP_HOST', value: 'mail.acme.test' },
  })
  expect(result).toContainEqual({
    ...{ room: 'mail', setting: 'smtp.password', variable: 'PORTICO_SMTP_PASSWORD', value: true },
  })
  expect(result.find(({ setting }) => setting === 'public_url')).toMatchObject({ value: null })
  expect(JSON.stringify(answer.body)).not.toContain('a secret')
  const without = await room.token('admin', { scopes: ['logs:read'] })
  expect((await room.ask('GET', '/settings', { token: without })).status).toBe(403)
})
