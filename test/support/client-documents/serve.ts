/**
 * Documents of clients over TLS on loopback, as their makers publish them on the web. The certificate is its own authority, good for
 * `127.0.0.1` and `localhost` and for tests only: everybody has its key. A portal believes it where NODE_EXTRA_CA_CERTS names `ca`.
 */
import { createPrivateKey } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const KEY = [
  'MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgT5N2p3QtVT2UarKhtY03724gcZMkAGDNBkL7SxAp91uhRANCAAS4P9WhYMeNXM',
  'EG7RJLTq9nILzrG6aZL8qot0aSgCFwXysRFr99eeojFWOJJcSQ4+QXnb72YNW6xerNEMnWu7OQ',
]

const CERTIFICATE = [
  'MIIBsjCCAVmgAwIBAgIUP3A86sYtA76lDXUQKLl2rZuV8aIwCgYIKoZIzj0EAwIwIDEeMBwGA1UEAwwVUG9ydGljbyB0ZXN0IGxvb3BiYWNrMC',
  'AXDTI2MTEyMTE5MDQxM1oYDzIxMjYxMDI4MTkwNDEzWjAgMR4wHAYDVQQDDBVQb3J0aWNvIHRlc3QgbG9vcGJhY2swWTATBgcqhkjOPQIBBggq',
  'hkjOPQMBBwNCAAS4P9WhYMeNXMEG7RJLTq9nILzrG6aZL8qot0aSgCFwXysRFr99eeojFWOJJcSQ4+QXnb72YNW6xerNEMnWu7OQo28wbTAdBg',
  'NVHQ4EFgQUhhwSvWY62+8p8e1mCDNjYOmyxfwwHwYDVR0jBBgwFoAUhhwSvWY62+8p8e1mCDNjYOmyxfwwGgYDVR0RBBMwEYcEfwAAAYIJbG9j',
  'YWxob3N0MA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDRwAwRAIgYL4BmLpDiCz2s1Rs8t8PEQohEHrp/udc9qK7FiDj3HwCIH0jVuZavR',
  'xbk3eJbWKzvsDyP2A8rAQgKvk1nis8x+K+',
]

export interface DocumentServer {
  /** `127.0.0.1:PORT`, as the setting `oauth.allow_private` takes it. */
  place: string
  /** The file with the certificate. */
  ca: string
  /** Publishes a document under its file name, with the address as its `client_id`. @returns the address */
  publish(name: string, document: Readonly<Record<string, unknown>>): string
  /** How often the document was fetched. */
  fetched(name: string): number
  close(): Promise<void>
}

export async function serveDocuments(): Promise<DocumentServer> {
  const dir = await mkdtemp(join(tmpdir(), 'client-documents-'))
  const cert = `-----BEGIN CERTIFICATE-----\n${CERTIFICATE.join('\n')}\n-----END CERTIFICATE-----\n`
  const ca = join(dir, 'ca.pem')
  await writeFile(ca, cert)
  const key = createPrivateKey({ key: Buffer.from(KEY.join(''), 'base64'), format: 'der', type: 'pkcs8' })
  const documents = new Map<string, string>()
  const counts = new Map<string, number>()
  const server = createServer({ cert, key: key.export({ format: 'pem', type: 'pkcs8' }) }, (request, response) => {
    const name = request.url?.slice('/oauth/'.length) ?? ''
    const document = documents.get(name)
    counts.set(name, (counts.get(name) ?? 0) + 1)
    response.writeHead(document === undefined ? 404 : 200, { 'content-type': 'application/json' })
    response.end(document ?? '{}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const place = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    ...{ place, ca },
    publish(name, document) {
      const address = `https://${place}/oauth/${name}`
      documents.set(name, JSON.stringify({ ...document, client_id: address }))
      return address
    },
    fetched: (name) => counts.get(name) ?? 0,
    async close() {
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
      await rm(dir, { recursive: true, force: true })
    },
  }
}
