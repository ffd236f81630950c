/**
 * Header names that an admin may choose, for saying who calls and for reading a service token. A name that frames the message, routes it,
 * speaks for the protocol or carries another credential would make somebody read another request than we sent or were sent.
 */
import { z } from 'zod'
import { isAllowedHeader } from './credentials.ts'

/** Beside those that no credential may set either. */
const SPOKEN_FOR: readonly string[] = [
  'baggage',
  'cf-access-client-id',
  'cf-access-client-secret',
  'date',
  'forwarded',
  'traceparent',
  'tracestate',
  'www-authenticate',
]
/** `x-forwarded-*` is a proxy's word, `sec-*` a browser's, `if-*` and `range` ask for another answer. */
const FAMILIES = /^(?:x-forwarded-|x-real-ip$|sec-|if-|access-control-|range$)/

function isFree(name: string): boolean {
  const lower = name.toLowerCase()
  return isAllowedHeader(name) && !SPOKEN_FOR.includes(lower) && !FAMILIES.test(lower)
}

/** @returns whether a server may be told who calls in a header of this name */
export function isIdentityHeader(name: string): boolean {
  return isFree(name) && name.toLowerCase() !== 'authorization'
}

/** @returns whether a portal may read a whole service token from a header of this name */
export function isServiceTokenHeader(name: string): boolean {
  return isFree(name)
}

/** Kept as it is written: names of headers are compared without regard to case. */
export const identityHeaderSchema = z
  .string()
  .max(128)
  .refine(isIdentityHeader, 'must be a header that is free for it, such as "Cf-Access-Jwt-Assertion"')

export const serviceTokenHeaderSchema = z
  .string()
  .max(128)
  .refine(isServiceTokenHeader, 'must be "Authorization", or another header that is free for it')

/** `groups`, or the name of a claim that an identity provider gave and its settings keep. */
export const identityClaimsSchema = z
  .array(z.string().regex(/^[\x21-\x7e]{1,64}$/, 'give the names of claims, such as "groups" or "department"'))
  .max(16)
  .refine((names) => new Set(names).size === names.length, 'names a claim twice')
