/** The shapes of a list: addresses of people, of machines, or other values, for policies to name. */
import { z } from 'zod'
import { isAddressRange } from './criteria.ts'
import { emailDomainSchema, emailSchema } from './email.ts'
import { pageQuery } from './envelope.ts'
import { nameSchema } from './ids.ts'
import { declaredId } from './policy.ts'
import { stamps } from './server.ts'
import { stampsEcho } from './stamps-echo.ts'

/** All of the field's; policies of this portal name lists of type EMAIL and IP. */
export const LIST_TYPES = [
  ...(['SERIAL', 'URL', 'DOMAIN', 'EMAIL', 'IP', 'CATEGORY', 'LOCATION', 'DEVICE', 'AAGUID'] as const),
] as const
export type ListType = (typeof LIST_TYPES)[number]

export const MOST_ITEMS = 10_000

const value = z.string().min(1).max(2048)
const description = z.string().max(512)

export const listItemInput = z.strictObject({
  value,
  description: description.nullish(),
  created_at: z.unknown().optional(),
})
export type ListItemInput = z.infer<typeof listItemInput>

const items = z.array(listItemInput).max(MOST_ITEMS)

export const listCreate = z.strictObject({
  name: nameSchema,
  type: z.enum(LIST_TYPES),
  description: description.nullish(),
  items: items.nullish(),
})
export type ListCreate = z.infer<typeof listCreate>

export const listDeclared = listCreate.extend({ id: declaredId })

/** Items that are sent replace those that are there. */
export const listUpdate = z.strictObject({
  name: nameSchema.optional(),
  description: description.nullish(),
  items: items.nullish(),
  id: z.unknown().optional(),
  type: z.unknown().optional(),
  count: z.unknown().optional(),
  ...stampsEcho,
})
export type ListUpdate = z.infer<typeof listUpdate>

/** What is removed is gone before what is appended comes. */
export const listEdit = z.strictObject({
  append: items.nullish(),
  remove: z.array(value).max(MOST_ITEMS).nullish(),
})
export type ListEdit = z.infer<typeof listEdit>

export const listItemShown = z.object({
  value: z.string(),
  description: z.string().optional(),
  created_at: z.string(),
})

export const listShown = z.object({
  id: z.string(),
  name: z.string(),
  type: z.enum(LIST_TYPES),
  description: z.string().optional(),
  count: z.int(),
  /** Of a single list; where there are many, ask for its items. */
  items: z.array(listItemShown).optional(),
  updated_at: z.string(),
  ...stamps,
})
export type ListShown = z.infer<typeof listShown>

export const listDeleted = z.object({ id: z.string() })

/**
 * A value as it is kept, so that one address is in a list once.
 *
 * @returns null for what a list of this type cannot hold
 */
export function plainListValue(type: ListType, text: string): string | null {
  if (type === 'EMAIL') return emailSchema.safeParse(text).success ? text.toLowerCase() : null
  if (type === 'DOMAIN') return emailDomainSchema.safeParse(text).success ? text.toLowerCase() : null
  if (type === 'IP') return isAddressRange(text) ? text.toLowerCase() : null
  return text
}

/** `order_by`, `direction` and `filter` are the field's; lists keep the order in which they were made. */
export const listQuery = pageQuery.extend({
  type: z.enum(LIST_TYPES).optional(),
  order_by: z.string().max(32).optional(),
  direction: z.string().max(8).optional(),
  filter: z.string().max(256).optional(),
})
export type ListQuery = z.infer<typeof listQuery>
