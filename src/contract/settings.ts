/** The shape of `/settings`: what the portal was started with, as far as people who look after it may know it. Never a secret. */
import { z } from 'zod'

export const SETTING_ROOMS = ['addresses', 'mail', 'keeping'] as const

export const settingShown = z.object({
  room: z.enum(SETTING_ROOMS),
  /** As the configuration file calls it. */
  setting: z.string(),
  /** As the environment calls it. */
  variable: z.string(),
  /** Null where nothing is set. Of a secret, whether it is set. */
  value: z.union([z.string(), z.boolean(), z.null()]),
})
export type SettingShown = z.infer<typeof settingShown>
