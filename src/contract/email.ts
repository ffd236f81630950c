/** An e-mail address as an admin may write it. */
import { z } from 'zod'

export const emailSchema = z
  .string()
  .min(3)
  .max(320)
  .regex(
    /^[^\s@\p{Cc}]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?$/u,
    'give an e-mail address (its domain beyond ASCII as "xn--…")',
  )

/** A domain by its letters alone; beyond ASCII as A-label. */
export const emailDomainSchema = z
  .string()
  .min(1)
  .max(253)
  .regex(/^[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?$/, 'give a domain such as "example.com" (beyond ASCII as "xn--…")')
