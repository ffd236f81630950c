/** What one caller may use in one portal: every tool with its verdict, and the policies that decide. */
import { z } from 'zod'
import { pageQuery } from './envelope.ts'
import { OBSTACLES, type Obstacle, obstacleShown, VERDICTS } from './policy-explanation.ts'

export const accessOverviewQuery = pageQuery
  .omit({ name: true })
  .extend({
    /** A person by id or address. */
    user: z.string().min(1).max(350).optional(),
    /** A service token by id, client id or name. */
    service_token: z.string().min(1).max(350).optional(),
    /** Nobody who signed in. */
    anonymous: z.literal('true').optional(),
    /** From which they would come. */
    ip: z.union([z.ipv4(), z.ipv6()], { error: 'give an IPv4 or IPv6 address' }).optional(),
    /** Tools unless given. */
    kind: z.enum(['tool', 'prompt']).optional(),
    /** Only of this server, by its id. */
    server: z.string().min(1).max(32).optional(),
    verdict: z.enum(VERDICTS).optional(),
  })
  .refine(
    ({ user, service_token, anonymous }) =>
      [user, service_token, anonymous].filter((who) => who !== undefined).length === 1,
    { error: 'is required, or "service_token" or "anonymous"; exactly one of them', path: ['user'] },
  )
export type AccessOverviewQuery = z.infer<typeof accessOverviewQuery>

const decider = z.object({
  level: z.enum(['portal', 'server']),
  /** Null where no policy of that level speaks of them, which is a no. */
  policy: z.string().nullable(),
  name: z.string().nullable(),
  /** The application whose own policy it is; null where it is reusable. */
  app_id: z.string().nullable(),
})

export const toolOverlooked = z.object({
  server: z.string(),
  /** As the portal lists it. */
  name: z.string(),
  /** The server's own name. */
  original: z.string(),
  /** As an explanation has it: `depends` is listed, and decided when it is called, unless it waits for an address or an evaluator. */
  verdict: z.enum(VERDICTS),
  /** Of a no, whose it is; else all that say yes: the portal's, and the server's where it has policies of its own. */
  decided_by: z.array(decider),
  depends_on: z.array(z.enum(['arguments', 'flow', 'origin', 'answers'])),
  /** What is asked for before a call goes on. */
  asks: z.array(z.enum(['approval', 'purpose', 'step_up'])),
  /** What stands in the way, whatever the policies say. */
  obstacles: z.array(z.enum(Object.keys(OBSTACLES) as [Obstacle, ...Obstacle[]])),
})
export type ToolOverlooked = z.infer<typeof toolOverlooked>

const counts = z.object({ allowed: z.int(), denied: z.int(), depends: z.int() })

export const accessOverview = z.object({
  portal: z.string(),
  who: z.object({ kind: z.enum(['user', 'service', 'anonymous']), id: z.string(), label: z.string() }),
  /** Whether they may enter the portal at all. */
  enter: z.enum(VERDICTS),
  /** Of all tools, whichever are asked for. */
  counts,
  servers: z.array(
    z.object({
      id: z.string(),
      name: z.string(),
      counts,
      /** What there is to know of it for this caller, such as that no account is connected. */
      obstacles: z.array(obstacleShown),
    }),
  ),
  tools: z.array(toolOverlooked),
  /** What is not known of them, in words. */
  unknown: z.array(z.string()),
})
export type AccessOverview = z.infer<typeof accessOverview>
