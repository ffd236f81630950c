/** The shapes of what is looked at and not stored: an address that may become a server, and the processes of a server. */
import { z } from 'zod'
import { httpUrl } from './credentials.ts'
import { AUTH_TYPES, allowPrivateSchema } from './server.ts'

export const serverProbe = z.strictObject({
  hostname: httpUrl,
  allow_private: allowPrivateSchema.optional(),
  /** As a server's: a token, or JSON of headers. It is sent to that address and kept nowhere. */
  auth_credentials: z.string().min(1).optional(),
})
export type ServerProbe = z.infer<typeof serverProbe>

export const PROBE_STEPS = ['address', 'connect', 'transport', 'era', 'auth', 'lists'] as const

const probeStep = z.object({
  step: z.enum(PROBE_STEPS),
  ok: z.boolean(),
  /** What was found, or what to do. */
  says: z.string(),
})
export type ProbeStep = z.infer<typeof probeStep>

export const probeShown = z.object({
  /** Those that were come to, in order; the one that failed is the last. */
  steps: z.array(probeStep),
  /** Absent where nothing that speaks MCP was found. */
  found: z
    .object({
      /** What a server should be created with. */
      hostname: z.string(),
      auth_type: z.enum(AUTH_TYPES),
      transport: z.enum(['http', 'sse']).optional(),
      /** `2026`: stateless, with `server/discover`; `2025`: with a handshake. */
      era: z.enum(['2025', '2026']).optional(),
      /** By its own word. */
      name: z.string().optional(),
      version: z.string().optional(),
      tool_count: z.int().optional(),
      prompt_count: z.int().optional(),
    })
    .optional(),
})
export type ProbeShown = z.infer<typeof probeShown>

export const processShown = z.object({
  pid: z.int(),
  started_at: z.string(),
  /** Who calls on it: everybody, one user, or one session. */
  whose: z.enum(['all', 'user', 'session']),
  in_flight: z.int(),
  /** Resident, of the process itself; absent where the system does not tell. */
  memory_bytes: z.int().optional(),
})
export type ProcessShown = z.infer<typeof processShown>
