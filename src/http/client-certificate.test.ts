/** What a proxy says of certificates, in the forms that proxies write, and from peers that are none. */
import { X509Certificate } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { certificate } from '../../test/certificate.ts'
import type { Config } from '../config.ts'
import { openClientAddresses } from './client-address.ts'
import { openClientCertificates } from './client-certificate.ts'

const PROXY = '10.0.0.5'
const addresses = openClientAddresses(['10.0.0.0/8', 'fd00::/8'])
const NAME = 'x-client-cert'

const told = (form: NonNullable<Config['clientCertificate']>['form'], value: string | null, peer = PROXY) =>
  openClientCertificates({ header: NAME, form }, addresses).of(
    peer,
    value === null ? ['Host', 'a'] : ['Host', 'a', 'X-Client-Cert', value],
  )
const shown = (commonName: string | null) => ({ present: true, commonName })

// [CERT-1]
describe('a header about certificates', () => {
  test.each(['203.0.113.9', '127.0.0.1', '::1', '11.0.0.1', ''])(
    'says nothing from %s, which is no trusted proxy',
    (peer) => {
      expect(told('common_name', 'laptop', peer)).toBe(null)
      expect(told('common_name', null, peer)).toBe(null)
    },
  )

  test.each([PROXY, `::ffff:${PROXY}`, 'fd00::1'])('is believed from %s', (peer) => {
    expect(told('common_name', 'laptop', peer)).toEqual(shown('laptop'))
  })

  test.each([null, '', ' ', '-'])('that holds %j says that there was none', (value) => {
    for (const form of ['common_name', 'subject', 'certificate'] as const)
      expect(told(form, value)).toEqual({ present: false, commonName: null })
  })

  test('that stands twice says nothing: one of them is the client’s own', () => {
    const certificates = openClientCertificates({ header: NAME, form: 'common_name' }, addresses)
    expect(certificates.of(PROXY, ['X-Client-Cert', 'admin', 'x-client-cert', 'laptop'])).toBe(null)
    expect(certificates.of(PROXY, ['X-Client-Cert', 'admin', 'x-client-cert', ''])).toBe(null)
  })

  test('is not looked at where no setting names it', () => {
    expect(openClientCertificates(null, addresses).of(PROXY, ['X-Client-Cert', 'admin'])).toBe(null)
  })
})

// [CERT-3]
describe('the common name of a subject', () => {
  test.each([
    ['CN=laptop', 'laptop'],
    ['CN=laptop,OU=Staff,O=Acme,C=PT', 'laptop'],
    ['C=PT, O=Acme, CN=laptop', 'laptop'],
    ['cn=laptop', 'laptop'],
    ['2.5.4.3=laptop', 'laptop'],
    ['CN=laptop+serialNumber=7,O=Acme', 'laptop'],
    ['CN=Doe\\, Jane,O=Acme', 'Doe, Jane'],
    ['CN=Jos\\C3\\A9,O=Acme', 'José'],
    ['CN=JosÃ©,O=Acme', 'José'],
    ['CN=a=b', 'a=b'],
    ['O=Acme\\,CN=admin,CN=laptop', 'laptop'],
    ['O=CN=admin,CN=laptop', 'laptop'],
  ])('%s is %s', (subject, name) => {
    expect(told('subject', subject)).toEqual(shown(name))
  })

  test.each(['O=Acme,C=PT', 'O=Acme\\,CN=admin', 'O=CN=admin', 'emailAddress=cn@acme.test'])(
    '%s has none',
    (subject) => {
      expect(told('subject', subject)).toEqual(shown(null))
    },
  )

  test.each([
    'CN=admin,CN=laptop',
    'CN=admin+CN=laptop',
    '/O=Acme/CN=admin',
    'laptop',
    'CN="admin"',
    'CN=#1303414243',
    'CN=a\\',
    'CN=\\FF',
    'CN=\xff',
    'CN=a,',
    'O=Acme;CN=admin',
    '=admin',
  ])('%s cannot be told', (subject) => {
    expect(told('subject', subject)).toBe(null)
  })

  test('is nothing but the name where the header holds only that', () => {
    expect(told('common_name', 'CN=admin,O=Acme')).toEqual(shown('CN=admin,O=Acme'))
    expect(told('common_name', '\xff')).toBe(null)
  })
})

