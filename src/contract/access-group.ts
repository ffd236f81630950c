/** The shapes of a group: criteria under one name, for policies and other groups. */
import { z } from 'zod'
import { criteria, shownCriteria } from './criteria.ts'
import { nameSchema } from './ids.ts'
import { declaredId } from './policy.ts'
import { stamps } from './server.ts'
import { stampsEcho } from './stamps-echo.ts'

/** How deep groups may stand in groups. */
export const MOST_GROUP_DEPTH = 8

const settings = {
  exclude: criteria.nullish(),
  require: criteria.nullish(),
  /** Kept and shown: a policy names its groups, and none stands in all of them. */
  is_default: z.boolean().nullish(),
}

export const groupCreate = z.strictObject({ name: nameSchema, include: criteria.min(1), ...settings })
export type GroupCreate = z.infer<typeof groupCreate>

export const groupDeclared = groupCreate.extend({ id: declaredId })

export const groupUpdate = z.strictObject({
  name: nameSchema.optional(),
  include: criteria.min(1).optional(),
  ...settings,
  id: z.unknown().optional(),
  ...stampsEcho,
})
export type GroupUpdate = z.infer<typeof groupUpdate>

export const groupShown = z.object({
  id: z.string(),
  name: z.string(),
  include: shownCriteria,
  exclude: shownCriteria,
  require: shownCriteria,
  is_default: z.boolean(),
  updated_at: z.string(),
  ...stamps,
})
export type GroupShown = z.infer<typeof groupShown>

export const groupDeleted = z.object({ id: z.string() })
