/** The shapes of `/access/keys`: how often the keys that sign who calls are replaced. */
import { z } from 'zod'

export const keysUpdate = z.strictObject({ key_rotation_interval_days: z.int().min(1).max(365) })
export type KeysUpdate = z.infer<typeof keysUpdate>

export const keysShown = z.object({
  key_rotation_interval_days: z.number(),
  /** Absent before the first key was made, which is when a server first asks who calls. */
  last_key_rotation_at: z.string().optional(),
  days_until_next_rotation: z.number(),
})
export type KeysShown = z.infer<typeof keysShown>
