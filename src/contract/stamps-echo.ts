/** Who wrote what is shown, and when: taken back as it was shown, and not looked at. */
import { z } from 'zod'

export const stampsEcho = {
  origin: z.unknown().optional(),
  created_at: z.unknown().optional(),
  created_by: z.unknown().optional(),
  modified_at: z.unknown().optional(),
  modified_by: z.unknown().optional(),
  updated_at: z.unknown().optional(),
}
