import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { readSettings } from '../config.ts'
import { bootstrapOf, smtpOf } from './sign-in.ts'

const SECRET = 'a secret that is long'

describe('the settings of signing in', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'portico-settings-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  const read = (env: Record<string, string>, yaml?: string) => {
    if (yaml !== undefined) writeFileSync(join(folder, 'portico.yaml'), yaml)
    return readSettings({ flags: {}, env, cwd: folder }).values
  }
  const file = (text: string): string => {
    const path = join(folder, 'secret')
    writeFileSync(path, `${text}\n`)
    return path
  }

  test('mail is off until its server is named, and then encrypted', () => {
    expect(smtpOf(read({}))).toBeNull()
    expect(smtpOf(read({ PORTICO_SMTP_HOST: 'mail.acme.test', PORTICO_SMTP_FROM: 'Portal@acme.test' }))).toEqual({
      ...{ host: 'mail.acme.test', port: 587, user: null, password: null, from: 'portal@acme.test', tls: 'starttls' },
    })
  })

  test('passwords come from files too, by variable and by key', () => {
    const env = {
      PORTICO_SMTP_PASSWORD_FILE: file(SECRET),
      PORTICO_BOOTSTRAP_ADMIN_EMAIL: 'Ada@acme.test',
      PORTICO_BOOTSTRAP_ADMIN_PASSWORD_FILE: file(SECRET),
    }
    const values = read(env, 'smtp: {host: mail.acme.test, from: a@acme.test, user: portal}')
    expect(smtpOf(values)).toMatchObject({ user: 'portal', password: SECRET })
    expect(bootstrapOf(values)).toEqual({ email: 'ada@acme.test', password: SECRET })
    const yaml = `bootstrap: {admin_email: ada@acme.test, admin_password_file: secret}`
    expect(bootstrapOf(read({}, yaml))).toEqual({ email: 'ada@acme.test', password: SECRET })
  })

  const host = { PORTICO_SMTP_HOST: 'mail.acme.test' }
  const mail = { ...host, PORTICO_SMTP_FROM: 'a@acme.test' }
  const ada = { PORTICO_BOOTSTRAP_ADMIN_EMAIL: 'ada@acme.test' }
  test.each([
    { when: 'no sender', env: host, says: 'PORTICO_SMTP_HOST: mail needs an address' },
    { when: 'a sender with a name', env: { ...host, PORTICO_SMTP_FROM: 'A <a@acme.test>' }, says: 'e-mail address' },
    { when: 'a user without a password', env: { ...mail, PORTICO_SMTP_USER: 'x' }, says: 'set both smtp.user and' },
    {
      when: 'a password without a user',
      env: { ...mail, PORTICO_SMTP_PASSWORD: SECRET },
      says: 'set both smtp.user and',
    },
    {
      when: 'a password in the clear',
      env: { ...mail, PORTICO_SMTP_USER: 'x', PORTICO_SMTP_PASSWORD: SECRET, PORTICO_SMTP_TLS: 'none' },
      says: 'the password would travel in the clear',
    },
    { when: 'an owner without a password', env: ada, says: 'set both bootstrap.admin_email and' },
    {
      when: 'a password without an owner',
      env: { PORTICO_BOOTSTRAP_ADMIN_PASSWORD: SECRET },
      says: 'set both bootstrap.admin_email and',
    },
    {
      when: 'a short password',
      env: { ...ada, PORTICO_BOOTSTRAP_ADMIN_PASSWORD: 'sesame-open' },
      says: 'have 12 to 256',
    },
    {
      when: 'the address as password',
      env: { ...ada, PORTICO_BOOTSTRAP_ADMIN_PASSWORD: 'ada@acme.test' },
      says: 'is the address',
    },
  ])('$when is refused, and no password is said', ({ env, says }) => {
    let message = ''
    try {
      read(env)
    } catch (error) {
      message = String(error)
    }
    expect(message).toContain(says)
    expect(message).not.toContain(SECRET)
    expect(message).not.toContain('sesame-open')
  })

  test('a password may go in the clear to this machine', () => {
    const env = { ...mail, PORTICO_SMTP_HOST: '127.0.0.1', PORTICO_SMTP_USER: 'x', PORTICO_SMTP_PASSWORD: SECRET }
    expect(smtpOf(read({ ...env, PORTICO_SMTP_TLS: 'none' }))).toMatchObject({ tls: 'none', password: SECRET })
  })

  test('an unknown key is told with the one that was meant', () => {
    expect(() => read({}, 'smtp: {hots: x}')).toThrow('did you mean "host"?')
    expect(() => read({}, 'bootstrap: {email: x}')).toThrow('admin_email')
  })
})
