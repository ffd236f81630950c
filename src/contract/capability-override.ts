/** How an admin changes one tool or prompt, for a whole server or for one portal: switched, renamed, described anew. */
import { z } from 'zod'

/** 1 to 40 characters: letters and digits in groups joined by single `_` or `-`. */
export const aliasPattern = /^[a-zA-Z0-9]+([_-][a-zA-Z0-9]+)*$/

const alias = z.string().min(1).max(40).regex(aliasPattern, 'use letters and digits, joined by single "_" or "-"')
const description = z.string().max(4096)
const named = { name: z.string().min(1).max(256), enabled: z.boolean().optional() }

/** As it is stored. Omitting `alias` resets it. */
export const capabilityOverride = z.strictObject({
  ...named,
  alias: alias.optional(),
  description: description.optional(),
})

export type CapabilityOverride = z.infer<typeof capabilityOverride>
