import { describe, expect, test } from 'vitest'
import { Busy, openPasswords, passwordProblems } from './password.ts'

const cases = [
  { when: 'eleven characters', password: 'elevenchars', wrong: 'has 11 characters; give at least 12' },
  { when: 'eleven letters of many bytes', password: '🔑'.repeat(11), wrong: 'has 11 characters; give at least 12' },
  { when: '257 characters', password: 'x'.repeat(257), wrong: 'has 257 characters; give at most 256' },
  { when: 'the address', password: 'ada.lovelace@acme.test', wrong: 'is the address' },
  { when: 'the address in capitals and with a space', password: 'ADA.Lovelace@acme.test ', wrong: 'is the address' },
  { when: 'what stands before the @', password: 'ada.lovelace', wrong: 'is the address' },
  { when: 'twelve characters', password: 'twelve chars', wrong: null },
  { when: '256 characters', password: 'é'.repeat(256), wrong: null },
]
for (const { when, password, wrong } of cases) {
  test(`a password: ${when} is ${wrong === null ? 'taken' : 'refused'}`, () => {
    expect(passwordProblems(password, 'ada.lovelace@acme.test')).toEqual(
      wrong === null ? [] : [expect.stringContaining(wrong)],
    )
  })
}

describe('a password that is kept', () => {
  test('is salted scrypt with the cost in it, 128 MiB', async () => {
    const passwords = openPasswords()
    const [one, two] = await Promise.all([passwords.hash('correct horse'), passwords.hash('correct horse')])
    expect(one).toMatch(/^scrypt\$131072\$8\$1\$[\w-]{22}\$[\w-]{43}$/)
    expect(one).not.toBe(two)
    expect(await passwords.fits('correct horse', one)).toBe(true)
    expect(await passwords.fits('correct horsf', one)).toBe(false)
  })

  test('fits however the keyboard composes its letters, at the cost that it was kept with', async () => {
    const kept = await openPasswords(2 ** 10).hash('caf\u00e9 au lait ok')
    expect(await openPasswords(2 ** 11).fits('cafe\u0301 au lait ok', kept)).toBe(true)
  })

  test('fits nobody where there is no account', async () => {
    expect(await openPasswords(2 ** 10).fits('', null)).toBe(false)
  })
})

test('two are reckoned at a time and 32 wait; more are turned away, and those that wait are all served', async () => {
  const passwords = openPasswords(2 ** 12)
  const kept = await passwords.hash('correct horse')
  const asked = Array.from({ length: 50 }, () => passwords.fits('correct horse', kept))
  expect(passwords.hasRoom()).toBe(false)
  const done = await Promise.allSettled(asked)
  const busy = done.filter((one) => one.status === 'rejected').map(({ reason }) => reason)
  expect(busy).toHaveLength(50 - 34)
  expect(busy.every((reason) => reason instanceof Busy)).toBe(true)
  expect(done.filter((one) => one.status === 'fulfilled' && one.value)).toHaveLength(34)
  expect(passwords.hasRoom()).toBe(true)
  expect(await passwords.fits('correct horse', kept)).toBe(true)
})
