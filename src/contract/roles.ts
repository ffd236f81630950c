/** The shapes of roles: who may work on the portal itself. And of the links that an owner hands on. */
import { z } from 'zod'
import { emailSchema } from './email.ts'
import { roleSchema } from './rights.ts'

const group = z.string().min(1).max(512)

export const roleMemberCreate = z
  .strictObject({
    role: roleSchema,
    /** A person, by an address that counts. */
    email: emailSchema.optional(),
    /** Everybody in this group, as the identity provider calls it. */
    group: group.optional(),
    identity_provider_id: z.string().min(1).max(64).optional(),
  })
  .superRefine((body, context) => {
    if ((body.email === undefined) === (body.group === undefined))
      context.addIssue({ code: 'custom', path: ['email'], message: 'give either an email or a group' })
    if ((body.group === undefined) !== (body.identity_provider_id === undefined))
      context.addIssue({
        code: 'custom',
        path: ['identity_provider_id'],
        message: 'a group is one of an identity provider: give both, or neither',
      })
  })
export type RoleMemberCreate = z.infer<typeof roleMemberCreate>

export const roleMemberShown = z.object({
  id: z.string(),
  role: roleSchema,
  email: z.string().nullable(),
  group: z.string().nullable(),
  identity_provider_id: z.string().nullable(),
  created_at: z.string(),
  created_by: z.string(),
})
export type RoleMemberShown = z.infer<typeof roleMemberShown>

export const roleMemberDeleted = z.object({ id: z.string() })

export const adminLinkCreate = z.discriminatedUnion('purpose', [
  /** Becoming the first owner. */
  z.strictObject({ purpose: z.literal('admin') }),
  /** Setting the password of an account, which is made where there is none. */
  z.strictObject({ purpose: z.literal('password'), email: emailSchema }),
])
export type AdminLinkCreate = z.infer<typeof adminLinkCreate>

/** The only answer that holds the link, once. */
export const adminLinkShown = z.object({ url: z.string(), expires_at: z.string() })
export type AdminLinkShown = z.infer<typeof adminLinkShown>
