/** What a model is shown of a portal's tools, in each mode: of somebody whom the portal knows, or would know. */
import { z } from 'zod'

export const shownContextQuery = z
  .object({
    /** A person by id or address. */
    user: z.string().min(1).max(350).optional(),
    /** A service token by id, client id or name. */
    service_token: z.string().min(1).max(350).optional(),
  })
  .refine(({ user, service_token }) => (user === undefined) !== (service_token === undefined), {
    error: 'is required, or "service_token"; exactly one of them',
    path: ['user'],
  })
export type ShownContextQuery = z.infer<typeof shownContextQuery>

export const shownContext = z.object({
  portal: z.string(),
  /** Whether the portal lets them in at all; where not, there are no modes. */
  may_enter: z.boolean(),
  modes: z.array(
    z.object({
      mode: z.enum(['all', 'minimize_tools', 'search_and_execute', 'code_mode']),
      /** What clients get that do not ask for another. */
      is_usual: z.boolean(),
      /** Whether the portal's settings let a client have it. */
      is_offered: z.boolean(),
      instructions: z.string(),
      tools: z.array(
        z.object({
          /** Null where it is the portal's own. */
          server: z.string().nullable(),
          /** As a client has it listed. */
          definition: z.looseObject({ name: z.string() }),
        }),
      ),
    }),
  ),
  /** What is not known of them, or not counted, in words. */
  remarks: z.array(z.string()),
})
export type ShownContext = z.infer<typeof shownContext>
