/** What an admin may call things. The rules are Cloudflare's, and stricter where a name could be mistaken for another. */
import { z } from 'zod'

const slug = /^[a-z0-9_]+(?:-[a-z0-9_]+)*$/

/** Keys and ids that JavaScript gives a meaning of its own; they name nothing here. */
export const FORBIDDEN_KEYS: readonly string[] = ['__proto__', 'constructor', 'prototype']

const id = z
  .string()
  .min(1)
  .max(32)
  .regex(slug, 'use lower-case letters, digits and "_", in groups joined by single "-"')
  .refine((text) => !FORBIDDEN_KEYS.includes(text), 'this word is reserved; choose another id')

/** An id from a name: `Health Ledger!` becomes `health-ledger`. @returns the empty string where no letter or digit is in it */
export function idFromName(name: string): string {
  return name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/\p{M}/gu, '')
    .replace(/[^a-z0-9_]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 32)
    .replace(/-+$/, '')
}

export const portalIdSchema = id

/** The portal's own tools are called `portal_…`, and a server's tools `{server_id}_…`. */
export const serverIdSchema = id.refine(
  (text) => text !== 'portal' && !text.startsWith('portal_'),
  '"portal" and ids that begin with "portal_" are reserved for the portal\'s own tools; choose another id',
)

export const policyIdSchema = z.string().min(1).max(64)

export const nameSchema = z.string().min(1).max(350)
export const descriptionSchema = z.string().max(512)

const label = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/

/** Compared without regard to case; an address is not a name. */
export const portalHostnameSchema = z
  .string()
  .min(1)
  .max(253)
  .refine((text) => {
    const labels = text.toLowerCase().split('.')
    return labels.every((part) => label.test(part)) && !/^[0-9]+$/.test(labels.at(-1) ?? '')
  }, 'give a host name such as "mcp.example.com", without scheme, port or path')

/** A point in time: RFC 3339 with an offset. */
export const timeSchema = z.iso.datetime({ offset: true })
