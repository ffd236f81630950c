/** Who the portal says it is, and to whom. */
import { expect, test } from 'vitest'
import { clientDocument, documentUrl } from './client-document.ts'
import { isSameParty } from './domains.ts'

test('the document names itself by its own URL, exactly, and the one address to come back to', () => {
  const issuer = 'https://portal.acme.com'
  const document = clientDocument(issuer)
  expect(document.client_id).toBe(documentUrl(issuer))
  expect(document).toMatchObject({
    redirect_uris: ['https://portal.acme.com/servers-callback'],
    grant_types: ['authorization_code', 'refresh_token'],
    token_endpoint_auth_method: 'none',
    application_type: 'web',
  })
})

const hidden = [
  ...['http://portal.acme.com', 'https://localhost', 'https://portal.localhost', 'https://127.0.0.1:8443'],
  ...['https://[::1]', 'https://10.0.0.5', 'https://192.168.1.2', 'https://portal', 'https://portal.local'],
  ...[
    'https://portal.internal',
    'https://portal.home.arpa',
    'https://portal.test',
    'https://169.254.169.254',
    'nonsense',
  ],
]
for (const issuer of hidden) {
  test(`a portal at ${issuer} has no document, because nobody outside could read it`, () => {
    expect(documentUrl(issuer)).toBeNull()
  })
}

test('a portal inside has a document for an authorization server that stands inside, and for no other', () => {
  const inner = 'https://portal.corp.internal'
  expect(documentUrl(inner, 'https://login.corp.internal')).toBe(`${inner}/client-metadata.json`)
  expect(documentUrl(inner, 'https://login.acme.com')).toBeNull()
  expect(documentUrl('https://localhost:8443', 'http://127.0.0.1:1')).toBeNull()
})

const parties: [string, string, boolean][] = [
  ['https://auth.acme.com', 'https://auth.acme.com:8443/token', true],
  ['https://auth.acme.com', 'https://api.acme.com/token', true],
  ['https://acme.com', 'https://login.acme.com./token', true],
  ['https://acme.com', 'https://acme.com.evil.net/token', false],
  ['https://acme.com', 'https://evilacme.com/token', false],
  ['https://accounts.google.com', 'https://oauth2.googleapis.com/token', false],
  ['https://a.acme.co.uk', 'https://b.acme.co.uk', true],
  ['https://acme.co.uk', 'https://evil.co.uk', false],
  ['https://acme.com.au', 'https://evil.com.au', false],
  ['https://acme.github.io', 'https://evil.github.io', false],
  ['https://acme.pages.dev', 'https://acme.pages.dev/token', true],
  ['https://203.0.113.5', 'https://203.0.113.6', false],
  ['http://127.0.0.1:1', 'http://127.0.0.1:2', true],
  ['http://localhost:1', 'http://127.0.0.1:1', false],
  ['https://a.localhost', 'https://b.localhost', false],
  ['https://as', 'https://other', false],
]
for (const [one, other, is] of parties) {
  test(`${one} and ${other} are ${is ? 'one party' : 'two'}`, () => {
    expect(isSameParty(new URL(one), new URL(other))).toBe(is)
    expect(isSameParty(new URL(other), new URL(one))).toBe(is)
  })
}
