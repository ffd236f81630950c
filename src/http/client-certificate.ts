/**
 * What a trusted proxy says of the certificate that a client showed it: TLS ends there, so the portal sees none itself. From anybody
 * else the header is nobody's word and is not looked at. What cannot be read with certainty is not known, which rules tell from "none":
 * two common names, two headers, text that is no distinguished name.
 */
import { X509Certificate } from 'node:crypto'
import type { Config } from '../config.ts'
import type { Origin } from '../policy/model.ts'
import type { ClientAddresses } from './client-address.ts'

export interface ClientCertificates {
  /**
   * @param peer the socket's remote address
   * @param raw `IncomingMessage.rawHeaders`
   * @returns null where nothing is known
   */
  of(peer: string, raw: readonly string[]): Origin['certificate']
}

type Shown = Origin['certificate']

const NONE: Shown = { present: false, commonName: null }
/** A header is the same for all requests of a client. */
const MOST_KEPT = 1000

export function openClientCertificates(
  source: Config['clientCertificate'],
  addresses: Pick<ClientAddresses, 'isTrustedProxy'>,
): ClientCertificates {
  if (source === null) return { of: () => null }
  const { header, form } = source
  const kept = new Map<string, Shown>()

  function read(value: string): Shown {
    const known = kept.get(value)
    if (known !== undefined) return known
    const made = READERS[form](value)
    if (kept.size >= MOST_KEPT) kept.clear()
    kept.set(value, made)
    return made
  }

  return {
    of(peer, raw) {
      if (!addresses.isTrustedProxy(peer)) return null
      const values = valuesOf(raw, header)
      // A second one would be the client's own, which the proxy should have taken out.
      if (values.length > 1) return null
      const value = values[0]?.trim() ?? ''
      // `-` is what some proxies write for nothing.
      return value === '' || value === '-' ? NONE : read(value)
    },
  }
}

const READERS: Readonly<Record<NonNullable<Config['clientCertificate']>['form'], (value: string) => Shown>> = {
  common_name: (value) => named(utf8Of(value)),
  subject: (value) => named(commonNameIn(utf8Of(value))),
  certificate: (value) => {
    try {
      const { CN } = new X509Certificate(bytesOf(value)).toLegacyObject().subject as { CN?: string | string[] }
      return named(CN === undefined ? '' : typeof CN === 'string' ? CN : null)
    } catch {
      return null
    }
  },
}

/** @param name empty: the certificate has none; null: it cannot be told */
function named(name: string | null): Shown {
  return name === null ? null : { present: true, commonName: name === '' ? null : name }
}

function valuesOf(raw: readonly string[], name: string): string[] {
  const values: string[] = []
  for (let i = 0; i + 1 < raw.length; i += 2) if (raw[i]?.toLowerCase() === name) values.push(raw[i + 1] as string)
  return values
}

/** URL-encoded PEM, or a byte sequence in colons (RFC 9440, section 2.2). */
function bytesOf(value: string): string | Buffer {
  const [, base64] = /^:([A-Za-z0-9+/=]+):$/.exec(value) ?? []
  return base64 === undefined ? decodeURIComponent(value) : Buffer.from(base64, 'base64')
}

/** Node reads headers as Latin-1. @returns null for bytes that are no UTF-8 */
function utf8Of(value: string): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(value, 'latin1'))
  } catch {
    return null
  }
}

/**
 * The one common name of a distinguished name (RFC 4514, section 3; RFC 2253 is the same here). A comma in somebody's name is escaped, so
 * nobody's organisation can bring a common name along.
 *
 * @returns empty where it has none, null where it has several or is none
 */
export function commonNameIn(subject: string | null): string | null {
  const parts = subject === null ? null : attributesOf(subject)
  if (parts === null) return null
  const names = parts.filter(({ type }) => /^(cn|2\.5\.4\.3)$/i.test(type))
  if (names.length > 1) return null
  return names[0] === undefined ? '' : names[0].value
}

interface Attribute {
  type: string
  value: string
}

const ATTRIBUTE = /^[ ]*([A-Za-z][A-Za-z0-9-]*|\d+(?:\.\d+)*)=/

/** @returns null for what is no distinguished name */
function attributesOf(text: string): Attribute[] | null {
  const attributes: Attribute[] = []
  let rest = text
  for (;;) {
    const [head, type] = ATTRIBUTE.exec(rest) ?? []
    if (head === undefined || type === undefined) return null
    const value = valueAt(rest.slice(head.length))
    if (value === null) return null
    attributes.push({ type, value: value.text })
    if (value.rest === '') return attributes
    rest = value.rest.slice(1)
  }
}

/** @returns the value, unescaped, and what follows it, separator first */
function valueAt(text: string): { text: string; rest: string } | null {
  const bytes: Buffer[] = []
  let at = 0
  while (at < text.length) {
    const char = text[at] as string
    if (char === ',' || char === '+') break
    // These must be escaped; `#` in front is an encoding that nobody uses for names.
    if (/["<>;]/.test(char) || (at === 0 && char === '#')) return null
    if (char !== '\\') {
      const point = String.fromCodePoint(text.codePointAt(at) as number)
      bytes.push(Buffer.from(point))
      at += point.length
      continue
    }
    const escaped = /^\\(?:([0-9A-Fa-f]{2})|([ "#+,;<=>\\]))/.exec(text.slice(at))
    if (escaped === null) return null
    bytes.push(escaped[1] === undefined ? Buffer.from(escaped[2] ?? '') : Buffer.from(escaped[1], 'hex'))
    at += escaped[0].length
  }
  const value = decoded(Buffer.concat(bytes))
  return value === null ? null : { text: value, rest: text.slice(at) }
}

function decoded(bytes: Buffer): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return null
  }
}
