/** The shape of the answer to "who am I, and what is this portal?". */
import { z } from 'zod'
import { rightSchema, roleSchema } from './rights.ts'

export const meShown = z.object({
  kind: z.enum(['person', 'api_token']),
  /** A person's address, or what the provider calls them; a token's name. */
  name: z.string(),
  role: roleSchema,
  rights: z.array(rightSchema),
  organization: z.string(),
  /** The account id to ask under. */
  account: z.string(),
  version: z.string(),
  /** Under which people sign in, and clients come. */
  url: z.string(),
  database: z.enum(['sqlite', 'postgres']),
  /** The file that declares objects, which can then be changed there alone. */
  config_file: z.string().nullable(),
})
export type MeShown = z.infer<typeof meShown>
