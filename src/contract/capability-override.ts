/** How an admin changes one tool or prompt, for a whole server or for one portal: switched, renamed, described anew. */
import { z } from 'zod'
import { LABELS, type Label, labelsInput } from './reach.ts'

/** 1 to 40 characters: letters and digits in groups joined by single `_` or `-`. */
const aliasPattern = /^[a-zA-Z0-9]+([_-][a-zA-Z0-9]+)*$/

const alias = z.string().min(1).max(40).regex(aliasPattern, 'use letters and digits, joined by single "_" or "-"')
const description = z.string().max(4096)

/** As it is stored. Omitting `alias` resets it. */
export interface CapabilityOverride {
  name: string
  enabled?: boolean | undefined
  alias?: string | undefined
  description?: string | undefined
  /** What a tool does with data, beside what is said of its whole server; of servers only. */
  labels?: readonly Label[] | undefined
}

/**
 * As it is sent: the plain form, or what a read of a server or portal gave. A read names both levels
 * (`portal_alias`, `server_alias`), and the whole object may be sent back.
 */
export const capabilityOverrideInput = z.strictObject({
  name: z.string().min(1).max(256),
  enabled: z.boolean().nullish(),
  alias: alias.nullish(),
  description: description.nullish(),
  portal_alias: alias.nullish(),
  portal_description: description.nullish(),
  server_alias: alias.nullish(),
  server_description: description.nullish(),
  /** Of a server's tool; in a portal it says nothing. */
  labels: labelsInput.nullish(),
})
export type CapabilityOverrideInput = z.infer<typeof capabilityOverrideInput>

export const overrideListInput = z.array(capabilityOverrideInput).max(10_000)

export const serverOverrideShown = z.object({
  name: z.string(),
  enabled: z.boolean().optional(),
  alias: z.string().optional(),
  description: z.string().optional(),
  labels: z.array(z.enum(LABELS)).optional(),
})

export const portalOverrideShown = z.object({
  name: z.string(),
  enabled: z.boolean().optional(),
  portal_alias: z.string().optional(),
  portal_description: z.string().optional(),
  server_alias: z.string().optional(),
  server_description: z.string().optional(),
})

/** What was sent for one level; the other level's members are an echo of a read and say nothing here. */
export function overrideFor(level: 'server' | 'portal', input: CapabilityOverrideInput): CapabilityOverride {
  const alias = input.alias ?? (level === 'portal' ? input.portal_alias : input.server_alias)
  const description = input.description ?? (level === 'portal' ? input.portal_description : input.server_description)
  return {
    name: input.name,
    ...(typeof input.enabled === 'boolean' ? { enabled: input.enabled } : {}),
    ...(typeof alias === 'string' ? { alias } : {}),
    ...(typeof description === 'string' ? { description } : {}),
    ...(level === 'server' && input.labels ? { labels: input.labels } : {}),
  }
}

/**
 * A name or alias that two capabilities of one server would share.
 *
 * @param originals the names that the server itself is known to have
 * @returns which entry is at fault and why, or null
 */
export function overrideClash(
  overrides: readonly CapabilityOverride[],
  originals: ReadonlySet<string>,
): { index: number; field: 'name' | 'alias'; message: string } | null {
  const names = new Set<string>()
  const aliases = new Set<string>()
  for (const [index, { name, alias }] of overrides.entries()) {
    if (names.has(name)) return { index, field: 'name', message: `"${name}" is listed twice` }
    names.add(name)
    if (alias === undefined || alias === name) continue
    if (aliases.has(alias)) return { index, field: 'alias', message: `the alias "${alias}" is used twice` }
    if (originals.has(alias)) return { index, field: 'alias', message: `the server already has a "${alias}"` }
    aliases.add(alias)
  }
  return null
}