const TWO = [
  'MIIBtDCCAVugAwIBAgIUcdPAKZtqavzPCUy8YMmL09puZdcwCgYIKoZIzj0EAwIwLzENMAsGA1UECgwEQWNtZTEOMAwGA1UEAwwFYWxpY2UxDjAM',
  'BgNVBAMMBWFkbWluMCAXDTI2MTEyMjAxMDg0OFoYDzIxMjYxMDI5MDEwODQ4WjAvMQ0wCwYDVQQKDARBY21lMQ4wDAYDVQQDDAVhbGljZTEOMAwG',
  'A1UEAwwFYWRtaW4wWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAARq9h8xk/3OSM3WjklD1GO7GA72jT6FWmZ+V3G3uCkt4HZBFq9QqnN0QNgsiVql',
  'lGf857QLWi2u+beXV62Oi5Hto1MwUTAdBgNVHQ4EFgQUAPo0ROnz1/XdICM3lXNE+NohnSQwHwYDVR0jBBgwFoAUAPo0ROnz1/XdICM3lXNE+Noh',
  'nSQwDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNHADBEAiAtY8uPrVIqqgRfRjPUH/7ZHfXZX5Lk8gsFGfvUTHNI9QIgHps8QivGCwuDsH98',
  'XcUs+DNa8NlwIPpYwZUHD3VOQMs=',
].join('')
const NAMELESS = [
  'MIIBfTCCASOgAwIBAgIUH79a99Jp3+lq5vlQgJkpNqR6FtIwCgYIKoZIzj0EAwIwEzERMA8GA1UECgwIQ049YWRtaW4wIBcNMjYxMTIyMDEwODQ4',
  'WhgPMjEyNjEwMjkwMTA4NDhaMBMxETAPBgNVBAoMCENOPWFkbWluMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEw3cYfpGtsFnzlcFGd10X+f93',
  'gKzNzNQkdDqqdXhwq3pKmvEkyiuIheqWbufVuIs5IABw20QrTdAKALAqySZ4p6NTMFEwHQYDVR0OBBYEFBg6b51kb0cYDkpU5iOMkqmskBoKMB8G',
  'A1UdIwQYMBaAFBg6b51kb0cYDkpU5iOMkqmskBoKMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIgZyl4lFlXjtu9zp7njUlokhY9',
  'cPugjbRLXxCkk514tXICIQCj2/ux0nUji4BxRXrktsdz+1a2h4IIjj/giHUvjhHQlg==',
].join('')

describe('the common name of a whole certificate', () => {
  test('is read from PEM as nginx writes it, and as RFC 9440 does', () => {
    const escaped = encodeURIComponent(certificate.cert)
    expect(told('certificate', escaped)).toEqual(shown('Portico tests'))
    const der = new X509Certificate(certificate.cert).raw.toString('base64')
    expect(told('certificate', `:${der}:`)).toEqual(shown('Portico tests'))
  })
  test('cannot be told where it has two', () => {
    expect(told('certificate', `:${TWO}:`)).toBe(null)
  })
  test('is none where only its organisation looks like one', () => {
    expect(told('certificate', `:${NAMELESS}:`)).toEqual(shown(null))
  })
  test.each(['CN=admin', 'admin', ':YWRtaW4=:', '%', '-----BEGIN%20CERTIFICATE-----', certificate.key.toString()])(
    '%s is no certificate, and says nothing',
    (value) => {
      expect(told('certificate', value)).toBe(null)
    },
  )
})
