import { describe, expect, test } from 'vitest'
import { awaited, ownPath, signInPath } from './return-to.ts'

describe('where a person goes on to after signing in', () => {
  for (const path of [
    '/',
    '/?portal=team-tools',
    '/consent/Q7_x-1',
    '/authorize?elicitationId=abc',
    '/device',
    '/setup/link/abc',
    '/approve/1',
    '/connect/github?next=1',
  ])
    test(`${path} is a page of ours`, () => expect(ownPath(path)).toBe(path))

  for (const path of [
    ...[
      '',
      'consent/x',
      '//evil.example',
      '/\\evil.example',
      '/%5cevil.example',
      'https://evil.example/',
      'javascript:alert(1)',
    ],
    ...[
      '/consent//evil.example',
      '/consent/../sign-out',
      '/consent/x\n',
      '/consent/x\r\nset-cookie: a=b',
      '/consent/x#y',
      '/consentx',
    ],
    ...[
      '/sign-in',
      '/sign-out',
      '/oauth/authorize',
      '/client/v4',
      '/?portal=x&y=z',
      '/?portal=//evil',
      '/consent/x?\u202e',
    ],
    ...[`/consent/${'x'.repeat(600)}`, '/@evil.example', '/.evil', '/consent/x;y', null, undefined, 7, ['/device']],
  ])
    test(`${JSON.stringify(path)} is none`, () => expect(ownPath(path)).toBe('/'))

  test('the authorization that waits is known by its path', () => {
    expect([awaited('/consent/abc'), awaited('/consent/'), awaited('/device')]).toEqual(['abc', null, null])
    expect(signInPath('/consent/abc')).toBe('/sign-in?return_to=%2Fconsent%2Fabc')
    expect(signInPath('/')).toBe('/sign-in')
  })
})
