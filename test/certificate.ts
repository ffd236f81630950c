/**
 * Certificates for `secure.example` and `other.example`, and for this machine, good for tests only: everybody has its key. `trustIt` makes this
 * process believe it, as `NODE_EXTRA_CA_CERTS` does at the start of one.
 */
import { createPrivateKey } from 'node:crypto'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'

const KEY = [
  'MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgPF9aYsQg3xPy0h212+iMs+UlEt2UXpgg0fvgKTcos4KhRANCAATE',
  'SmRdCfmYDHANir1jgGlexQWthzhIJlT5APkX1EN2d99hq1ToueJvHhoEXAJp1TFkOUXtk9sYHzw9a9wYfbSQ',
]

const CERTIFICATE = [
  'MIIBsjCCAVegAwIBAgIUApEEhFN5pLdKzbA6x7l3xXiRFrQwCgYIKoZIzj0EAwIwGDEWMBQGA1UEAwwNUG9ydGljbyB0ZXN0czAg',
  'Fw0yNjExMjExNTExMDRaGA8yMTI2MTAyODE1MTEwNFowGDEWMBQGA1UEAwwNUG9ydGljbyB0ZXN0czBZMBMGByqGSM49AgEGCCqG',
  'SM49AwEHA0IABMRKZF0J+ZgMcA2KvWOAaV7FBa2HOEgmVPkA+RfUQ3Z332GrVOi54m8eGgRcAmnVMWQ5Re2T2xgfPD1r3Bh9tJCj',
  'fTB7MB0GA1UdDgQWBBT/aZy2psjcRr92AppXEKX/ENxxWTAfBgNVHSMEGDAWgBT/aZy2psjcRr92AppXEKX/ENxxWTAoBgNVHREE',
  'ITAfgg5zZWN1cmUuZXhhbXBsZYINb3RoZXIuZXhhbXBsZTAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0kAMEYCIQCQDSFv',
  'vLsMWC26tc2Ak4gx8qGCN1+3sIOALz1/dRSptgIhAOALezhPjq0SUFEJkeT+4UNwPgDMD2yINinC4MCMgzMv',
]

const LOCAL_CERTIFICATE = [
  'MIIBsjCCAVigAwIBAgIUcHNvcrYJ8Lk/uAe1Ye+jYDS78mIwCgYIKoZIzj0EAwIwKDEmMCQGA1UEAwwdUG9ydGljbyB0ZXN0cyBvbiB0',
  'aGlzIG1hY2hpbmUwIBcNMjYxMTIxMTg1NDM4WhgPMjEyNjEwMjgxODU0MzhaMCgxJjAkBgNVBAMMHVBvcnRpY28gdGVzdHMgb24gdGhp',
  'cyBtYWNoaW5lMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAExEpkXQn5mAxwDYq9Y4BpXsUFrYc4SCZU+QD5F9RDdnffYatU6Lnibx4a',
  'BFwCadUxZDlF7ZPbGB88PWvcGH20kKNeMFwwGgYDVR0RBBMwEYIJbG9jYWxob3N0hwR/AAABMA8GA1UdEwEB/wQFMAMBAf8wDgYDVR0P',
  'AQH/BAQDAgKEMB0GA1UdDgQWBBT/aZy2psjcRr92AppXEKX/ENxxWTAKBggqhkjOPQQDAgNIADBFAiEAoA1fW5CANqbgUBYp/3D7xfdN',
  '6ayrSXkT7ra/OFQ9wYICICd6+jzkxC/nZpE1C/riKjTPokVf4Z1S1IoJlINRhMlB',
]

/** For `createServer` of `node:https`. */
export const certificate = {
  key: createPrivateKey({ key: Buffer.from(KEY.join(''), 'base64'), format: 'der', type: 'pkcs8' }).export({
    format: 'pem',
    type: 'pkcs8',
  }),
  cert: pem(CERTIFICATE),
}

/** The same key with a certificate for `localhost` and 127.0.0.1, where names cannot be made to lead elsewhere. */
export const localCertificate = { key: certificate.key, cert: pem(LOCAL_CERTIFICATE) }

export function trustIt(): void {
  setDefaultCACertificates([...getCACertificates('default'), certificate.cert, localCertificate.cert])
}

function pem(lines: readonly string[]): string {
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}
